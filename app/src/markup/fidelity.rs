//! Tests that what is typed is what is shown, with texts of which other chats lose something.

use super::node::text_block;
use super::tests::{one, one_with, parse, text, typed};
use super::*;

fn paragraph(words: &str) -> Node {
    Node::Paragraph(typed(words))
}

fn quote(words: &str) -> Node {
    Node::Quote(vec![paragraph(words)])
}

fn list(start: Option<u64>, items: &[&str]) -> Node {
    Node::List { start, items: items.iter().map(|item| typed(item)).collect() }
}

fn is_typed(bodies: &[&str]) {
    for body in bodies {
        assert_eq!(one(body), typed(body), "{body}");
    }
}

/// Words of the only link in a message, and the text after it.
fn link_and_rest(body: &str) -> (String, String) {
    let nodes = one(body);
    let at = nodes.iter().position(|node| matches!(node, Node::Link { .. }));
    let at = at.unwrap_or_else(|| panic!("no link in {body:?}: {nodes:?}"));
    assert_eq!(text_of(&nodes), body);
    (text_of(&nodes[at..=at]), text_of(&nodes[at + 1..]))
}

#[test]
fn line_after_a_quote_is_of_its_own_speaker() {
    for (body, quoted, own) in [
        ("> shall we meet at six?\nyes, gladly", "shall we meet at six?", "yes, gladly"),
        ("> a\n> b\nno *way*", "a\nb", "no *way*"),
        ("> *a\nb*", "*a", "b*"),
        ("> 看\n好", "看", "好"),
        ("> a\n2. b", "a", "2. b"),
    ] {
        let own = parse(own, &[]).remove(0);
        assert_eq!(parse(body, &[]), [quote(quoted), own], "{body}");
    }
    assert_eq!(parse(">> a\n> b", &[]), [Node::Quote(vec![quote("a")]), quote("b")]);
    assert_eq!(parse("> ```\n> a\nb", &[])[1], paragraph("b"));
}

#[test]
fn line_after_a_list_is_no_part_of_its_last_item() {
    assert_eq!(parse("- eggs\n- milk\nplease hurry", &[]), [list(None, &["eggs", "milk"]), paragraph("please hurry")]);
    assert_eq!(parse("1. a\n2. b\n c", &[]), [list(Some(1), &["a", "b"]), paragraph(" c")]);
    assert_eq!(parse("- a\n  b", &[]), [list(None, &["a\nb"])], "what is indented belongs to it");
    assert_eq!(parse("> - a\n> b", &[]), [Node::Quote(vec![list(None, &["a"])]), quote("b")]);
    assert_eq!(parse("- a\n  - b\n  c", &[])[1], paragraph("  c"));
    assert_eq!(parse("-\ta\n  b", &[]), [list(None, &["a"]), paragraph("  b")]);
}

#[test]
fn nothing_inside_an_address_is_markup() {
    for body in [
        "https://github.com/a/b/blob/main/src/__init__.py",
        "https://example.com/?a=*1*&b=*2*",
        "https://a.example/~~b~~/`c",
        "https://a.example/\\*b\\*c",
        "https://a.example/*b*c",
        "https://a.example/a_(b)_c",
    ] {
        let link = body.split('`').next().unwrap();
        assert_eq!(link_and_rest(body), (link.to_owned(), body[link.len()..].to_owned()), "{body}");
    }
    assert_eq!(link_and_rest("see (https://a.example/*b*), or *not").0, "https://a.example/*b*");
    for (open, close) in [("*", "*"), ("**", "**"), ("~~", "~~")] {
        let nodes = one(&format!("{open}https://a.example/b/{close}"));
        let [Node::Italic(inner) | Node::Bold(inner) | Node::Strike(inner)] = &nodes[..] else { panic!("{nodes:?}") };
        assert!(matches!(&inner[..], [Node::Link { href, .. }] if href == "https://a.example/b/"), "{nodes:?}");
    }
    let mailbox = one("**jim_b_@bo.example**");
    assert!(matches!(&mailbox[..], [Node::Bold(inner)] if matches!(&inner[..], [Node::Link { .. }])), "{mailbox:?}");
}

#[test]
fn backslash_before_no_mark_stands_as_typed() {
    is_typed(&[
        "¯\\_(ツ)_/¯",
        "C:\\_work\\_temp\\*.log",
        "\\[x^2\\]",
        "a\\*b\\*c",
        "\\~ \\` \\*",
        "\\\\server\\share\\*",
        "\\frac{1}{2}",
        "D:\\*\\*.txt",
    ]);
    for (body, shown) in [
        ("\\*a\\*", "*a*"),
        ("\\**a\\**", "**a**"),
        ("\\`a`", "`a`"),
        ("\\~~a~~", "~~a~~"),
        ("\\> a", "> a"),
        ("\\- a", "- a"),
        ("1\\. a", "1. a"),
    ] {
        assert_eq!(one(body), [text(shown)], "{body}");
    }
}

#[test]
fn low_line_is_no_markup() {
    is_typed(&["def __init__(self):", "_a_", "__a__", "snake_case_name _x", "_ _ _", "___"]);
}

#[test]
fn emphasis_begins_and_ends_with_words_and_not_with_paths() {
    is_typed(&[
        "**/*.rs and src/**/*.ts",
        "*.rs *.ts",
        "/* a */ b /* c */",
        "a/*b*/c",
        "^.*foo bar.*$",
        "*notes.* *",
        "rm *.log *.tmp*",
        "int **a, **b;",
        "a *= 2; b *= 3",
        "****a****",
        "2 * 3 * 4",
    ]);
    for inner in [
        "\"yes\"",
        "¿qué?",
        "“好”",
        "（注）",
        "«da»",
        "(note)",
        "Stop!",
        "Note it.",
        "#1",
        "100 %",
        "$5",
        "🎉",
        "1",
        "'a'",
    ] {
        assert_eq!(one(&format!("*{inner}*")), [Node::Italic(vec![text(inner)])], "{inner}");
        assert_eq!(one(&format!("**{inner}**")), [Node::Bold(vec![text(inner)])], "{inner}");
        assert_eq!(
            one(&format!("他**{inner}**吗")),
            [text("他"), Node::Bold(vec![text(inner)]), text("吗")],
            "{inner}"
        );
    }
    assert_eq!(one("**Note.** a"), [Node::Bold(vec![text("Note.")]), text(" a")]);
    assert_eq!(one("***a***"), [Node::Italic(vec![Node::Bold(vec![text("a")])])]);
    assert_eq!(one("**`a*`**"), [Node::Bold(vec![Node::Code("a*".to_owned())])]);
}

#[test]
fn one_sign_with_a_number_is_no_list_and_a_plus_never() {
    is_typed(&[
        "+ 1 from me",
        "- 5 degrees outside",
        "* 3 of us",
        "Weather:\n- 5 degrees\nbrr",
        "+ a\n+ b",
        "1) a\n2) b",
        "a\n2. b\nc",
    ]);
    assert_eq!(parse("> - 5 degrees", &[]), [quote("- 5 degrees")]);
    assert_eq!(parse("- 5 eggs\n- 3 milk", &[]), [list(None, &["5 eggs", "3 milk"])]);
    assert_eq!(parse("- eggs", &[]), [list(None, &["eggs"])]);
}

#[test]
fn number_of_a_list_is_the_one_that_was_typed() {
    assert_eq!(parse("2026. Happy new year", &[]), [list(Some(2026), &["Happy new year"])]);
    assert_eq!(parse("9. a\n10. b", &[]), [list(Some(9), &["a", "b"])]);
    is_typed(&["1. a\n3. b", "007. Bond", "1234567890. a"]);
}

#[test]
fn signs_of_other_scripts_and_of_print_end_an_address() {
    for (link, rest) in [
        ("https://example.com/a", "。好"),
        ("https://example.com", "，好"),
        ("https://example.com/a", "」と"),
        ("https://example.com/a", "…"),
        ("https://example.com/a", "”, she said"),
        ("https://example.com/a", "—and"),
        ("https://example.com/a", "؟"),
        ("https://example.com/日本", "（注）"),
    ] {
        let body = format!("看{link}{rest}");
        assert_eq!(link_and_rest(&body), (link.to_owned(), rest.to_owned()), "{body}");
    }
}

#[test]
fn empty_lines_are_as_many_as_were_typed() {
    let gap = |lines: usize| text_block(&"\n".repeat(lines));
    assert_eq!(parse("a\n\nb", &[]), [paragraph("a"), paragraph("b")]);
    assert_eq!(parse("a\n\n\n\n\n\nb", &[]), [paragraph("a"), gap(4), paragraph("b")]);
    assert_eq!(parse("a\n\n\n- b\n \t\n\n> c", &[]), [paragraph("a"), gap(1), list(None, &["b"]), gap(1), quote("c")]);
}

#[test]
fn name_in_a_mention_is_no_markup() {
    for name in ["_spider_", "*star*", "~~x~~", "a*b", "`tick`", "[a](b)", "\\*", "1. b", "__a__ c"] {
        let mention = Node::Mention { text: format!("@{name}"), own: true };
        let body = format!("hi @{name}, *you*");
        let nodes = one_with(&body, &[(name, true)]);
        assert_eq!(nodes, [text("hi "), mention, text(", "), Node::Italic(vec![text("you")])], "{body}");
    }
}

/// Exactly the text that is drawn as a mention notifies its member: see [`mentions_reader`].
#[test]
fn code_and_mailboxes_call_nobody() {
    let names: &[(&str, bool)] = &[("Bo", true), ("bo.example", true)];
    for body in [
        "`@Bo`",
        "``a ` @Bo``",
        "```\n@Bo\n```",
        "> ~~~\n> @Bo\n> ~~~",
        "jim@bo.example",
        "*jim@bo.example*",
        "ж@bo.example",
        "https://a.example/@Bo",
        "[@Bo](https://a.example)",
    ] {
        assert!(!mentions_reader(&parse(body, names)), "{body}");
    }
    for body in ["@Bo", "*@Bo*", "`a @Bo", "> @bo", "- a\n- @Bo", "\\`@Bo`", "`a` @Bo `b`"] {
        assert!(mentions_reader(&parse(body, names)), "{body}");
    }
}
