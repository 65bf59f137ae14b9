//! Compares one screen with the log.

use std::collections::HashSet;

use protocol::{EventId, Seq};

use super::{Book, Faults};
use crate::fault::Kind;
use crate::history::{End, Fact, History, Said};

pub(super) fn check(book: &Book<'_>, history: &History, faults: &mut Faults) {
    let mut last: Option<usize> = None;
    let mut shown = HashSet::new();
    for fact in &history.facts {
        match fact {
            Fact::Reset => {
                last = None;
                shown.clear();
            }
            Fact::Doubled { key } => faults.of(Kind::Doubled, &format!("{key} is on the screen twice")),
            Fact::Shown { seq, id, body } => {
                if !shown.insert(*id) {
                    faults.of(Kind::Doubled, &format!("{id} is on the screen twice"));
                } else if let Some(place) = book.place(*id).filter(|place| book.seq(*place) == *seq) {
                    follow(book, last, place, faults);
                    compare(book, *id, body.as_deref(), faults);
                    last = last.max(Some(place));
                } else {
                    faults.of(Kind::Invented, &format!("the screen shows {id} at {}, and the log does not", seq.0));
                }
            }
            _ => {}
        }
    }
    let shows = last.map_or(Seq(0), |place| book.seq(place));
    if let (End::Live { .. }, Some(end)) = (&history.end, book.truth.log.last())
        && end.seq != shows
    {
        let words = format!("everything is at rest, the screen ends at {}, and the log at {}", shows.0, end.seq.0);
        faults.of(Kind::Lost, &words);
    }
}

fn follow(book: &Book<'_>, last: Option<usize>, place: usize, faults: &mut Faults) {
    let Some(last) = last else { return };
    let (seq, after) = (book.seq(place).0, book.seq(last).0);
    if place <= last {
        faults.of(Kind::OutOfOrder, &format!("the screen shows {seq} after {after}"));
    }
    for missing in last + 1..place {
        faults.of(Kind::Hole, &format!("the screen passes over {}", book.seq(missing).0));
    }
}

/// Checks that the text shown is the text sent, or one that it was edited to.
fn compare(book: &Book<'_>, id: EventId, body: Option<&str>, faults: &mut Faults) {
    let Some((_, said @ Said::Message(_))) = book.said.get(&id) else { return };
    let is_form = |said: &Said| said.target() == Some(id) && said.words() == body && !said.is_reaction();
    if said.words() != body && !book.said.values().any(|(_, said)| is_form(said)) {
        faults.of(Kind::Lost, &format!("{id} is shown as {body:?}, which is not what was sent"));
    }
}
