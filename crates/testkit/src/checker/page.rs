//! Checks the final state of one page.

use client::Ending;

use super::{Book, Faults};
use crate::fault::Kind;
use crate::history::{End, History};

pub(super) fn check(book: &Book<'_>, history: &History, faults: &mut Faults) {
    match &history.end {
        // A page of a member who left on another page may learn of it only at its next connection.
        End::Ended(Ending::Left | Ending::NoSeat) if history.left => {}
        End::Ended(ending) => {
            faults.of(Kind::ThrownOut, &format!("the page has ended ({ending:?}), which nobody asked for"));
        }
        End::Live { roster, .. } if *roster != book.truth.seats => {
            let names =
                |seats: &[(_, String)]| seats.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
            let words = format!("the page shows [{}], and inside are [{}]", names(roster), names(&book.truth.seats));
            faults.of(Kind::Roster, &words);
        }
        End::Live { .. } | End::Away => {}
    }
}
