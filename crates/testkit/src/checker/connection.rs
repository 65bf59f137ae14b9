//! Checks the connections of one user.

use protocol::{Position, Seq};

use super::{Book, Faults};
use crate::fault::Kind;
use crate::history::{Fact, History};

pub(super) fn check(book: &Book<'_>, history: &History, faults: &mut Faults) {
    let mut refused_at: Option<Position> = None;
    for fact in &history.facts {
        match fact {
            Fact::Gap { at, prev, seq } => {
                let words =
                    format!("a hole on the wire: {} says that it follows {}, after {} came", seq.0, prev.0, at.0);
                faults.of(Kind::Hole, &words);
            }
            Fact::Dropped { close } if !history.left => {
                let how = close.map_or("the page gave it up".to_owned(), |code| format!("closed with {code}"));
                faults.of(Kind::Dropped, &format!("a connection ended without a reason: {how}"));
            }
            Fact::Welcomed { asked, head, recovered } => {
                refused_at = asked.filter(|asked| !recovered && asked.epoch == head.epoch);
                if *recovered && !asked.is_some_and(|asked| asked.epoch == head.epoch && book.has(asked.seq)) {
                    let asked = asked.map_or(Seq(0), |asked| asked.seq).0;
                    faults.of(
                        Kind::Hole,
                        &format!("the server said that it continues {asked}, which is not of this log"),
                    );
                }
            }
            Fact::Replayed { upto } => {
                if let Some(asked) = refused_at.take()
                    && book.has(asked.seq)
                    && let Some(missed) = book.up_to(*upto).checked_sub(book.up_to(asked.seq))
                    && missed <= book.truth.keeps
                {
                    let words = format!(
                        "the server could not continue {}, although {missed} events were missed and {} are kept",
                        asked.seq.0, book.truth.keeps
                    );
                    faults.of(Kind::NeedlessReset, &words);
                }
            }
            _ => {}
        }
    }
}
