//! Checks the final state of one page.

use client::Ending;

use super::{Book, Faults};
use crate::fault::Kind;
use crate::history::{End, History};

pub(super) fn check(book: &Book<'_>, history: &History, faults: &mut Faults) {
    match &history.end {
        // A page of a member who left on another page, or was removed, may learn of it only at its next connection.
        End::Ended(Ending::Left | Ending::NoSeat | Ending::Removed) if history.left => {}
        // For that it may have a former code, which leads nobody but members to the room.
        End::Ended(Ending::RoomEnded | Ending::NoSuchRoom) if history.left && book.truth.renewed => {}
        End::Ended(ending) => {
            faults.of(Kind::ThrownOut, &format!("the page has ended ({ending:?}), which nobody asked for"));
        }
        End::Live { roster, .. } if *roster != book.truth.seats => {
            let names =
                |seats: &[(_, String)]| seats.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
            let words = format!("the page shows [{}], and inside are [{}]", names(roster), names(&book.truth.seats));
            faults.of(Kind::Roster, &words);
        }
        End::Live { room, .. } if *room != book.truth.room => {
            faults.of(Kind::Room, &format!("the page shows {room:?}, and the store has {:?}", book.truth.room));
        }
        End::Live { .. } | End::Away => {}
    }
}
