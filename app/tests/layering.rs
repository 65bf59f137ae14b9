//! Borders inside crates: names that some modules must not use. Borders between crates are the compiler's.
//!
//! Comments do not count. Everything else does, also tests inside the sources.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

/// Modules, as files and folders below the workspace without `.rs`, and texts that no line of their code may contain.
const RULES: &[(&[&str], &[&str])] = &[
    (&["app/src/live"], &["components::", "pages::"]),
    (&["app/src/markup"], &["api::", "live::", "components::", "pages::"]),
    (&["app/src/api"], &["axum", "client::", "live::", "components::", "pages::"]),
    (
        &["app/src/components", "app/src/pages"],
        &["ClientFrame", "ServerFrame", "WebSocket", "gloo_net", "codec", "driver::", "frame::", "socket::"],
    ),
    (&["server/src/hub"], &["axum", "leptos", "session::", "store_sqlite", "store_nats"]),
    (&["server/src/session", "server/src/main"], &["store_sqlite", "store_nats"]),
    (&["server/src/session/machine"], &["axum", "tokio", "async", "await"]),
];

#[test]
fn modules_name_nothing_beyond_their_border() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (modules, forbidden) in RULES {
        for module in *modules {
            let mut count = 0;
            check(&root.join(module).with_extension("rs"), forbidden, &mut count);
            check(&root.join(module), forbidden, &mut count);
            assert!(count > 0, "{module} is not there");
        }
    }
}

/// Checks that a file, or each file of a folder, uses no forbidden name, and counts the files.
fn check(path: &Path, forbidden: &[&str], count: &mut u32) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            check(&entry.unwrap().path(), forbidden, count);
        }
    } else if let Ok(source) = fs::read_to_string(path) {
        *count += 1;
        for (line, text) in (1..).zip(source.lines()) {
            let code = text.split("//").next().unwrap_or_default();
            let found = forbidden.iter().find(|name| code.contains(**name));
            assert_eq!(found, None, "{}:{line}: {text}", path.display());
        }
    }
}

/// Forbidding it for the workspace does nothing for a crate that does not take the workspace's lints.
#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &Path| fs::read_to_string(file).unwrap();
    assert!(read(&root.join("Cargo.toml")).contains("\nunsafe_code = \"forbid\"\n"));
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for folder in crates.chain(["app", "frontend", "server"].map(|name| root.join(name))) {
        let manifest = folder.join("Cargo.toml");
        assert!(read(&manifest).contains("\n[lints]\nworkspace = true\n"), "{}", manifest.display());
        count += 1;
    }
    assert!(count > 3, "no crates were found");
}
