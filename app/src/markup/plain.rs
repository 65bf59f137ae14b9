//! Messages without markup, which are read without the parser.

use super::context::Context;
use super::node::{MAX_DRAWN, Node, drawn, one_text};
use super::words::Words;

/// True if nothing in this can be markup, so that the parser would find what [`as_typed`] finds.
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
pub(super) fn as_typed(body: &str, context: Context<'_>) -> Vec<Node> {
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
