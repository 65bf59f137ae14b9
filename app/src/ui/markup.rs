//! What a message says, as structure: a small part of Markdown.
//!
//! Bold, italic, strike, code, fenced code, quotes, lists and links mean what they mean in CommonMark, where they cannot
//! be meant otherwise: no star inside a word, no single tilde, no `>` without a space, no number out of order. Everything
//! else stands as it was typed: a chat has no headings, no pictures, no definitions and no HTML. A line break is a line
//! break. Nothing here can make markup: the tree holds text, and the view turns it into text nodes.
//!
//! What can hold no markup is read here. For the rest there is [`parser`], which the browser fetches when it first needs
//! it: see [`lazy`].

use linkify::{LinkFinder, LinkKind};

mod lazy;
mod parser;

pub use lazy::{Read, foresee, has_come, read, read_if_here, until_read};

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Words.
    Text(String),
    /// The next line.
    Break,
    /// `**…**`
    Bold(Vec<Self>),
    /// `*…*`
    Italic(Vec<Self>),
    /// `~~…~~`
    Strike(Vec<Self>),
    /// `` `…` ``
    Code(String),
    /// An address that can be followed.
    Link {
        /// http, https or mailto.
        href: String,
        /// What stands for it.
        shown: Vec<Self>,
        /// Where it leads, when the words do not say so themselves.
        leads_to: Option<String>,
    },
    /// `@` and the name of somebody.
    Mention {
        /// With the `@`.
        text: String,
        /// Whether it is the reader.
        own: bool,
    },
    /// Lines that belong together.
    Paragraph(Vec<Self>),
    /// `> …`
    Quote(Vec<Self>),
    /// Lines between fences, exactly as they are.
    Pre {
        /// What stands behind the first fence: the language, mostly. May be empty.
        label: String,
        /// The lines.
        code: String,
    },
    /// `- …` or `1. …`
    List {
        /// The first number of a numbered one.
        start: Option<u64>,
        /// The items.
        items: Vec<Vec<Self>>,
    },
}

/// Who can be mentioned: a name, and whether it is the reader's.
pub type Names<'a> = &'a [(&'a str, bool)];

/// Whether nothing in this can be markup, so that the parser would find what [`as_typed`] finds.
fn is_plain(body: &str) -> bool {
    let marks = ['*', '_', '~', '`', '<', '[', '\\', '&'];
    !body.contains(marks)
        && body.split('\n').all(|line| {
            let begins = ['#', '>', '-', '+', '=', ' ', '\t'];
            let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
            !line.is_empty() && line.trim() == line && !line.starts_with(begins) && !number.starts_with(['.', ')'])
        })
}

/// A message without any markup but addresses and mentions.
fn as_typed(body: &str, names: Names<'_>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (i, line) in body.split('\n').enumerate() {
        if i > 0 {
            nodes.push(Node::Break);
        }
        words(line, names, &mut nodes);
    }
    vec![Node::Paragraph(nodes)]
}

/// A run of text: addresses and mentions in it become what they are.
fn words(text: &str, names: Names<'_>, nodes: &mut Vec<Node>) {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url, LinkKind::Email]);
    for span in finder.spans(text) {
        match span.kind() {
            Some(LinkKind::Email) => {
                nodes.push(link(format!("mailto:{}", span.as_str()), vec![Node::Text(span.as_str().to_owned())]));
            }
            Some(_) if is_harmless(span.as_str()) => {
                nodes.push(link(span.as_str().to_owned(), vec![Node::Text(span.as_str().to_owned())]));
            }
            _ => mentions(span.as_str(), names, nodes),
        }
    }
}

fn mentions(text: &str, names: Names<'_>, nodes: &mut Vec<Node>) {
    let mut rest = text;
    let mut plain = String::new();
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        match mention(after, names) {
            Some((length, own)) if !ends_in_word(before) => {
                if !plain.is_empty() {
                    nodes.push(Node::Text(std::mem::take(&mut plain)));
                }
                nodes.push(Node::Mention { text: after[..length].to_owned(), own });
                rest = &after[length..];
            }
            _ => {
                plain.push('@');
                rest = &after[1..];
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        nodes.push(Node::Text(plain));
    }
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(char::is_alphanumeric)
}

/// Of a text that begins with `@`: how long the mention is in bytes, and whether it means the reader. The longest name
/// wins.
fn mention(text: &str, names: Names<'_>) -> Option<(usize, bool)> {
    let after = &text[1..];
    names
        .iter()
        .filter_map(|(name, own)| {
            let end = prefix(after, name)?;
            let goes_on = after[end..].chars().next().is_some_and(char::is_alphanumeric);
            (!goes_on).then_some((1 + end, *own))
        })
        .max_by_key(|(length, own)| (*length, *own))
}

/// How much of `text` is `name`, whatever the case; `None` when it does not begin with it.
fn prefix(text: &str, name: &str) -> Option<usize> {
    let mut ends = text.char_indices().map(|(at, c)| (at + c.len_utf8(), c));
    let mut end = 0;
    for expected in name.chars() {
        let (after, c) = ends.next()?;
        if !c.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
        end = after;
    }
    Some(end)
}

fn link(href: String, shown: Vec<Node>) -> Node {
    let words = text_of(&shown);
    let says_so = href == words || href.strip_prefix("mailto:") == Some(&words);
    let leads_to = (!says_so).then(|| host(&href).to_owned());
    Node::Link { href, shown, leads_to }
}

/// The part of an address that tells whose it is.
fn host(href: &str) -> &str {
    let rest = href.split_once("://").map_or(href, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host)
}

/// Addresses that cannot do anything but lead somewhere.
fn is_harmless(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let plain = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    plain && scheme.is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https" | "mailto"))
}

/// The words of these nodes, without their structure.
#[must_use]
pub fn text_of(nodes: &[Node]) -> String {
    nodes.iter().map(Node::text).collect()
}

impl Node {
    fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Code(text) | Self::Mention { text, .. } => text.clone(),
            Self::Pre { label, code } => format!("{label}\n{code}\n"),
            Self::Break => "\n".to_owned(),
            Self::Bold(inner) | Self::Italic(inner) | Self::Strike(inner) | Self::Link { shown: inner, .. } => {
                text_of(inner)
            }
            Self::Paragraph(inner) | Self::Quote(inner) => text_of(inner) + "\n",
            Self::List { items, .. } => items.iter().map(|item| text_of(item) + "\n").collect(),
        }
    }
}

#[cfg(test)]
mod tests;
