//! Says when the release has to be compiled again: when the list of the site's files may have changed, or the time that
//! they have. What is in the files that it embeds, the compiler watches by itself; a debug build reads them when they are
//! asked for.

fn main() {
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo:rerun-if-changed={}", if release { "../target/site" } else { "build.rs" });
    if release {
        println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    }
}
