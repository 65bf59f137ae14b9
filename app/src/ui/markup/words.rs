//! Runs of text: the addresses and mentions in them.

use linkify::{LinkFinder, LinkKind};

use super::{Context, Node, text_of};
use crate::client::mentions::MAX_MARKS;
use crate::live::address::Address;

/// Longest host name, in octets (RFC 1035, section 2.3.4). Nothing leads to a longer one, and to write it in Punycode
/// takes the square of its length: 3.5 ms for a message of 4 000 characters, a quarter of that with this bound.
const MAX_HOST: usize = 255;

/// Reads the runs of text of one message.
pub(super) struct Words<'a> {
    context: Context<'a>,
    /// How many more `@` are looked up.
    marks: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        Self { context, marks: MAX_MARKS }
    }

    /// Appends a run of text; addresses and mentions in it become what they are.
    pub(super) fn read(&mut self, text: &str, nodes: &mut Vec<Node>) {
        let mut finder = LinkFinder::new();
        finder.kinds(&[LinkKind::Url, LinkKind::Email]);
        for span in finder.spans(text) {
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
        if !is_one_word || authority.chars().filter(|c| !c.is_ascii()).count() > MAX_HOST {
            return None;
        }
        (self.context.parse_address)(typed).filter(|to| !to.host.is_empty())
    }

    /// A link, with its host unless its words name it.
    pub(super) fn link(&self, to: Address, shown: Vec<Node>) -> Node {
        let leads_to = (!self.is_spelled(&text_of(&shown), &to)).then_some(to.host);
        Node::Link { href: to.href, shown, leads_to }
    }

    /// True if the words are this address and begin with scheme and host as the parser spells them. A mailbox needs no
    /// scheme.
    fn is_spelled(&self, words: &str, to: &Address) -> bool {
        let Some((scheme, rest)) = to.href.split_once(':') else { return false };
        let is_mailbox = scheme == "mailto" && !words.starts_with("mailto:");
        let typed = if is_mailbox { format!("mailto:{words}") } else { words.to_owned() };
        let slashes = if rest.starts_with("//") { "//" } else { "" };
        let spelled = format!("{scheme}:{slashes}{}", to.host);
        let Some((begin, rest)) = typed.split_at_checked(spelled.len()) else { return false };
        begin.eq_ignore_ascii_case(&spelled)
            && (rest.is_empty() || rest.starts_with(['/', '?', '#']))
            && self.address(&typed).is_some_and(|other| other == *to)
    }

    fn mentions(&mut self, text: &str, nodes: &mut Vec<Node>) {
        let mut rest = text;
        let mut plain = String::new();
        while let Some((before, after)) = rest.split_once('@') {
            plain.push_str(before);
            rest = after;
            let mention = if self.marks == 0 || before.ends_with(char::is_alphanumeric) {
                None
            } else {
                self.marks -= 1;
                self.context.names.find(after.chars())
            };
            let Some(mention) = mention else {
                plain.push('@');
                continue;
            };
            if !plain.is_empty() {
                nodes.push(Node::Text(std::mem::take(&mut plain)));
            }
            let (name, after) = after.split_at(mention.length);
            nodes.push(Node::Mention { text: format!("@{name}"), own: mention.own });
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            nodes.push(Node::Text(plain));
        }
    }
}
