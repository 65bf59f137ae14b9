//! Messages without markup, which are read without the parser.

use super::context::Context;
use super::inline::InlineScanner;
use super::node::{MAX_ELEMENTS, Node, element_count, text_block};

/// True if nothing in this can be markup, so that the parser would find what [`parse_plain`] finds.
pub(super) fn is_plain(body: &str) -> bool {
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
pub(super) fn parse_plain(body: &str, context: Context<'_>) -> Vec<Node> {
    let (mut words, mut nodes) = (InlineScanner::new(context), Vec::new());
    for (i, line) in body.split('\n').enumerate() {
        if i > 0 {
            nodes.push(Node::Break);
        }
        words.read(line, &mut nodes);
    }
    let nodes = vec![Node::Paragraph(nodes)];
    if element_count(&nodes) > MAX_ELEMENTS { vec![text_block(body)] } else { nodes }
}
