//! A message as a tree: it holds text, and the view turns it into text nodes.

use serde::{Deserialize, Serialize};

/// Maximum number of elements and texts that a message is drawn with; what follows stands as one text. Comments, of
/// which leptos puts up to two into an element, do not count: nothing is laid out for them. Measured: 100 messages at
/// this bound are up to 38 MiB of views while a page is drawn, and several times that without it. A message of 4 000
/// characters reaches it with 500 lines.
pub(super) const MAX_ELEMENTS: usize = 1_000;

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
        /// Nodes that stand for it.
        shown: Vec<Self>,
        /// Host or mailbox it leads to, when the words do not say so themselves.
        leads_to: Option<String>,
    },
    /// `@` and the name of somebody.
    Mention {
        /// With the `@`.
        text: String,
        /// True if it is the reader.
        own: bool,
    },
    /// Lines that belong together.
    Paragraph(Vec<Self>),
    /// `> …`
    Quote(Vec<Self>),
    /// Lines between fences, exactly as they are.
    Pre {
        /// Text behind the first fence: the language, mostly. May be empty.
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

/// A block that is a single text, whatever is in it. Its line breaks are seen: the page keeps white space.
pub(super) fn text_block(text: &str) -> Node {
    Node::Paragraph(vec![Node::Text(text.to_owned())])
}

/// Counts the elements and texts that draw these nodes.
pub(crate) fn element_count(nodes: &[Node]) -> usize {
    let of = |node: &Node| match node {
        Node::Code(_) => 2,
        Node::Mention { .. } => 3,
        Node::Link { leads_to: None, .. } => 2,
        Node::Link { .. } => 7,
        Node::Pre { .. } => 15,
        Node::List { items, .. } => 1 + items.len(),
        _ => 1,
    };
    nodes.iter().map(|node| of(node) + node.items().iter().map(|item| element_count(item)).sum::<usize>()).sum()
}

/// True if these nodes mention the reader: what is drawn as a mention calls, and nothing else does.
pub(crate) fn mentions_reader(nodes: &[Node]) -> bool {
    let calls = |node: &Node| matches!(node, Node::Mention { own: true, .. });
    nodes.iter().any(|node| calls(node) || node.items().iter().any(|item| mentions_reader(item)))
}

/// The words of these nodes, without their structure.
#[must_use]
pub(crate) fn text_of(nodes: &[Node]) -> String {
    nodes.iter().map(Node::text).collect()
}

impl Node {
    /// The nodes in this, in one slice; of a list, one for each item.
    pub(super) fn items(&self) -> &[Vec<Self>] {
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

    pub(super) fn text(&self) -> String {
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
