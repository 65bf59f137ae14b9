//! Parts of a line that hold no markup: code, addresses and mentions. What draws a message and
//! what it calls its reader by are found here and nowhere else.

use std::ops::Range;

use client::Mention;
use client::mentions::MAX_MARKS;
use linkify::{LinkFinder, LinkKind};

use super::address::Address;
use super::context::Context;
use super::node::{Node, text_of};

/// Longest host name, in octets (RFC 1035, section 2.3.4). Nothing leads to a longer one, and to write it in Punycode
/// takes the square of its length: 3.5 ms for a message of 4 000 characters, a quarter of that with this bound.
const MAX_HOST: usize = 255;

/// A part of a line that is no markup inside.
#[derive(Debug)]
pub(super) enum InlineSpan {
    /// Code between this many backticks.
    Code(usize),
    /// An address that leads nowhere.
    Text,
    /// A link or a mention.
    Node(Node),
}

/// Finds the addresses and mentions of one message.
pub(super) struct InlineScanner<'a> {
    context: Context<'a>,
    /// Number of `@` that may still be looked up.
    marks: usize,
}

impl<'a> InlineScanner<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        Self { context, marks: MAX_MARKS }
    }

    /// Finds code, addresses and mentions in a line. They do not overlap: what begins first counts.
    pub(super) fn find(&mut self, line: &str) -> Vec<(Range<usize>, InlineSpan)> {
        let context = self.context;
        let mention = |(at, mention): (usize, Mention)| {
            let range = at..at + '@'.len_utf8() + mention.length;
            let text = line[range.clone()].to_owned();
            (range, InlineSpan::Node(Node::Mention { text, own: mention.own }))
        };
        let address = |(range, is_mailbox): (Range<usize>, bool)| {
            let words = &line[range.clone()];
            let typed = if is_mailbox { format!("mailto:{words}") } else { words.to_owned() };
            let link = |address| InlineSpan::Node(context.link(address, vec![Node::Text(words.to_owned())]));
            (range, context.address(&typed).map_or(InlineSpan::Text, link))
        };
        let mentions = context.names.mentions(line, &mut self.marks).map(mention);
        let mut all: Vec<_> = mentions.chain(addresses(line).map(address)).collect();
        let mut found = Vec::<(Range<usize>, InlineSpan)>::new();
        let mut at = 0;
        loop {
            all.retain(|(range, _)| range.start >= at);
            let first = (0..all.len()).min_by_key(|&i| all[i].0.start);
            match (code(line, at), first) {
                (Some((range, ticks)), first) if first.is_none_or(|i| range.start < all[i].0.start) => {
                    found.push((range, InlineSpan::Code(ticks)));
                }
                (_, Some(first)) => found.push(all.swap_remove(first)),
                (_, None) => return found,
            }
            at = found.last().map_or(at, |(range, _)| range.end);
        }
    }

    /// Appends a line; addresses and mentions in it become what they are.
    pub(super) fn read(&mut self, line: &str, nodes: &mut Vec<Node>) {
        let mut at = 0;
        for (range, found) in self.find(line) {
            if let InlineSpan::Node(node) = found {
                push(nodes, &line[at..range.start]);
                nodes.push(node);
                at = range.end;
            }
        }
        push(nodes, &line[at..]);
    }
}

impl Context<'_> {
    /// Parses an address that cannot do anything but lead somewhere.
    pub(super) fn address(&self, typed: &str) -> Option<Address> {
        let (_, rest) = typed.split_once(':')?;
        let authority = rest.trim_start_matches(['/', '\\']).split(['/', '\\', '?', '#']).next()?;
        // The parser would drop some of these, and encode others.
        let is_one_word = !typed.chars().any(|c| c.is_control() || c.is_whitespace());
        // Chromium encodes a star in a host, the `url` crate does not; no host has one.
        if !is_one_word || authority.contains('*') || authority.chars().filter(|c| !c.is_ascii()).count() > MAX_HOST {
            return None;
        }
        (self.parse_address)(&encode(typed)).filter(|to| !to.host.is_empty())
    }

    /// A link, with its host unless its words name it.
    pub(super) fn link(&self, to: Address, shown: Vec<Node>) -> Node {
        let leads_to = (!self.is_spelled(&text_of(&shown), &to)).then_some(to.host);
        Node::Link { href: to.href, shown, leads_to }
    }

    /// True if the words are this address and begin with scheme and host as the parser spells them, letter for letter: a
    /// capital `I` looks like an `l`. A mailbox needs no scheme.
    fn is_spelled(&self, words: &str, to: &Address) -> bool {
        let Some((scheme, rest)) = to.href.split_once(':') else { return false };
        let is_mailbox = scheme == "mailto" && !words.starts_with("mailto:");
        let typed = if is_mailbox { format!("mailto:{words}") } else { words.to_owned() };
        let slashes = if rest.starts_with("//") { "//" } else { "" };
        let spelled = format!("{scheme}:{slashes}{}", to.host);
        let Some((begin, rest)) = typed.split_at_checked(spelled.len()) else { return false };
        begin == spelled
            && (rest.is_empty() || rest.starts_with(['/', '?', '#']))
            && self.address(&typed).is_some_and(|other| other == *to)
    }
}

/// Appends words. They are one text with those before them: a server has to write something between two.
pub(super) fn push(nodes: &mut Vec<Node>, words: &str) {
    match nodes.last_mut() {
        Some(Node::Text(text)) => text.push_str(words),
        _ if words.is_empty() => {}
        _ => nodes.push(Node::Text(words.to_owned())),
    }
}

/// Code in a line: the first from a place on, and between how many backticks it stands.
fn code(line: &str, mut from: usize) -> Option<(Range<usize>, usize)> {
    loop {
        let begin = from + line[from..].find('`')?;
        let ticks = |at: usize| line[at..].len() - line[at..].trim_start_matches('`').len();
        let length = ticks(begin);
        let mut end = begin + length;
        let backslashes = begin - line[..begin].trim_end_matches('\\').len();
        while backslashes.is_multiple_of(2)
            && let Some(next) = line[end..].find('`')
        {
            end += next;
            let closing = ticks(end);
            end += closing;
            if closing == length {
                return Some((begin..end, length));
            }
        }
        from = begin + length;
    }
}

/// Addresses in a line, and whether they are mailboxes.
fn addresses(line: &str) -> impl Iterator<Item = (Range<usize>, bool)> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url, LinkKind::Email]);
    let mut begin = 0;
    line.split_inclusive(ends_address).flat_map(move |part| {
        begin += part.len();
        let links = finder.links(part.trim_end_matches(ends_address));
        links.map(move |link| whole(line, begin - part.len() + link.start(), link.as_str(), link.kind()))
    })
}

/// An address without the marks around it, and with the star that only another one inside makes part of it.
fn whole(line: &str, at: usize, address: &str, kind: &LinkKind) -> (Range<usize>, bool) {
    let is_mailbox = *kind == LinkKind::Email;
    let begin = address.find(|c: char| !is_mailbox || c.is_alphanumeric()).unwrap_or_default();
    let mark = line[..at + begin].chars().next_back().filter(|c| matches!(c, '*' | '_' | '~'));
    let address = address[begin..].trim_end_matches(|c| Some(c) == mark || c == '\\');
    let end = at + begin + address.len();
    let stars = line[end..].len() - line[end..].trim_start_matches('*').len();
    let more = if mark != Some('*') && address.contains('*') { stars } else { 0 };
    (at + begin..end + more, is_mailbox)
}

/// True for the signs of Chinese, Japanese, Arabic and Indian writing, and of printed text: no address is typed with them.
fn ends_address(c: char) -> bool {
    matches!(c, '\u{a1}' | '\u{ab}' | '\u{bb}' | '\u{bf}' | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{965}'
        | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{301f}' | '\u{30fb}'
        | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// True if this holds what may be an address.
#[cfg(feature = "ssr")]
pub(super) fn holds_address(text: &str) -> bool {
    text.lines().any(|line| addresses(line).next().is_some())
}

/// Encodes what the `url` crate and Chromium would each write in a way of its own: `^` and `|`, and `'` outside a mailbox.
fn encode(typed: &str) -> String {
    let mut encoded = String::with_capacity(typed.len());
    let mut is_mailbox = typed.starts_with(['m', 'M']);
    for c in typed.chars() {
        is_mailbox &= c != '?';
        match c {
            '^' => encoded.push_str("%5E"),
            '|' => encoded.push_str("%7C"),
            '\'' if !is_mailbox => encoded.push_str("%27"),
            _ => encoded.push(c),
        }
    }
    encoded
}
