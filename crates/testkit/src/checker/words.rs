//! Checks edits and deletions: the last text stays, and an earlier one is not delivered again.

use std::collections::HashMap;

use protocol::{EventId, Seq};

use super::{Book, Faults};
use crate::fault::Kind;
use crate::history::{End, Fact, History, Said};

/// Checks that every message that is still in the log has the text of its last change.
pub(super) fn check_log(book: &Book<'_>, faults: &mut Faults) {
    let forms = forms(book);
    for entry in book.truth.log.iter().filter(|entry| entry.kind.is_some()) {
        if let Some(form) = forms.get(&entry.id).filter(|form| **form != entry.words()) {
            let words = format!("{} is {:?} in the log, and was last made {form:?}", entry.id, entry.words());
            faults.log(Kind::Words, words);
        }
    }
}

/// Checks that a connection made after a change never delivers the text before it, and that an idle page shows the
/// current text.
pub(super) fn check(book: &Book<'_>, history: &History, faults: &mut Faults) {
    let gone = taken_back(book);
    let mut head = Seq(0);
    for fact in &history.facts {
        match fact {
            Fact::Welcomed { head: at, .. } => head = at.seq,
            Fact::Heard { words: Some(words), .. } => {
                if let Some(since) = gone.get(words.as_str()).filter(|since| **since <= head) {
                    let words = format!("heard {words:?} on a connection from {}, taken back at {}", head.0, since.0);
                    faults.of(Kind::Words, &words);
                }
            }
            _ => {}
        }
    }
    let End::Live { shows, .. } = &history.end else { return };
    let forms = forms(book);
    for (id, body) in shows {
        if let Some(form) = forms.get(id).filter(|form| **form != body.as_deref()) {
            faults.of(Kind::Words, &format!("{id} is {body:?} on the screen, and was last made {form:?}"));
        }
    }
}

/// Final text of each message; `None` if it was deleted.
fn forms<'a>(book: &Book<'a>) -> HashMap<EventId, Option<&'a str>> {
    in_order(book).map(|(id, said)| (said.target().unwrap_or(id), said.words())).collect()
}

/// Texts that must not be delivered any more, each with the sequence number of the change.
fn taken_back<'a>(book: &Book<'a>) -> HashMap<&'a str, Seq> {
    let (mut current, mut gone) = (HashMap::new(), HashMap::new());
    for (id, said) in in_order(book) {
        let target = said.target().unwrap_or(id);
        let seq = book.places.get(&id).map_or(Seq(0), |place| book.seq(*place));
        if let Some(before) = current.remove(&target) {
            gone.insert(before, seq);
        }
        if let Some(words) = said.words() {
            current.insert(target, words);
        }
    }
    gone
}

/// Messages, edits and deletions, in log order.
fn in_order<'a>(book: &Book<'a>) -> impl Iterator<Item = (EventId, &'a Said)> {
    let said = |id| book.said.get(&id).map(|(_, said)| *said);
    let entries = book.truth.log.iter().filter_map(move |entry| Some((entry.id, said(entry.id)?)));
    entries.filter(|(_, said)| !said.is_reaction())
}
