//! Where the browser's half of the program is.

use std::path::Path;

use app::ui::Assets;

/// Looks for the files that the build put into the site. The release's names carry a hash of what is in the file, those
/// of `cargo leptos watch` do not; where nothing was built, as in the server's own tests, the plain names are answered.
#[must_use]
pub fn find(site: &Path) -> Assets {
    let names: Vec<String> = std::fs::read_dir(site.join("pkg"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let address = |extension: &str| {
        let found = names.iter().find(|name| {
            let between = name.strip_prefix("flasky.").and_then(|rest| rest.strip_suffix(extension));
            between.is_some_and(|between| between.is_empty() || between.strip_suffix('.').is_some_and(is_hash))
        });
        match found {
            Some(name) => format!("/pkg/{name}"),
            None => format!("/pkg/flasky.{extension}"),
        }
    };
    Assets { script: address("js"), wasm: address("wasm"), style: address("css") }
}

/// Whether what is behind this address never changes.
#[must_use]
pub fn is_immutable(path: &str) -> bool {
    path.strip_prefix("/pkg/flasky.").and_then(|rest| rest.split_once('.')).is_some_and(|(hash, _)| is_hash(hash))
}

/// cargo-leptos' hashes: 16 bytes in unpadded base64.
fn is_hash(text: &str) -> bool {
    text.len() == 22 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_names_are_found_and_kept() {
        let site = tempfile::tempdir().unwrap();
        std::fs::create_dir(site.path().join("pkg")).unwrap();
        assert_eq!(find(site.path()).wasm, "/pkg/flasky.wasm", "nothing was built");
        let hashed = "flasky.ABCDEFGHIJKLMNOPQRSTUV.wasm";
        for name in [hashed, "flasky.ABCDEFGHIJKLMNOPQRSTUV.wasm.br", "flasky.js", "flasky.css", "other.css"] {
            std::fs::write(site.path().join("pkg").join(name), "").unwrap();
        }
        let found = find(site.path());
        assert_eq!((found.script.as_str(), found.style.as_str()), ("/pkg/flasky.js", "/pkg/flasky.css"));
        assert_eq!(found.wasm, format!("/pkg/{hashed}"));
        assert!(is_immutable(&found.wasm));
        assert!(!is_immutable(&found.script) && !is_immutable("/pkg/flasky.wasm") && !is_immutable("/"));
    }
}
