//! What a message says, as structure: a small part of Markdown.
//!
//! Bold, italic, strike, code, fenced code, quotes, lists and links mean what they mean in CommonMark. Everything else
//! stands as it was typed: a chat has no headings, no pictures and no HTML. A line break is a line break. Nothing here
//! can make markup: the tree holds text, and the view turns it into text nodes.

use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{CodeBlockKind, Event, LinkType, OffsetIter, Options, Parser, Tag};
use std::ops::Range;

/// Quotes and lists inside each other, at most. What is deeper stands as it was typed.
const DEPTH: usize = 6;

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

/// Reads a message.
#[must_use]
pub fn parse(body: &str, names: Names<'_>) -> Vec<Node> {
    let mut reader = Reader {
        body,
        names,
        events: Parser::new_ext(body, Options::ENABLE_STRIKETHROUGH).into_offset_iter(),
        in_link: false,
    };
    reader.until_end(0)
}

struct Reader<'a> {
    body: &'a str,
    names: Names<'a>,
    events: OffsetIter<'a>,
    /// Inside a link's words, where no other link may be.
    in_link: bool,
}

impl<'a> Reader<'a> {
    /// Everything up to the end of what was begun.
    fn until_end(&mut self, depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        // Text comes in pieces; an address may be in several of them.
        let mut text = String::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                // As it was typed, not what an entity stands for.
                Event::Text(_) => text.push_str(&self.body[range]),
                Event::InlineHtml(_) | Event::Html(_) => text.push_str(&self.body[range]),
                other => {
                    self.words(&mut nodes, &mut text);
                    match other {
                        Event::Start(tag) => self.begin(tag, range, depth, &mut nodes),
                        Event::End(_) => break,
                        Event::Code(code) => nodes.push(Node::Code(code.into_string())),
                        Event::SoftBreak | Event::HardBreak => nodes.push(Node::Break),
                        _ => self.as_typed(range, &mut nodes),
                    }
                }
            }
        }
        self.words(&mut nodes, &mut text);
        nodes
    }

    fn begin(&mut self, tag: Tag<'a>, range: Range<usize>, depth: usize, nodes: &mut Vec<Node>) {
        match tag {
            Tag::Paragraph => {
                let inner = self.until_end(depth);
                nodes.push(Node::Paragraph(inner));
            }
            Tag::Emphasis => {
                let inner = self.until_end(depth);
                nodes.push(Node::Italic(inner));
            }
            Tag::Strong => {
                let inner = self.until_end(depth);
                nodes.push(Node::Bold(inner));
            }
            Tag::Strikethrough => {
                let inner = self.until_end(depth);
                nodes.push(Node::Strike(inner));
            }
            Tag::BlockQuote(_) if depth < DEPTH => {
                let inner = self.until_end(depth + 1);
                nodes.push(Node::Quote(inner));
            }
            Tag::List(start) if depth < DEPTH => {
                let items = self.items(depth + 1);
                nodes.push(Node::List { start, items });
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(label)) => {
                let code = self.code();
                if code.is_empty() {
                    self.as_typed(range, nodes);
                } else {
                    nodes.push(Node::Pre { label: label.into_string(), code });
                }
            }
            Tag::Link { link_type, dest_url, .. } if is_harmless(&dest_url) => {
                self.in_link = true;
                let shown = self.until_end(depth);
                self.in_link = false;
                let href = match link_type {
                    LinkType::Email => format!("mailto:{dest_url}"),
                    _ => dest_url.into_string(),
                };
                nodes.push(link(href, shown));
            }
            _ => {
                self.skip();
                self.as_typed(range, nodes);
            }
        }
    }

    fn items(&mut self, depth: usize) -> Vec<Vec<Node>> {
        let mut items = Vec::new();
        while let Some((Event::Start(_), _)) = self.events.next() {
            items.push(self.until_end(depth));
        }
        items
    }

    fn code(&mut self) -> String {
        let mut code = String::new();
        while let Some((Event::Text(text), _)) = self.events.next() {
            code.push_str(&text);
        }
        code.truncate(code.trim_end_matches('\n').len());
        code
    }

    /// Passes over the rest of what was begun.
    fn skip(&mut self) {
        let mut open = 1;
        while open > 0
            && let Some((event, _)) = self.events.next()
        {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                _ => {}
            }
        }
    }

    fn as_typed(&self, range: Range<usize>, nodes: &mut Vec<Node>) {
        for (i, line) in self.body[range].trim_end_matches('\n').split('\n').enumerate() {
            if i > 0 {
                nodes.push(Node::Break);
            }
            self.words(nodes, &mut line.to_owned());
        }
    }

    /// Ends a run of text: addresses and mentions in it become what they are.
    fn words(&self, nodes: &mut Vec<Node>, text: &mut String) {
        if text.is_empty() {
            return;
        }
        let text = std::mem::take(text);
        if self.in_link {
            nodes.push(Node::Text(text));
            return;
        }
        let mut finder = LinkFinder::new();
        finder.kinds(&[LinkKind::Url, LinkKind::Email]);
        for span in finder.spans(&text) {
            match span.kind() {
                Some(LinkKind::Email) => {
                    nodes.push(link(format!("mailto:{}", span.as_str()), vec![Node::Text(span.as_str().to_owned())]));
                }
                Some(_) if is_harmless(span.as_str()) => {
                    nodes.push(link(span.as_str().to_owned(), vec![Node::Text(span.as_str().to_owned())]));
                }
                _ => self.mentions(span.as_str(), nodes),
            }
        }
    }

    fn mentions(&self, text: &str, nodes: &mut Vec<Node>) {
        let mut rest = text;
        let mut plain = String::new();
        while let Some(at) = rest.find('@') {
            let (before, after) = rest.split_at(at);
            plain.push_str(before);
            match mention(after, self.names) {
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
