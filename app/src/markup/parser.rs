//! Messages read by pulldown-cmark, once each. What has no meaning here is hidden from it or shown again behind it.

use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag};
use std::ops::Range;

use super::{Context, MAX_DRAWN, Node, Words, drawn, one_text, text_of, words};

/// Quotes and lists inside each other, at most, and marks inside each other. What is deeper stands as it was typed.
pub(super) const DEPTH: usize = 6;

/// What is read in place of a character that is no markup here: nothing itself, but a sign, as what it hides.
const HIDDEN: char = '%';

/// Reads a message.
pub(super) fn parse(body: &str, context: Context<'_>) -> Vec<Node> {
    let markup = hide(body);
    let mut reader = Reader {
        body,
        markup: &markup,
        runs: Words::new(context),
        events: Parser::new_ext(&markup, Options::ENABLE_STRIKETHROUGH).into_offset_iter(),
        indentation: "",
        quotes: 0,
        marks: 0,
        in_link: false,
    };
    reader.blocks()
}

/// The message without what would be markup elsewhere, every byte in its place: the colon that makes words in brackets
/// the definition of a link, of which nothing would be seen, and a `>` without a space behind it.
fn hide(body: &str) -> String {
    let mut markup = String::with_capacity(body.len());
    for line in body.split_inclusive('\n') {
        let (marks, mut words) = line.split_at(words_begin(line));
        markup.push_str(marks);
        if let Some(rest) = words.strip_prefix('>') {
            markup.push(HIDDEN);
            words = rest;
        }
        markup.push_str(&words.replace("]:", "]%"));
    }
    markup
}

/// Where the words of a line begin, behind the marks of quotes and items.
fn words_begin(line: &str) -> usize {
    let mut words = line;
    loop {
        words = words.trim_start();
        let number = words.trim_start_matches(|c: char| c.is_ascii_digit());
        let behind = match words.chars().next() {
            Some('>') => Some(words.trim_start_matches('>')),
            Some('-' | '+' | '*') => Some(&words[1..]),
            Some('0'..='9') => number.strip_prefix(['.', ')']),
            _ => None,
        };
        match behind {
            Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => words = rest,
            _ => return line.len() - words.len(),
        }
    }
}

/// What is drawn comes from the message itself, by the places that the parser names.
struct Reader<'a> {
    body: &'a str,
    /// What the parser reads: see [`hide`].
    markup: &'a str,
    runs: Words<'a>,
    events: OffsetIter<'a>,
    /// What stands before the words that come next.
    indentation: &'a str,
    /// Quotes that are open.
    quotes: usize,
    /// Bold, italic and strike that are open.
    marks: usize,
    /// Inside a link's words, where no other link may be.
    in_link: bool,
}

impl<'a> Reader<'a> {
    /// All blocks; from the first that makes the message more than [`MAX_DRAWN`], the rest as one text.
    fn blocks(&mut self) -> Vec<Node> {
        let (mut nodes, mut sum) = (Vec::new(), 0);
        while let Some((event, range)) = self.events.next() {
            let (known, begin) = (nodes.len(), self.line_begins(range.start));
            match event {
                Event::Start(tag) => self.begin(tag, range, 0, &mut nodes),
                _ => nodes.push(self.block_as_typed(range, 0)),
            }
            sum += drawn(&nodes[known..]);
            if sum > MAX_DRAWN {
                nodes.truncate(known);
                nodes.push(one_text(&self.body[begin..]));
                break;
            }
        }
        nodes
    }

    /// Everything up to the end of what was begun.
    fn until_end(&mut self, depth: usize) -> Vec<Node> {
        let mut nodes = Vec::new();
        // Text comes in pieces; an address may be in several of them.
        let mut text = std::mem::take(&mut self.indentation).to_owned();
        // How long the marks are that are shown, and whose other ends are still to come.
        let mut shown = Vec::new();
        let mut before = None;
        while let Some((event, range)) = self.events.next() {
            let is_apart = before.replace(range.end).is_none_or(|end| end < range.start);
            match event {
                // As it was typed, not what an entity stands for.
                Event::Text(_) => {
                    if is_apart && self.is_idle_escape(range.start) {
                        text.push('\\');
                    }
                    text.push_str(self.body[range].trim_end_matches('\n'));
                }
                Event::InlineHtml(_) | Event::Html(_) => text.push_str(&self.body[range]),
                Event::Start(tag) => {
                    if let Some(length) = self.marks_to_show(&tag, &range) {
                        text.push_str(&self.body[range][..length]);
                        shown.push(length);
                    } else {
                        self.words(&mut nodes, &mut text);
                        self.begin(tag, range, depth, &mut nodes);
                    }
                }
                Event::End(_) => match shown.pop() {
                    Some(length) => text.push_str(&self.body[range.end - length..range.end]),
                    None => break,
                },
                Event::SoftBreak | Event::HardBreak => {
                    if self.body[range.clone()].starts_with('\\') {
                        text.push('\\');
                    }
                    self.words(&mut nodes, &mut text);
                    nodes.push(Node::Break);
                    if depth == 0 {
                        let rest = &self.body[range.end..];
                        text.push_str(&rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]);
                    }
                }
                Event::Code(code) => {
                    self.words(&mut nodes, &mut text);
                    nodes.push(Node::Code(self.reveal(&code, range)));
                }
                _ => {
                    self.words(&mut nodes, &mut text);
                    nodes.push(self.block_as_typed(range, depth));
                }
            }
        }
        self.words(&mut nodes, &mut text);
        nodes
    }

    /// Whether a backslash stands right before this that keeps nothing from being markup here.
    fn is_idle_escape(&self, at: usize) -> bool {
        self.body[..at].ends_with('\\') && !self.body[at..].starts_with(['*', '_', '~', '`', '[', ']'])
    }

    /// Of what begins: how long its marks are when they are no markup here. Stars inside a word are none, nor is one
    /// tilde, nor what is too deep.
    fn marks_to_show(&self, tag: &Tag<'_>, range: &Range<usize>) -> Option<usize> {
        let (before, marked) = self.body[..range.end].split_at(range.start);
        let in_word = before.ends_with(|c: char| c.is_ascii_alphanumeric())
            || self.body[range.end..].starts_with(|c: char| c.is_ascii_alphanumeric());
        let (length, shown) = match tag {
            Tag::Emphasis => (1, in_word && marked.starts_with('*')),
            Tag::Strong => (2, in_word && marked.starts_with('*')),
            Tag::Strikethrough if marked.starts_with("~~") => (2, false),
            Tag::Strikethrough => (1, true),
            _ => return None,
        };
        (shown || self.marks >= DEPTH).then_some(length)
    }

    fn begin(&mut self, tag: Tag<'a>, range: Range<usize>, depth: usize, nodes: &mut Vec<Node>) {
        match tag {
            Tag::Paragraph => {
                let inner = self.lines(&range, depth);
                nodes.push(Node::Paragraph(inner));
            }
            Tag::Heading { .. } if !self.body[range.clone()].starts_with('#') => {
                let mut inner = self.lines(&range, depth);
                let underline = self.body[range].trim_end().rsplit(['\n', ' ', '\t', '>']).next();
                inner.extend([Node::Break, Node::Text(underline.unwrap_or_default().to_owned())]);
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
            Tag::BlockQuote(_) if depth < DEPTH && self.has_words(&range) => {
                self.quotes += 1;
                let inner = self.until_end(depth + 1);
                self.quotes -= 1;
                nodes.push(Node::Quote(inner));
            }
            Tag::List(start) if depth < DEPTH && self.has_words(&range) => {
                let marks = self.runs.marks;
                nodes.push(match self.items(start, depth + 1) {
                    Some(items) => Node::List { start, items },
                    None => {
                        self.runs.marks = marks;
                        self.block_as_typed(range, depth)
                    }
                });
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => {
                let code = self.code();
                if code.is_empty() {
                    nodes.push(self.block_as_typed(range, depth));
                } else {
                    let fence = self.body[range].lines().next().unwrap_or_default();
                    let label = fence.trim_start_matches(|c| fence.starts_with(c)).trim().to_owned();
                    nodes.push(Node::Pre { label, code });
                }
            }
            Tag::Link { dest_url, title, .. } if title.is_empty() => {
                let address = self.reveal(&dest_url, range.clone());
                self.link(&address, range, depth, nodes);
            }
            Tag::Link { .. } | Tag::Image { .. } => {
                self.skip();
                self.as_typed(range, nodes);
            }
            _ => {
                self.skip();
                nodes.push(self.block_as_typed(range, depth));
            }
        }
    }

    /// The words of a paragraph.
    fn lines(&mut self, range: &Range<usize>, depth: usize) -> Vec<Node> {
        if depth == 0 {
            self.indentation = &self.body[self.line_begins(range.start)..range.start];
        }
        self.until_end(depth)
    }

    fn link(&mut self, address: &str, range: Range<usize>, depth: usize, nodes: &mut Vec<Node>) {
        self.in_link = true;
        let shown = self.until_end(depth);
        self.in_link = false;
        match self.runs.address(address) {
            Some(address) if !text_of(&shown).trim().is_empty() => nodes.push(self.runs.link(address, shown)),
            _ => self.as_typed(range, nodes),
        }
    }

    /// The items of a list, unless it has numbers and they do not count up by one.
    fn items(&mut self, start: Option<u64>, depth: usize) -> Option<Vec<Vec<Node>>> {
        let mut items = Vec::new();
        let mut counts_up = true;
        let mut expected = start;
        while let Some((Event::Start(_), range)) = self.events.next() {
            if let Some(number) = &mut expected {
                let item = self.body[range].trim_start_matches(['\n', ' ', '\t', '>']);
                counts_up &= item.strip_prefix(&number.to_string()).is_some_and(|rest| rest.starts_with(['.', ')']));
                *number += 1;
            }
            items.push(self.until_end(depth));
        }
        counts_up.then_some(items)
    }

    fn code(&mut self) -> String {
        let mut code = String::new();
        while let Some((Event::Text(text), range)) = self.events.next() {
            code.push_str(&self.reveal(&text, range));
        }
        code.truncate(code.trim_end_matches('\n').len());
        code
    }

    /// Whether there is more than marks of quotes and items.
    fn has_words(&self, range: &Range<usize>) -> bool {
        self.body[range.clone()].lines().any(|line| words_begin(line) < line.len())
    }

    fn line_begins(&self, at: usize) -> usize {
        self.body[..at].trim_end_matches([' ', '\t']).len()
    }

    /// What the parser has read at the end of a range, with what was hidden from it.
    fn reveal(&self, read: &str, range: Range<usize>) -> String {
        let (markup, body) = (self.markup.as_bytes(), self.body.as_bytes());
        let mut hidden = range.rev().filter(|&at| char::from(markup[at]) == HIDDEN).map(|at| char::from(body[at]));
        let revealed = read.chars().rev().map(|c| if c == HIDDEN { hidden.next().unwrap_or(c) } else { c });
        revealed.collect::<Vec<_>>().into_iter().rev().collect()
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

    fn block_as_typed(&mut self, mut range: Range<usize>, depth: usize) -> Node {
        if depth == 0 {
            range.start = self.line_begins(range.start);
        }
        let mut nodes = Vec::new();
        self.as_typed(range, &mut nodes);
        Node::Paragraph(nodes)
    }

    fn as_typed(&mut self, range: Range<usize>, nodes: &mut Vec<Node>) {
        let [lines, read] = [self.body, self.markup].map(|text| text[range.clone()].trim_matches('\n').split('\n'));
        for (i, (line, mut read)) in lines.zip(read).enumerate() {
            if i > 0 {
                nodes.push(Node::Break);
                // The quotes around it are drawn already.
                for _ in 0..self.quotes {
                    let Some(rest) = read.trim_start().strip_prefix('>') else { break };
                    read = rest.strip_prefix(' ').unwrap_or(rest);
                }
            }
            self.words(nodes, &mut line[line.len() - read.len()..].to_owned());
        }
    }

    /// Ends a run of text.
    fn words(&mut self, nodes: &mut Vec<Node>, text: &mut String) {
        let text = std::mem::take(text);
        if self.in_link && !text.is_empty() {
            words::push(nodes, &text);
        } else {
            self.runs.read(&text, nodes);
        }
    }
}
