//! A message's nodes as elements.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::click::click;
use super::copy_link::{Copied, say_copied};
use super::focusable::{focusable, tabbable_while_scrolling};
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
        Node::Paragraph(inner) => view! { <p>{each(inner, inline)}</p> }.into_any(),
        Node::Quote(inner) => view! { <blockquote dir="auto">{blocks(inner)}</blockquote> }.into_any(),
        Node::Pre { label, code } => fenced(label, code),
        Node::List { start: None, items } => view! { <ul dir="auto">{list(items)}</ul> }.into_any(),
        Node::List { start: Some(start), items } => {
            // Styles give room for the longest of the numbers.
            let digits = (start + items.len().saturating_sub(1) as u64).to_string().len();
            view! { <ol dir="auto" class=format!("digits-{digits}") start=start.to_string()>{list(items)}</ol> }
                .into_any()
        }
        Node::Text(_)
        | Node::Break
        | Node::Bold(_)
        | Node::Italic(_)
        | Node::Strike(_)
        | Node::Code(_)
        | Node::Mention { .. }
        | Node::Link { .. } => view! { <p>{inline(node)}</p> }.into_any(),
    }
}

/// An item's own words stand in it as they are; what is a block in it stays one. Bullets stand where their list begins, so
/// the direction is the list's; styles let each line be read in its own.
fn list(items: &[Vec<Node>]) -> Vec<AnyView> {
    items.iter().map(|item| view! { <li>{each(item, inline)}</li> }.into_any()).collect()
}

fn fenced(label: &str, code: &str) -> AnyView {
    let label = (!label.is_empty()).then(|| view! { <span class="label">{label.to_owned()}</span> }.into_any());
    let (copied, code) = (RwSignal::new(false), code.to_owned());
    let typed = code.clone();
    let copy = move |_| {
        let code = typed.clone();
        spawn_local(async move {
            if browser::copy(&code).await {
                say_copied(copied);
            }
        });
    };
    view! {
        <div class="pre" dir="ltr">
            <div class="bar">
                {label}
                <button type="button" tabindex="-1" data-copied="" on:click=click(copy)>
                    <svg aria-hidden="true"><use href="#i-copy"/></svg>
                    <svg aria-hidden="true"><use href="#i-done"/></svg>
                    <span class="word">{text::copy()}</span>
                    <Copied copied words=text::text_copied()/>
                </button>
            </div>
            <pre use:tabbable_while_scrolling>
                <code>{code}</code>
            </pre>
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
            assert_eq!(markup::element_count(&nodes), elements + texts, "{html}");
            assert!(comments <= 2 * elements + 1, "{html}");
        }
    }

    #[test]
    fn words_that_turn_around_do_not_turn_where_a_link_leads() {
        assert_eq!(
            html(&read("[https://bank.example/\u{202e}](https://evil.example)")),
            "<p><a href=\"https://evil.example/\" target=\"_blank\" rel=\"noopener noreferrer nofollow\"><bdi>https://bank.example/\u{202e}</bdi></a><span class=\"host\"> (<bdi \
             translate=\"no\">evil.example</bdi>)</span></p>"
        );
    }

    #[test]
    fn each_kind_of_node_is_the_element_it_means() {
        for (body, expected) in [
            ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
            ("a\nb", "<p>a<br>b</p>"),
            ("> a", "<blockquote dir=\"auto\"><p>a</p></blockquote>"),
            ("- a\n- b", "<ul dir=\"auto\"><li>a</li><li>b</li></ul>"),
            ("3. a\n4. b", "<ol dir=\"auto\" start=\"3\" class=\"digits-1\"><li>a</li><li>b</li></ol>"),
            ("2026. a", "<ol dir=\"auto\" start=\"2026\" class=\"digits-4\"><li>a</li></ol>"),
            ("a\n\n\n\nb", "<p>a</p><p>\n\n</p><p>b</p>"),
            ("@ana", "<p><span class=\"mention\"><bdi translate=\"no\">@ana</bdi></span></p>"),
            (
                "```rust\n<b>\n```",
                concat!(
                    r##"<div dir="ltr" class="pre"><div class="bar"><span class="label">rust</span>"##,
                    r##"<button type="button" tabindex="-1" data-copied="">"##,
                    r##"<svg aria-hidden="true"><use href="#i-copy"></use></svg>"##,
                    r##"<svg aria-hidden="true"><use href="#i-done"></use></svg><span class="word">Copy</span>"##,
                    r##"<span role="status" class="visually-hidden"></span></button></div>"##,
                    r##"<pre><code>&lt;b&gt;</code></pre></div>"##,
                ),
            ),
        ] {
            assert_eq!(html(&read(body)), expected, "{body}");
        }
    }
}
