use proptest::prelude::*;

use super::parser::{DEPTH, parse};
use super::*;

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

fn one(body: &str) -> Vec<Node> {
    match parse(body, &[]).as_slice() {
        [Node::Paragraph(inner)] => inner.clone(),
        other => panic!("{body:?} is not one paragraph: {other:?}"),
    }
}

#[test]
fn the_subset() {
    assert_eq!(one("**a** *b* ~~c~~ `d`").len(), 7);
    assert_eq!(one("**a**"), [Node::Bold(vec![text("a")])]);
    assert_eq!(one("a\nb"), [text("a"), Node::Break, text("b")]);
    let pre = |label: &str, code: &str| Node::Pre { label: label.to_owned(), code: code.to_owned() };
    assert_eq!(parse("```rust\nfn a() {}\n\n```", &[]), [pre("rust", "fn a() {}")]);
    assert_eq!(parse("```hello", &[]), [text("```hello")]);
    assert_eq!(parse("> a", &[]), [Node::Quote(vec![Node::Paragraph(vec![text("a")])])]);
    assert!(matches!(&parse("- a\n- b", &[])[..], [Node::List { start: None, items }] if items.len() == 2));
    assert!(matches!(&parse("3. a\n4. b", &[])[..], [Node::List { start: Some(3), items }] if items.len() == 2));
}

#[test]
fn only_what_can_be_no_markup_is_plain() {
    for body in [
        "Hello",
        "at 5pm, maybe 2.5 - or so",
        "3 of us\nand #you",
        "https://a.example/b-c?d=e",
        "@Ana: (yes)!",
        "a > b",
    ] {
        assert!(is_plain(body), "{body}");
    }
    for body in ["a *b*", "_a", "`a`", "~~a~~", "# a", "- a", "+ a", "1. a", "1) a", "> a", "a\n---", "a\n=", "[a](b)"]
    {
        assert!(!is_plain(body), "{body}");
    }
    for body in ["<b>", "a&amp;", "\\#", " a", "\ta", "a \nb", "a\n\nb", "a\n    b"] {
        assert!(!is_plain(body), "{body}");
    }
}

#[test]
fn everything_else_stands_as_it_was_typed() {
    for body in [
        "# no heading",
        "![a](https://b.example/c.png)",
        "<b>no</b>",
        "<img src=x onerror=alert(1)>",
        "---",
        "&lt;b&gt;",
        "a | b\n--|--\n1 | 2",
        "    indented",
    ] {
        let typed: String = body.split_whitespace().collect();
        let shown: String = text_of(&parse(body, &[])).split_whitespace().collect();
        assert_eq!(shown, typed);
    }
}

#[test]
fn only_harmless_addresses_are_links() {
    for body in [
        "[a](javascript:alert(1))",
        "[a](data:text/html,x)",
        "<javascript:alert(1)>",
        "[a](/room/x)",
        "[a](//evil.example)",
        "[a](JaVaScRiPt:x)",
    ] {
        assert!(!format!("{:?}", parse(body, &[])).contains("Link"), "{body}");
    }
    let bare = one("see https://a.example/b_c_d?e=f, please");
    assert!(matches!(&bare[1], Node::Link { href, leads_to: None, .. } if href == "https://a.example/b_c_d?e=f"));
    let named = one("[your bank](https://user@evil.example/x)");
    assert!(matches!(&named[0], Node::Link { leads_to: Some(host), .. } if host == "evil.example"));
    let posing = one("[https://bank.example](https://evil.example/x)");
    assert!(matches!(&posing[0], Node::Link { shown, leads_to: Some(host), .. }
        if host == "evil.example" && *shown == [text("https://bank.example")]));
    assert!(
        matches!(&one("mail ana@b.example")[1], Node::Link { href, leads_to: None, .. } if href == "mailto:ana@b.example")
    );
}

#[test]
fn names_after_an_at_are_mentions() {
    let names: Names<'_> = &[("Ana", true), ("Ana Maria", false), ("Дарья", false)];
    let found = |body| {
        let mut found = Vec::new();
        for node in parse(body, names) {
            let Node::Paragraph(inner) = node else { continue };
            found.extend(inner.into_iter().filter_map(|node| match node {
                Node::Mention { text, own } => Some((text, own)),
                _ => None,
            }));
        }
        found
    };
    assert_eq!(found("@ana, and @Ana Maria"), [("@ana".to_owned(), true), ("@Ana Maria".to_owned(), false)]);
    assert_eq!(found("hi @дарья!"), [("@дарья".to_owned(), false)]);
    for body in ["@Anastasia", "x@Ana", "`@Ana`", "@"] {
        assert_eq!(found(body), [], "{body}");
    }
}

fn depth(nodes: &[Node]) -> usize {
    let of = |node: &Node| match node {
        Node::Quote(inner) => 1 + depth(inner),
        Node::List { items, .. } => 1 + items.iter().map(|item| depth(item)).max().unwrap_or(0),
        Node::Paragraph(inner) => depth(inner),
        _ => 0,
    };
    nodes.iter().map(of).max().unwrap_or(0)
}

fn links(nodes: &[Node], found: &mut Vec<String>) {
    for node in nodes {
        match node {
            Node::Link { href, shown, .. } => {
                found.push(href.clone());
                links(shown, found);
            }
            Node::Bold(inner)
            | Node::Italic(inner)
            | Node::Strike(inner)
            | Node::Paragraph(inner)
            | Node::Quote(inner) => {
                links(inner, found);
            }
            Node::List { items, .. } => items.iter().for_each(|item| links(item, found)),
            _ => {}
        }
    }
}

/// A line that is plain more often than not, and made of what begins markup elsewhere.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z@(:/|0-9$%^!\"'{}\\]?;,é中🧪][ -%'-)+-;=>?@A-Z\\]^a-z{|}\t\u{a0}é中🧪]{0,16}[a-z0-9.:#=>+@/)|!\\]-]",
        1 => "[1-9]{1,3}[a-z :,]{1,5}[a-z]",
        1 => "(https?://|www[.]|mailto:)[a-z]{1,4}[.]example(/[a-z0-9.,;:!?'()-]{0,9})?",
        1 => "[a-z]{1,3}@[a-z]{1,3}[.]example",
        1 => "[\\PC]{1,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_word_is_lost(words in prop::collection::vec("[a-z]{1,5}", 1..12), marks in prop::collection::vec("[ \n*_~`>#.()<&\\[\\]:!|\"\\\\=+1-]{1,4}", 12)) {
        let body: String = words.iter().zip(&marks).flat_map(|(word, mark)| [word.as_str(), mark.as_str()]).collect();
        let shown = text_of(&parse(&body, &[]));
        let mut rest = shown.as_str();
        for word in &words {
            let at = rest.find(word.as_str());
            prop_assert!(at.is_some(), "{word:?} of {body:?} is not in {shown:?}");
            rest = &rest[at.unwrap_or(0) + word.len()..];
        }
    }

    #[test]
    fn what_is_plain_needs_no_parser(lines in prop::collection::vec(line(), 1..5)) {
        let body = lines.join("\n");
        prop_assume!(is_plain(&body));
        let names: Names<'_> = &[("Ana", true), ("b", false)];
        prop_assert_eq!(as_typed(&body, names), parse(&body, names));
    }

    #[test]
    fn nothing_is_deep_or_harmful(body in "[ab:/.()<>\\[\\]*_~`!#\n 0-9@-]{0,300}|(javascript|data|https?):[^\n]{0,40}") {
        let nodes = parse(&body, &[("a", true)]);
        prop_assert!(depth(&nodes) <= DEPTH);
        let mut found = Vec::new();
        links(&nodes, &mut found);
        for href in found {
            prop_assert!(["http://", "https://", "http:", "https:", "mailto:"].iter().any(|scheme| href.to_ascii_lowercase().starts_with(scheme)), "{href}");
        }
    }
}

#[test]
fn a_tower_of_quotes_is_bounded() {
    let nodes = parse(&">".repeat(4_000), &[]);
    assert!(depth(&nodes) <= DEPTH);
    let nodes = parse(&"- ".repeat(2_000), &[]);
    assert!(depth(&nodes) <= DEPTH);
}
