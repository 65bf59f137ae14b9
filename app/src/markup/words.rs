//! Runs of text: the addresses and mentions in them.

use client::mentions::MAX_MARKS;
use linkify::{LinkFinder, LinkKind};

use super::{Context, Node, text_of};
use crate::live::address::Address;

/// Longest host name, in octets (RFC 1035, section 2.3.4). Nothing leads to a longer one, and to write it in Punycode
/// takes the square of its length: 3.5 ms for a message of 4 000 characters, a quarter of that with this bound.
const MAX_HOST: usize = 255;

/// Reads the runs of text of one message.
pub(super) struct Words<'a> {
    context: Context<'a>,
    /// Number of `@` that may still be looked up.
    pub(super) marks: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        Self { context, marks: MAX_MARKS }
    }

    /// Appends a run of text; addresses and mentions in it become what they are.
    pub(super) fn read(&mut self, text: &str, nodes: &mut Vec<Node>) {
        for span in finder().spans(text) {
            let words = span.as_str();
            let address = match span.kind() {
                Some(LinkKind::Email) => self.address(&format!("mailto:{words}")),
                Some(_) => self.address(words),
                None => None,
            };
            match address {
                Some(address) => nodes.push(self.link(address, vec![Node::Text(words.to_owned())])),
                None => self.mentions(words, nodes),
            }
        }
    }

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
        (self.context.parse_address)(&encode(typed)).filter(|to| !to.host.is_empty())
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

    fn mentions(&mut self, text: &str, nodes: &mut Vec<Node>) {
        let mut plain = 0;
        for (at, mention) in self.context.names.mentions(text, &mut self.marks) {
            let end = at + '@'.len_utf8() + mention.length;
            if plain < at {
                push(nodes, &text[plain..at]);
            }
            nodes.push(Node::Mention { text: text[at..end].to_owned(), own: mention.own });
            plain = end;
        }
        if plain < text.len() {
            push(nodes, &text[plain..]);
        }
    }
}

/// Appends words. They are one text with those before them: a server has to write something between two.
pub(super) fn push(nodes: &mut Vec<Node>, words: &str) {
    match nodes.last_mut() {
        Some(Node::Text(text)) => text.push_str(words),
        _ => nodes.push(Node::Text(words.to_owned())),
    }
}

fn finder() -> LinkFinder {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url, LinkKind::Email]);
    finder
}

/// True if this holds what may be an address.
#[cfg(feature = "ssr")]
pub(super) fn holds_address(text: &str) -> bool {
    finder().links(text).next().is_some()
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
