//! Messages read by pulldown-cmark, and its events as nodes. What is drawn comes from the message itself, by the places that
//! the parser names; what it reads is the message after [`preprocess`](super::rules::preprocess).

use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag};
use std::ops::Range;

use super::context::Context;
use super::inline::push;
use super::node::{MAX_ELEMENTS, Node, element_count, text_block, text_of};
use super::rules::{self, Preprocessed};

/// Quotes and lists inside each other, at most, and marks inside each other. What is deeper stands as it was typed.
pub(super) const DEPTH: usize = 6;

/// Reads a message.
pub(super) fn parse(body: &str, preprocessed: &Preprocessed, context: Context<'_>) -> Vec<Node> {
    let (mut nodes, mut sum) = (Vec::new(), 0);
    for (i, &base) in preprocessed.parts.iter().enumerate() {
        let end = preprocessed.parts.get(i + 1).map_or(body.len(), |end| *end);
        let events = Parser::new_ext(&preprocessed.markup[base..end], Options::ENABLE_STRIKETHROUGH).into_offset_iter();
        let mut reader = Reader { body, preprocessed, context, events, base, quotes: 0, marks: 0, in_link: false };
        while let Some((event, range)) = reader.next() {
            let (known, begin) = (nodes.len(), reader.line_begins(range.start));
            nodes.extend(empty_lines(&body[..begin]).filter(|_| known > 0));
            match event {
                Event::Start(tag) => reader.begin(tag, range, 0, &mut nodes),
                _ => nodes.push(reader.block_as_typed(range, 0)),
            }
            sum += element_count(&nodes[known..]);
            if sum > MAX_ELEMENTS {
                nodes.truncate(known);
                nodes.push(text_block(&body[begin..]));
                return nodes;
            }
        }
    }
    nodes
}

/// The empty lines before a block, without the first, for which there is space between blocks.
fn empty_lines(before: &str) -> Option<Node> {
    let breaks = before[before.trim_end().len()..].matches('\n').count();
    (breaks > 2).then(|| text_block(&"\n".repeat(breaks - 2)))
}

struct Reader<'a> {
    body: &'a str,
    preprocessed: &'a Preprocessed,
    context: Context<'a>,
    events: OffsetIter<'a>,
    /// Place of the part that is read.
    base: usize,
    /// Quotes that are open.
    quotes: usize,
    /// Bold, italic and strike that are open.
    marks: usize,
    /// Inside a link's words, where no other link may be.
    in_link: bool,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Range<usize>)> {
        let (event, range) = self.events.next()?;
        Some((event, range.start + self.base..range.end + self.base))
    }

    /// Everything up to the end of what was begun.
    fn until_end(&mut self, depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        // How long the marks are that are shown, and whose other ends are still to come.
        let mut shown = Vec::new();
        while let Some((event, range)) = self.next() {
            match event {
                Event::Start(tag) => match self.marks_to_show(&tag, &range) {
                    Some(length) => {
                        push(&mut nodes, &self.body[range][..length]);
                        shown.push(length);
                    }
                    None => self.begin(tag, range, depth, &mut nodes),
                },
                Event::End(_) => match shown.pop() {
                    Some(length) => push(&mut nodes, &self.body[range.end - length..range.end]),
                    None => break,
                },
                Event::SoftBreak | Event::HardBreak => nodes.push(Node::Break),
                Event::Code(_) => nodes.push(Node::Code(code(&self.body[range]).to_owned())),
                _ => self.say(range, &mut nodes),
            }
        }
        nodes
    }

    /// Of what begins: how long its marks are when they are to be shown.
    fn marks_to_show(&self, tag: &Tag<'_>, range: &Range<usize>) -> Option<usize> {
        let (length, is_name) = match tag {
            Tag::Emphasis => (1, rules::is_name(&self.body[range.start + 1..range.end - 1])),
            Tag::Strong | Tag::Strikethrough => (2, false),
            _ => return None,
        };
        (is_name || self.marks >= DEPTH).then_some(length)
    }

    fn begin(&mut self, tag: Tag<'a>, range: Range<usize>, depth: usize, nodes: &mut Vec<Node>) {
        match tag {
            Tag::Paragraph => {
                let inner = self.until_end(depth);
                nodes.push(Node::Paragraph(inner));
            }
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {
                self.marks += 1;
                let inner = self.until_end(depth);
                self.marks -= 1;
                nodes.push(match tag {
                    Tag::Emphasis => Node::Italic(inner),
                    Tag::Strong => Node::Bold(inner),
                    _ => Node::Strike(inner),
                });
            }
            Tag::BlockQuote(_) if depth < DEPTH => {
                self.quotes += 1;
                let inner = self.until_end(depth + 1);
                self.quotes -= 1;
                nodes.push(Node::Quote(inner));
            }
            Tag::List(start) if depth < DEPTH => nodes.push(match self.items(start, depth + 1) {
                Some(items) => Node::List { start, items },
                None => self.block_as_typed(range, depth),
            }),
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => {
                let mut code = String::new();
                while let Some((Event::Text(_), range)) = self.next() {
                    code.push_str(&self.body[range]);
                }
                let fence = self.body[range.clone()].lines().next().unwrap_or_default();
                let label = fence.trim_start_matches(|c| fence.starts_with(c)).trim().to_owned();
                let code = code.strip_suffix('\n').unwrap_or(&code).to_owned();
                nodes.push(if code.trim_matches('\n').is_empty() {
                    self.block_as_typed(range, depth)
                } else {
                    Node::Pre { label, code }
                });
            }
            Tag::Link { title, .. } if title.is_empty() => self.link(range, depth, nodes),
            Tag::Link { .. } | Tag::Image { .. } => {
                self.skip();
                self.parse_plain(range, nodes);
            }
            _ => {
                self.skip();
                nodes.push(self.block_as_typed(range, depth));
            }
        }
    }

    fn link(&mut self, range: Range<usize>, depth: usize, nodes: &mut Vec<Node>) {
        self.in_link = true;
        let shown = self.until_end(depth);
        self.in_link = false;
        let typed =
            self.body[range.clone()].trim_end_matches(')').rsplit_once("](").map_or("", |(_, typed)| typed.trim());
        let typed = typed.strip_prefix('<').and_then(|typed| typed.strip_suffix('>')).unwrap_or(typed);
        match self.context.address(typed) {
            Some(address) if !text_of(&shown).trim().is_empty() => nodes.push(self.context.link(address, shown)),
            _ => self.parse_plain(range, nodes),
        }
    }

    /// The items of a list, unless it has numbers and they do not count up by one.
    fn items(&mut self, start: Option<u64>, depth: usize) -> Option<Vec<Vec<Node>>> {
        let mut items = Vec::new();
        let mut counts_up = true;
        while let Some((Event::Start(_), range)) = self.next() {
            let number = start.map(|start| start + items.len() as u64);
            counts_up &= number.is_none_or(|number| rules::is_numbered(&self.body[range], number));
            items.push(self.until_end(depth));
        }
        counts_up.then_some(items)
    }

    /// Passes over the rest of what was begun.
    fn skip(&mut self) {
        let mut open = 1;
        while open > 0
            && let Some((event, _)) = self.next()
        {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                _ => {}
            }
        }
    }

    fn line_begins(&self, at: usize) -> usize {
        self.body[..at].trim_end_matches([' ', '\t']).len()
    }

    fn block_as_typed(&self, mut range: Range<usize>, depth: usize) -> Node {
        if depth == 0 {
            range.start = self.line_begins(range.start);
        }
        let mut nodes = Vec::new();
        self.parse_plain(range, &mut nodes);
        Node::Paragraph(nodes)
    }

    fn parse_plain(&self, range: Range<usize>, nodes: &mut Vec<Node>) {
        let typed = &self.preprocessed.markup[range.clone()];
        let mut end = range.start + typed.len() - typed.trim_start_matches('\n').len();
        for (i, line) in typed.trim_matches('\n').split('\n').enumerate() {
            let mut words = line;
            if i > 0 {
                nodes.push(Node::Break);
                // The quotes around it are drawn already.
                for _ in 0..self.quotes {
                    let Some(rest) = words.trim_start().strip_prefix('>') else { break };
                    words = rest.strip_prefix(' ').unwrap_or(rest);
                }
            }
            end += line.len();
            self.say(end - words.len()..end, nodes);
            end += 1;
        }
    }

    /// Appends text as it was typed, with its addresses and mentions.
    fn say(&self, range: Range<usize>, nodes: &mut Vec<Node>) {
        let mut at = range.start;
        let first = self.preprocessed.found.partition_point(|(found, _)| found.start < at);
        let found = self.preprocessed.found[first..].iter().take_while(|(found, _)| found.end <= range.end);
        for (found, node) in found.filter(|_| !self.in_link) {
            push(nodes, &self.body[at..found.start]);
            nodes.push(node.clone());
            at = found.end;
        }
        push(nodes, &self.body[at..range.end]);
    }
}

/// Code without its backticks, and without the space that keeps others in it apart from them.
fn code(typed: &str) -> &str {
    let ticks = typed.len() - typed.trim_start_matches('`').len();
    let code = &typed[ticks..typed.len() - ticks];
    let inner = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
    inner.filter(|code| code.starts_with('`') || code.ends_with('`')).unwrap_or(code)
}
