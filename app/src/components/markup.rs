//! A message's nodes as elements.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::click::click;
use super::focusable::focusable;
use super::name::Name;
use crate::live::browser;
use crate::markup::Node;
use crate::text;

/// The paragraphs, lists, quotes and fenced lines of a message.
pub(crate) fn blocks(nodes: &[Node]) -> AnyView {
    each(nodes, block)
}

/// One node as it is: a list of one would be two more comments in the page.
fn each(nodes: &[Node], view: fn(&Node) -> AnyView) -> AnyView {
    match nodes {
        [only] => view(only),
        several => several.iter().map(view).collect_view().into_any(),
    }
}

fn block(node: &Node) -> AnyView {
    match node {
        Node::Paragraph(inner) => view! { <p dir="auto">{each(inner, inline)}</p> }.into_any(),
        Node::Quote(inner) => view! { <blockquote>{blocks(inner)}</blockquote> }.into_any(),
        Node::Pre { label, code } => fenced(label, code),
        Node::List { start: None, items } => view! { <ul>{list(items)}</ul> }.into_any(),
        Node::List { start: Some(start), items } => view! { <ol start=start.to_string()>{list(items)}</ol> }.into_any(),
        Node::Text(_)
        | Node::Break
        | Node::Bold(_)
        | Node::Italic(_)
        | Node::Strike(_)
        | Node::Code(_)
        | Node::Mention { .. }
        | Node::Link { .. } => view! { <p dir="auto">{inline(node)}</p> }.into_any(),
    }
}

/// An item's own words stand in it as they are; what is a block in it stays one.
fn list(items: &[Vec<Node>]) -> Vec<AnyView> {
    items.iter().map(|item| view! { <li dir="auto">{each(item, inline)}</li> }.into_any()).collect()
}

fn fenced(label: &str, code: &str) -> AnyView {
    let label = (!label.is_empty()).then(|| view! { <div class="label">{label.to_owned()}</div> }.into_any());
    let code = code.to_owned();
    let copied = code.clone();
    let copy = move |_| {
        let code = copied.clone();
        spawn_local(async move {
            browser::copy(&code).await;
        });
    };
    view! {
        <div class="pre">
            {label}
            <pre dir="ltr" use:focusable>
                <code>{code}</code>
            </pre>
            <button type="button" tabindex="-1" on:click=click(copy)>
                {text::COPY}
            </button>
        </div>
    }
    .into_any()
}

fn inline(node: &Node) -> AnyView {
    match node {
        Node::Text(text) => text.clone().into_any(),
        Node::Break => view! { <br/> }.into_any(),
        Node::Bold(inner) => view! { <strong>{each(inner, inline)}</strong> }.into_any(),
        Node::Italic(inner) => view! { <em>{each(inner, inline)}</em> }.into_any(),
        Node::Strike(inner) => view! { <s>{each(inner, inline)}</s> }.into_any(),
        Node::Code(code) => view! { <code>{code.clone()}</code> }.into_any(),
        Node::Mention { text, own } => {
            view! { <span class=if *own { "mention me" } else { "mention" }><Name name=text.clone()/></span> }
                .into_any()
        }
        Node::Link { href, shown, leads_to } => link(href, shown, leads_to.as_deref()),
        Node::Paragraph(_) | Node::Quote(_) | Node::Pre { .. } | Node::List { .. } => block(node),
    }
}

/// The words and the host each stand in a direction of their own: words that turn what follows them would turn the host.
fn link(href: &str, shown: &[Node], leads_to: Option<&str>) -> AnyView {
    let link = view! {
        <a href=href.to_owned() target="_blank" rel="noopener noreferrer nofollow" use:focusable>
            <bdi>{each(shown, inline)}</bdi>
        </a>
    };
    match leads_to {
        None => link.into_any(),
        Some(host) => view! { {link} <span class="host">" ("<Name name=host.to_owned()/>")"</span> }.into_any(),
    }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use super::*;
    use crate::markup::{self, Context};
    use client::NameIndex;

    fn read(body: &str) -> Vec<Node> {
        let names = NameIndex::new([("Ana", false)].into_iter());
        markup::read(body, Context::of(&names))
    }

    /// The page's HTML, without the comments that leptos finds its places by.
    fn html(nodes: &[Node]) -> String {
        Owner::new().with(|| blocks(nodes).to_html()).replace("<!>", "")
    }

    /// The bound of a message's elements counts them before they are made.
    #[test]
    fn elements_and_texts_of_a_message_are_as_many_as_were_counted() {
        for body in [
            "**a** *b* ~~c~~ `d`\ne",
            "```rust\na\n```",
            "> a\n\n- b\n- *c*\n\n3. d",
            "[a](https://b.example) <https://c.example/> ana@d.example",
            "hi @Ana!",
        ] {
            let nodes = read(body);
            let html = Owner::new().with(|| blocks(&nodes).to_html());
            let pieces: Vec<(&str, &str)> = html.split('<').filter_map(|piece| piece.split_once('>')).collect();
            let elements = pieces.iter().filter(|(tag, _)| tag.starts_with(|c: char| c.is_ascii_alphabetic())).count();
            let comments = pieces.iter().filter(|(tag, _)| tag.starts_with('!')).count();
            let texts = pieces.iter().filter(|(_, text)| !text.is_empty()).count();
            assert_eq!(markup::drawn(&nodes), elements + texts, "{html}");
            assert!(comments <= 2 * elements + 1, "{html}");
        }
    }

    #[test]
    fn words_that_turn_around_do_not_turn_where_a_link_leads() {
        assert_eq!(
            html(&read("[https://bank.example/\u{202e}](https://evil.example)")),
            "<p dir=\"auto\"><a href=\"https://evil.example/\" target=\"_blank\" rel=\"noopener noreferrer nofollow\"><bdi>https://bank.example/\u{202e}</bdi></a><span class=\"host\"> (<bdi \
             translate=\"no\">evil.example</bdi>)</span></p>"
        );
    }

    #[test]
    fn each_kind_of_node_is_the_element_it_means() {
        for (body, expected) in [
            ("**a** *b* ~~c~~ `d`", "<p dir=\"auto\"><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
            ("a\nb", "<p dir=\"auto\">a<br>b</p>"),
            ("> a", "<blockquote><p dir=\"auto\">a</p></blockquote>"),
            ("- a\n- b", "<ul><li dir=\"auto\">a</li><li dir=\"auto\">b</li></ul>"),
            ("3. a\n4. b", "<ol start=\"3\"><li dir=\"auto\">a</li><li dir=\"auto\">b</li></ol>"),
            ("@ana", "<p dir=\"auto\"><span class=\"mention\"><bdi translate=\"no\">@ana</bdi></span></p>"),
            (
                "```rust\n<b>\n```",
                "<div class=\"pre\"><div class=\"label\">rust</div><pre dir=\"ltr\"><code>&lt;b&gt;</code>\
                 </pre><button type=\"button\" tabindex=\"-1\">Copy</button></div>",
            ),
        ] {
            assert_eq!(html(&read(body)), expected, "{body}");
        }
    }
}
