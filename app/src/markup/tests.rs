use proptest::prelude::*;
use serde_json::Value;

use super::node::{MAX_ELEMENTS, text_block};
use super::parser::DEPTH;
use super::plain::is_plain;
use super::*;
use client::NameIndex;
use client::mentions::MAX_MARKS;

pub(super) type Names<'a> = &'a [(&'a str, bool)];

fn read_with(read: fn(&str, Context<'_>) -> Vec<Node>, body: &str, names: Names<'_>) -> Vec<Node> {
    let names = NameIndex::new(names.iter().copied());
    read(body, Context::of(&names))
}

pub(super) fn parse(body: &str, names: Names<'_>) -> Vec<Node> {
    read_with(|body, context| parser::parse(body, &rules::preprocess(body, context), context), body, names)
}

fn parse_plain(body: &str, names: Names<'_>) -> Vec<Node> {
    read_with(plain::parse_plain, body, names)
}

pub(super) fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

pub(super) fn one(body: &str) -> Vec<Node> {
    one_with(body, &[])
}

pub(super) fn one_with(body: &str, names: Names<'_>) -> Vec<Node> {
    match parse(body, names).as_slice() {
        [Node::Paragraph(inner)] => inner.clone(),
        other => panic!("{body:?} is not one paragraph: {other:?}"),
    }
}

#[test]
fn each_construct_is_parsed() {
    assert_eq!(one("**a** *b* ~~c~~ `d`").len(), 7);
    assert_eq!(one("**a**"), [Node::Bold(vec![text("a")])]);
    assert_eq!(one("a\nb"), [text("a"), Node::Break, text("b")]);
    let pre = |label: &str, code: &str| Node::Pre { label: label.to_owned(), code: code.to_owned() };
    assert_eq!(parse("```rust\nfn a() {}\n\n```", &[]), [pre("rust", "fn a() {}\n")]);
    assert_eq!(one("```hello"), [text("```hello")]);
    assert_eq!(parse("> a", &[]), [Node::Quote(vec![Node::Paragraph(vec![text("a")])])]);
    assert!(matches!(&parse("- a\n- b", &[])[..], [Node::List { start: None, items }] if items.len() == 2));
    assert!(matches!(&parse("3. a\n4. b", &[])[..], [Node::List { start: Some(3), items }] if items.len() == 2));
}

#[test]
fn plain_text_holds_no_markup() {
    for body in [
        "Hello",
        "at 5pm, maybe 2.5 - or so",
        "3 of us\nand #you",
        "https://a.example/b-c?d=e",
        "@Ana: (yes)!",
        "a > b",
        "_a",
        "# a",
        "+ a",
        "a\n=",
        "<b>",
        "a&amp;",
        " a\n\tb",
        "C:\\#",
    ] {
        assert!(is_plain(body), "{body}");
    }
    for body in ["a *b*", "`a`", "~~a~~", "- a", "  - a", "1. a", "1\\. a", "> a", "a\n---", "[a](b)"] {
        assert!(!is_plain(body), "{body}");
    }
    for body in ["\\- a", "a \nb", "a\n\nb"] {
        assert!(!is_plain(body), "{body}");
    }
}

#[test]
fn unsupported_markup_stays_text() {
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

/// The same file is drawn by a browser: `end2end/tests/markup.spec.ts`.
#[test]
fn hostile_addresses_show_the_host_they_lead_to() {
    let cases: Value = serde_json::from_str(include_str!("../../tests/fixtures/links.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let text = |key: &str| case[key].as_str().map(str::to_owned);
        let body = text("body").unwrap();
        let expected: Vec<_> = text("href").map(|href| (href, text("leads_to"))).into_iter().collect();
        assert_eq!(links(&parse(&body, &[])), expected, "{body}");
    }
}

#[test]
fn link_shows_its_typed_address() {
    let bare = one("see https://a.example/b_c_d?e=f, please");
    assert!(matches!(&bare[1], Node::Link { shown, .. } if *shown == [text("https://a.example/b_c_d?e=f")]));
    let posing = one("[https://bank.example](https://evil.example/x)");
    assert!(matches!(&posing[0], Node::Link { shown, .. } if *shown == [text("https://bank.example")]));
    assert_eq!(one("[a](javascript:alert(1))"), [text("[a](javascript:alert(1))")]);
}

#[test]
fn name_after_an_at_sign_is_a_mention() {
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
    assert_eq!(found("你好@Ana，"), [("@Ana".to_owned(), true)]);
    for body in ["@Anastasia", "bob@Ana", "`@Ana`", "@"] {
        assert_eq!(found(body), [], "{body}");
    }
    let inside_words = "bob@Ana ".repeat(MAX_MARKS);
    assert_eq!(found(&format!("{inside_words} @Ana")), [("@Ana".to_owned(), true)]);
}

#[test]
fn marks_beyond_the_maximum_are_no_mentions() {
    let mentions = |nodes: &[Node]| nodes.iter().filter(|node| matches!(node, Node::Mention { .. })).count();
    let body = "@Ana ".repeat(MAX_MARKS + 50);
    assert_eq!(mentions(&one_with(&body, &[("Ana", true)])), MAX_MARKS);
    // One bound for all runs of a message.
    let body = "*@Ana*\n".repeat(70) + &"@Ana ".repeat(MAX_MARKS);
    let nodes = one_with(&body, &[("Ana", true)]);
    let italic: usize = nodes.iter().flat_map(Node::items).map(|inner| mentions(inner)).sum();
    assert_eq!((italic, mentions(&nodes)), (70, MAX_MARKS - 70));
    // Read as a list first, then as it was typed.
    let body = format!("2. a\n1. {}", "@Ana ".repeat(MAX_MARKS));
    assert_eq!(mentions(&one_with(&body, &[("Ana", true)])), MAX_MARKS);
}

/// The definition that mentions keep.
fn mentions_one_by_one(text: &str, names: Names<'_>) -> Vec<Node> {
    let index = NameIndex::new(names.iter().copied());
    let (mut nodes, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        plain.push_str(before);
        rest = after;
        match index.find(after.chars()).filter(|_| !before.ends_with(|c: char| c.is_ascii_alphanumeric())) {
            Some(found) => {
                nodes.extend((!plain.is_empty()).then(|| Node::Text(std::mem::take(&mut plain))));
                nodes.push(Node::Mention { text: format!("@{}", &after[..found.length]), own: found.own });
                rest = &after[found.length..];
            }
            None => plain.push('@'),
        }
    }
    plain.push_str(rest);
    nodes.extend((!plain.is_empty()).then_some(Node::Text(plain)));
    nodes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn mentions_agree_with_a_lookup_of_each_at_sign(
        text in "[@aAbİ\u{307} é中,]{1,30}",
        names in prop::collection::vec(("[@aAbİ\u{307} é]{1,4}", any::<bool>()), 0..6),
    ) {
        let names: Vec<(&str, bool)> = names.iter().map(|(name, own)| (name.as_str(), *own)).collect();
        prop_assert_eq!(parse_plain(&text, &names), [Node::Paragraph(mentions_one_by_one(&text, &names))]);
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

/// Two texts next to each other, anywhere in these nodes.
fn adjacent_texts(nodes: &[Node]) -> bool {
    nodes.windows(2).any(|two| matches!(two, [Node::Text(_), Node::Text(_)]))
        || nodes.iter().flat_map(Node::items).any(|item| adjacent_texts(item))
}

/// Addresses of the links, and the host that is shown beside their words.
fn links(nodes: &[Node]) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for node in nodes {
        if let Node::Link { href, leads_to, .. } = node {
            found.push((href.clone(), leads_to.clone()));
        }
        found.extend(node.items().iter().flat_map(|item| links(item)));
    }
    found
}

/// Every letter and digit that is drawn, in order: what a list's numbers say, too.
fn letters(nodes: &[Node]) -> String {
    let of = |node: &Node| match node {
        Node::List { start, items } => (0..)
            .zip(items)
            .map(|(i, item)| start.map_or(String::new(), |start| (start + i).to_string()) + &letters(item))
            .collect(),
        Node::Bold(inner)
        | Node::Italic(inner)
        | Node::Strike(inner)
        | Node::Paragraph(inner)
        | Node::Quote(inner)
        | Node::Link { shown: inner, .. } => letters(inner),
        leaf => text_of(std::slice::from_ref(leaf)),
    };
    nodes.iter().map(of).collect::<String>().chars().filter(|c| c.is_alphanumeric()).collect()
}

pub(super) fn typed(line: &str) -> Vec<Node> {
    match parse_plain(line, &[]).remove(0) {
        Node::Paragraph(nodes) => nodes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn link_definition_stays_text() {
    for body in [
        "[1]: hello",
        "[note]: see-you \"at eight\"",
        "[x]: y 'z'\n[x]: y\n[X]: w",
        "[x][1]\n[1]: https://a.example",
        "a[^1]: b",
    ] {
        assert_eq!(one(body), typed(body), "{body}");
    }
    let two = |first, second| [Node::Paragraph(typed(first)), Node::Paragraph(typed(second))];
    assert_eq!(parse("Look:\n\n[todo]: buy-milk", &[]), two("Look:", "[todo]: buy-milk"));
    assert_eq!(parse("a[^1]\n\n[^1]: note", &[]), two("a[^1]", "[^1]: note"));
    assert_eq!(parse("[x][1]\n\n[1]: https://a.example/", &[]), two("[x][1]", "[1]: https://a.example/"));
    let quoted = Node::Paragraph(typed("[1]: hello"));
    assert_eq!(parse("> [1]: hello", &[]), [Node::Quote(vec![quoted])]);
    assert_eq!(
        parse("- [x]: done\n- [x]: done", &[]),
        [Node::List { start: None, items: vec![typed("[x]: done"); 2] }]
    );
    let address = one("[a](http://[::1]:80/x)");
    assert!(matches!(&address[0], Node::Link { href, .. } if href == "http://[::1]/x"), "{address:?}");
    assert_eq!(one("`[a]: 5%`"), [Node::Code("[a]: 5%".to_owned())]);
    let fenced = Node::Pre { label: "a]:&lt;".to_owned(), code: "[a]: 5%\n>b".to_owned() };
    assert_eq!(parse("~~~a]:&lt;\n[a]: 5%\n>b\n~~~", &[]), [fenced]);
}

#[test]
fn backslash_is_hidden_only_where_it_escapes_markup() {
    for body in
        ["\\\\server\\share", "C:\\.ssh", "\\d+\\.\\d+", "\\\\&x", "a\\\\.b", "\\a\\!", "\\[c\\]", "\\*", "a\\*b"]
    {
        assert_eq!(one(body), [text(body)], "{body}");
    }
    assert_eq!(one("\\*a\\* \\`b\\` \\[c\\](d)"), [text("*a* `b` [c](d)")]);
    assert_eq!(one("\\\\ *a*"), [text("\\\\ "), Node::Italic(vec![text("a")])]);
}

#[test]
fn number_after_an_angle_bracket_is_no_quote() {
    let lines = |nodes: &[Node]| text_of(nodes);
    assert!(lines(&parse("> 2. a\n> 1. b\n>18", &[])).contains(">18"));
}

#[test]
fn marks_of_no_emphasis_are_shown() {
    for body in
        ["5*6 and 7*8", "a*b*", "*a*b", "foo*bar*baz", "~tilde~", "2*3 ~5~ 4*5", "a***b", "x**2 + y**2", "a**b**c"]
    {
        assert_eq!(one(body), [text(body)], "{body}");
    }
    assert_eq!(one("*a*"), [Node::Italic(vec![text("a")])]);
    assert_eq!(one("(*a*)!"), [text("("), Node::Italic(vec![text("a")]), text(")!")]);
    assert_eq!(one("他*好*吗"), [text("他"), Node::Italic(vec![text("好")]), text("吗")]);
    assert_eq!(one("他**好**吗"), [text("他"), Node::Bold(vec![text("好")]), text("吗")]);
    assert_eq!(one("~~a~~"), [Node::Strike(vec![text("a")])]);
    assert_eq!(one("*a ~b~ c*"), [Node::Italic(vec![text("a ~b~ c")])]);
    assert_eq!(one("_a_ __b__ \\_c\\_"), [text("_a_ __b__ \\_c\\_")]);
}

#[test]
fn line_that_begins_no_block_stays_text() {
    for body in [
        ">:(", ">_<", ">18", ">>18", ">", "-", "+", "*", "+ + +", ">>>", "> - >", "- - -", "1.", "a\n>18", "<b>", "***",
    ] {
        assert_eq!(one(body), typed(body), "{body}");
    }
    let quote = |words| Node::Quote(vec![Node::Paragraph(typed(words))]);
    assert_eq!(parse("> >:(", &[]), [quote(">:(")]);
    assert_eq!(parse("- >:(\n- b", &[]), [Node::List { start: None, items: vec![typed(">:("), typed("b")] }]);
    assert_eq!(parse(">> a", &[]), [Node::Quote(vec![quote("a")])]);
    assert_eq!(parse(">\ta", &[]), [quote("a")]);
    assert_eq!(
        parse("> a\n>\n> b", &[]),
        [Node::Quote(vec![Node::Paragraph(typed("a")), Node::Paragraph(typed("b"))])]
    );
}

#[test]
fn numbers_out_of_sequence_stay_text() {
    for body in ["10. ten\n9. nine\n8. eight", "3. three\n1. one", "007. Bond", "1. a\n1. b", "1. a\n\n3. b"] {
        assert_eq!(one(body), typed(body), "{body}");
    }
    let quoted = Node::Paragraph(typed("2. b\n1. a"));
    assert_eq!(parse("> 2. b\n> 1. a", &[]), [Node::Quote(vec![quoted])]);
    assert!(matches!(&parse("9. a\n10. b", &[])[..], [Node::List { start: Some(9), items }] if items.len() == 2));
    assert_eq!(one("9) a\n10) b"), typed("9) a\n10) b"));
}

#[test]
fn lines_keep_their_ends() {
    for body in ["C:\\dir\\\nb", "x\n    y\n        z", "  a\n b", "\ta", "hello\n===", "hello\n---", "```\n```"] {
        assert_eq!(one(body), typed(body), "{body}");
    }
    assert_eq!(one("*a\\\nb*"), [Node::Italic(vec![text("a\\"), Node::Break, text("b")])]);
    assert_eq!(one("a\n  *b*"), [text("a"), Node::Break, text("  "), Node::Italic(vec![text("b")])]);
    assert_eq!(one("*a*\n---"), [Node::Italic(vec![text("a")]), Node::Break, text("---")]);
    assert_eq!(parse("> a\n>   b", &[]), [Node::Quote(vec![Node::Paragraph(typed("a\n  b"))])]);
    assert_eq!(parse("> a\n> ==", &[]), [Node::Quote(vec![Node::Paragraph(typed("a\n=="))])]);
}

#[test]
fn link_with_title_or_without_text_stays_text() {
    for body in ["[a](https://b.example 'c')", "[](https://b.example)"] {
        let shown = parse(body, &[]);
        assert_eq!(text_of(&shown).trim_end(), body);
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
    fn every_letter_and_digit_is_drawn(words in prop::collection::vec("[a-z]{1,5}|[0-9]{1,2}|https://a.b", 1..12), marks in prop::collection::vec("[ \n\t*_~`>#.()<&\\[\\]:!|\"'\\\\=+1-]{1,4}|\n[*+>-] |\n\\d[.)] |\\]: |\\]\\(", 12)) {
        let body: String = marks.iter().zip(&words).flat_map(|(mark, word)| [mark.as_str(), word.as_str()]).collect();
        let nodes = parse(&body, &[]);
        // An address is not always among its link's words.
        prop_assume!(links(&nodes).iter().all(|(_, leads_to)| leads_to.is_none()));
        let typed: String = body.chars().filter(|c| c.is_alphanumeric()).collect();
        prop_assert_eq!(letters(&nodes), typed, "{:?}: {:?}", body, nodes);
    }

    #[test]
    fn plain_text_is_the_same_with_and_without_the_parser(lines in prop::collection::vec(line(), 1..5)) {
        let body = lines.join("\n");
        prop_assume!(is_plain(&body));
        let names: Names<'_> = &[("Ana", true), ("b", false)];
        prop_assert_eq!(parse_plain(&body, names), parse(&body, names));
    }

    #[test]
    fn tree_is_shallow_and_its_links_are_safe(body in "[ab:/.()<>\\[\\]*_~`!#\n 0-9@-]{0,300}|(javascript|data|https?):[^\n]{0,40}") {
        let nodes = parse(&body, &[("a", true)]);
        prop_assert!(depth(&nodes) <= DEPTH);
        prop_assert!(!adjacent_texts(&nodes), "{nodes:?}");
        for (href, _) in links(&nodes) {
            prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| href.starts_with(scheme)), "{href}");
        }
    }
}

#[test]
fn nesting_and_repetition_are_bounded() {
    for unit in [
        ">",
        "> ",
        "- ",
        "1. ",
        "*(",
        "_*",
        "*_",
        "~*",
        "**_",
        "*a **a ",
        "[",
        "![",
        "[a](",
        "[a]: b\n\n",
        "]:",
        "- [a]: b\n",
        "`",
        "```\n",
        "\\\n",
        "a\n---\n",
        "2. a\n",
        "> 2. a\n",
        "<a",
        "<b>\n",
        "a*",
        "*a 2*3 ",
        "a\n    ",
        "- a\n >",
        "> -\n",
    ] {
        let half = unit.repeat(2_000 / unit.len());
        for body in [half.repeat(2), format!("{half}x{}", half.chars().rev().collect::<String>())] {
            let nodes = parse(&body, &[]);
            assert!(depth(&nodes) <= DEPTH, "{unit:?}");
            let typed: String = body.chars().filter(|c| c.is_alphanumeric()).collect();
            assert_eq!(letters(&nodes), typed, "{unit:?}");
        }
    }
}

#[test]
fn message_beyond_the_maximum_ends_in_one_text() {
    for unit in [
        "a\n",
        "> a\n\n",
        "- a\n",
        "- a\n\n",
        "1. a\n",
        "> - a\n\n",
        "> > > > > > a\n\n",
        "> a\n- b\n",
        "*a* ",
        "`a` ",
        "*a*\n",
        "http://a.example ",
        "~~~\na\n~~~\n",
        "- ~~~\n  a\n",
        "# a\n",
        "***\n",
    ] {
        let body = unit.repeat(4_000 / unit.len()).trim_end().to_owned();
        let begin = "**b**\n\n> c\n\nd\n\n";
        for body in [body.clone(), format!("{begin}{body}")] {
            let nodes = parse(&body, &[]);
            assert!(element_count(&nodes) <= MAX_ELEMENTS + 2, "{unit:?} has {}", element_count(&nodes));
            assert_eq!(text_of(&nodes).matches('a').count(), body.matches('a').count(), "{unit:?}");
        }
        assert_eq!(parse(&format!("{begin}{body}"), &[])[..3], parse(begin, &[]), "{unit:?}");
    }
    let list = "- a\n".repeat(600);
    assert_eq!(parse(&format!("*b*\n\n  {list}"), &[])[1], text_block(&format!("  {list}")));
    assert_eq!(parse_plain(&"a\n".repeat(600), &[]), [text_block(&"a\n".repeat(600))]);
}

#[test]
fn message_of_the_maximum_is_drawn_whole() {
    // A paragraph, a text for each line, and a break between two.
    let lines = |count: usize| vec!["a"; count].join("\n");
    assert_eq!(element_count(&parse_plain(&lines(MAX_ELEMENTS / 2), &[])), MAX_ELEMENTS);
    assert_eq!(parse_plain(&lines(MAX_ELEMENTS / 2 + 1), &[]), [text_block(&lines(MAX_ELEMENTS / 2 + 1))]);
    assert_eq!(parse(&lines(MAX_ELEMENTS / 2 + 1), &[]), [text_block(&lines(MAX_ELEMENTS / 2 + 1))]);
}
