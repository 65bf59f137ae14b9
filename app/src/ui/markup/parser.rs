//! Messages read by pulldown-cmark.

use pulldown_cmark::{CodeBlockKind, Event, LinkType, OffsetIter, Options, Parser, Tag};
use std::ops::Range;

use super::{Names, Node, is_harmless, link, words};

/// Quotes and lists inside each other, at most. What is deeper stands as it was typed.
pub(super) const DEPTH: usize = 6;

/// Reads a message.
pub(super) fn parse(body: &str, names: Names<'_>) -> Vec<Node> {
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

    /// Ends a run of text.
    fn words(&self, nodes: &mut Vec<Node>, text: &mut String) {
        let text = std::mem::take(text);
        if self.in_link && !text.is_empty() {
            nodes.push(Node::Text(text));
        } else {
            words(&text, self.names, nodes);
        }
    }
}
