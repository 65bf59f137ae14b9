//! Who may name whom: the import table of ARCHITECTURE.md, read from the sources.
//!
//! Comments and string literals do not count. Everything else does, tests inside the sources too.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a part of the tree must not name.
struct Rule {
    /// Files and folders below the workspace, without `.rs`: `a/b` is `a/b.rs` and everything below `a/b/`.
    parts: &'static [&'static str],
    /// Identifiers that may stand nowhere; `x*` is every identifier that begins with x.
    words: &'static [&'static str],
    /// Modules that may not be part of any path.
    modules: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { parts: &["app/src/live"], words: &[], modules: &["components", "pages"] },
    Rule {
        parts: &["app/src/api"],
        words: &["axum*", "leptos_axum"],
        modules: &["client", "live", "components", "pages", "hub"],
    },
    Rule {
        parts: &["app/src/components", "app/src/pages"],
        words: &["ClientFrame", "ServerFrame", "WebSocket", "gloo_net", "tokio*"],
        modules: &["codec", "frame", "socket", "driver"],
    },
    Rule { parts: &["server/src/hub"], words: &["axum*", "leptos*", "store_*"], modules: &["session"] },
    Rule { parts: &["server/src/session"], words: &["store_*"], modules: &[] },
    Rule { parts: &["server/src/session/machine"], words: &["tokio*", "async", "await", "axum*"], modules: &[] },
    Rule { parts: &["server/src/main"], words: &["store_*"], modules: &[] },
];

#[test]
fn the_sources_keep_the_import_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["app/src", "server/src"] {
        collect(&root.join(folder), &mut files);
    }
    let mut broken = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let source = std::fs::read_to_string(&file).unwrap();
        broken.extend(check(&name, &source));
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What the source of this name names against the rules.
fn check(name: &str, source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let paths = paths(&tokens);
    let module = name.strip_suffix(".rs").unwrap_or(name);
    let mut broken = BTreeSet::new();
    for rule in RULES {
        let applies = |part: &&&str| module == **part || module.starts_with(&format!("{part}/"));
        if !rule.parts.iter().any(|part| applies(&part)) {
            continue;
        }
        for token in &tokens {
            if rule.words.iter().any(|word| matches(word, token)) {
                broken.insert(format!("{name} names {token}"));
            }
        }
        for path in paths.iter().filter(|path| path.len() > 1) {
            if let Some(module) = path.iter().find(|segment| rule.modules.contains(&segment.as_str())) {
                broken.insert(format!("{name} names the module {module} ({})", path.join("::")));
            }
        }
    }
    broken.into_iter().collect()
}

fn matches(word: &str, token: &str) -> bool {
    word.strip_suffix('*').map_or(word == token, |start| token.starts_with(start))
}

/// Identifiers, `::` and single characters, without comments, literals and white space.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if c.is_alphanumeric() || c == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of the string or character literal that stands here.
fn literal(rest: &str) -> Option<usize> {
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')).unwrap_or("");
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if raw[hashes..].starts_with('"') {
        let start = rest.len() - raw.len() + hashes + 1;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()));
    }
    let (quote, start) = match rest.as_bytes() {
        [b'b', quote @ (b'"' | b'\''), ..] => (*quote, 2),
        [quote @ (b'"' | b'\''), ..] => (*quote, 1),
        _ => return None,
    };
    let bytes = rest.as_bytes();
    if quote == b'\'' {
        // `'a` without a closing quote is a lifetime.
        let length = rest[start..].chars().next().map_or(0, char::len_utf8);
        if bytes.get(start) != Some(&b'\\') && bytes.get(start + length) != Some(&b'\'') {
            return None;
        }
    }
    let mut at = start;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some((at + 1).min(rest.len()))
}

/// Every `a::b::c`, with the groups of `use` written out.
fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = path(tokens, at, &mut Vec::new(), &mut paths).max(at + 1);
    }
    paths
}

fn path(tokens: &[String], mut at: usize, above: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let depth = above.len();
    let is_name = |token: &String| token.chars().all(|c| c.is_alphanumeric() || c == '_');
    while let Some(token) = tokens.get(at).filter(|token| is_name(token)) {
        above.push(token.clone());
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            break;
        }
        at += 1;
        if tokens.get(at).is_some_and(|token| token == "{") {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                at = path(tokens, at, above, paths).max(at + 1);
            }
            at += 1;
            break;
        }
    }
    if above.len() > depth {
        paths.push(above.clone());
    }
    above.truncate(depth);
    at
}

#[test]
fn every_rule_can_fail() {
    for rule in RULES {
        for part in rule.parts {
            for word in rule.words {
                let word = word.replace('*', "_x");
                let source = format!("fn f() {{ {word} }}");
                assert!(!check(&format!("{part}.rs"), &source).is_empty(), "{part} may name {word}");
                assert!(!check(&format!("{part}/inner/file.rs"), &source).is_empty(), "{part}/… may name {word}");
            }
            for module in rule.modules {
                for source in [
                    format!("use crate::{module};"),
                    format!("use super::super::{module}::Thing;"),
                    format!("use app::{{text::Word, {module}::{{Thing, Other}}}};"),
                    format!("fn f() {{ crate::{module}::thing() }}"),
                ] {
                    assert!(!check(&format!("{part}/file.rs"), &source).is_empty(), "{part} may say {source}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_named_is_not_found() {
    for source in [
        "// leptos is not named here, nor crate::session\n/* axum */ fn f() {}",
        "/// [`crate::session::page`]\nfn f<'a>(c: char) -> bool { c == '\"' && c != '\\'' }",
        r##"const A: &str = "axum \" leptos"; const B: &str = r#"axum "rusqlite" "#; const C: &[u8] = b"axum";"##,
        "fn session(sqlite: u8) -> u8 { let nats = sqlite; nats }",
        "use protocol::{Seq, event::{Event, EventKind}}; fn f(x: Seq) -> Event { g::<Event>(x) }",
    ] {
        assert_eq!(check("server/src/hub/file.rs", source), Vec::<String>::new(), "{source}");
    }
    assert!(check("server/src/hubs.rs", "use leptos::prelude::*;").is_empty(), "a part is not a prefix of a name");
    let after_literals = "const A: char = '\\\\'; const B: &str = \"\\\\\"; use leptos::prelude;";
    assert_eq!(check("server/src/hub.rs", after_literals), ["server/src/hub.rs names leptos"]);
}
