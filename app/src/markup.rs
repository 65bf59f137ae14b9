//! What a message says, as structure: a small part of Markdown.
//!
//! Markup takes a character away only where it gives its meaning in return, and a line never changes its speaker. Bold,
//! italic, strike, code, fenced code, quotes, lists and links mean what they mean in CommonMark, where they cannot be meant
//! otherwise: [`rules`] decides that, and `docs/markup.md` lists it for other clients. Everything else stands as it was
//! typed, line by line. Nothing here can make markup: the tree holds text, and the view turns it into text nodes.
//!
//! What can hold no markup is read here. For the rest there is [`parser`], which the browser fetches when it first needs
//! it: see [`lazy`]. What the server read for a page comes with it: see [`known`].

use client::NameIndex;
use protocol::{Member, MemberId};
use serde::{Deserialize, Serialize};

use crate::live::address::{self, Address};

mod known;
mod lazy;
mod parser;
mod rules;
mod words;

use words::Words;

#[cfg(feature = "ssr")]
pub use known::markup_of;
pub use known::{MessageMarkup, ServerMarkup};
pub(crate) use lazy::{prefetch_parser, read, wait_for_parser};

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// Context in which a message is read.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// Names that can be mentioned.
    names: &'a NameIndex,
    /// [`address::parse`]: given to the parser, so that the part that is fetched needs no way to the browser of its own.
    parse_address: fn(&str) -> Option<Address>,
}

impl<'a> Context<'a> {
    /// A message in a room where these can be mentioned.
    pub(crate) fn of(names: &'a NameIndex) -> Self {
        Self { names, parse_address: address::parse }
    }
}

/// The names that a reader's messages can mention. Server and browser must find the same.
#[must_use]
pub(crate) fn names_of(members: &[Member], reader: MemberId) -> NameIndex {
    NameIndex::new(members.iter().map(|seated| (seated.name.as_str(), seated.member == reader)))
}

/// Maximum number of elements and texts that a message is drawn with; what follows stands as one text. Comments, of
/// which leptos puts up to two into an element, do not count: nothing is laid out for them. Measured: 100 messages at
/// this bound are up to 38 MiB of views while a page is drawn, and several times that without it. A message of 4 000
/// characters reaches it with 500 lines.
const MAX_DRAWN: usize = 1_000;

/// True if nothing in this can be markup, so that the parser would find what [`as_typed`] finds.
fn is_plain(body: &str) -> bool {
    !body.contains(['*', '~', '`', '['])
        && body.split('\n').all(|line| {
            let words = line.trim_start();
            let number = words.trim_start_matches(|c: char| c.is_ascii_digit());
            !words.is_empty()
                && line.trim_end() == line
                && !words.starts_with(['>', '-', '\\'])
                && !number.starts_with(['.', '\\'])
        })
}

/// A message without any markup but addresses and mentions.
fn as_typed(body: &str, context: Context<'_>) -> Vec<Node> {
    let (mut words, mut nodes) = (Words::new(context), Vec::new());
    for (i, line) in body.split('\n').enumerate() {
        if i > 0 {
            nodes.push(Node::Break);
        }
        words.read(line, &mut nodes);
    }
    let nodes = vec![Node::Paragraph(nodes)];
    if drawn(&nodes) > MAX_DRAWN { vec![one_text(body)] } else { nodes }
}

/// A block that is a single text, whatever is in it. Its line breaks are seen: the page keeps white space.
fn one_text(text: &str) -> Node {
    Node::Paragraph(vec![Node::Text(text.to_owned())])
}

/// Counts the elements and texts that draw these nodes.
pub(crate) fn drawn(nodes: &[Node]) -> usize {
    let of = |node: &Node| match node {
        Node::Code(_) => 2,
        Node::Mention { .. } => 3,
        Node::Link { leads_to: None, .. } => 2,
        Node::Link { .. } => 7,
        Node::Pre { .. } => 15,
        Node::List { items, .. } => 1 + items.len(),
        _ => 1,
    };
    nodes.iter().map(|node| of(node) + node.items().iter().map(|item| drawn(item)).sum::<usize>()).sum()
}

/// True if these nodes mention the reader: what is drawn as a mention calls, and nothing else does.
pub(crate) fn calls_reader(nodes: &[Node]) -> bool {
    let calls = |node: &Node| matches!(node, Node::Mention { own: true, .. });
    nodes.iter().any(|node| calls(node) || node.items().iter().any(|item| calls_reader(item)))
}

/// The words of these nodes, without their structure.
#[must_use]
pub(crate) fn text_of(nodes: &[Node]) -> String {
    nodes.iter().map(Node::text).collect()
}

impl Node {
    /// The nodes in this, in one slice; of a list, one for each item.
    fn items(&self) -> &[Vec<Self>] {
        match self {
            Self::Bold(inner)
            | Self::Italic(inner)
            | Self::Strike(inner)
            | Self::Link { shown: inner, .. }
            | Self::Paragraph(inner)
            | Self::Quote(inner) => std::slice::from_ref(inner),
            Self::List { items, .. } => items,
            Self::Text(_) | Self::Break | Self::Code(_) | Self::Mention { .. } | Self::Pre { .. } => &[],
        }
    }

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
mod fidelity;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod tests;
