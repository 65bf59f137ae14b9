//! Checks the outcome of every event that one user sent.

use std::collections::{HashMap, HashSet};

use protocol::{ErrorCode, EventId};

use super::{Book, Faults};
use crate::fault::Kind;
use crate::history::{End, Fact, History, Said};

pub(super) fn check(book: &Book<'_>, history: &History, faults: &mut Faults) {
    let (mut acked, mut refused, mut discarded) = (HashSet::new(), HashSet::new(), HashSet::new());
    for fact in &history.facts {
        match fact {
            Fact::Acked { id } => drop(acked.insert(*id)),
            Fact::Discarded { id } => drop(discarded.insert(*id)),
            Fact::Refused { id, error } => {
                refused.insert(*id);
                if !is_explained(book, history, *id, *error) {
                    faults.of(Kind::Refused, &format!("{id} was refused ({error:?}) without a reason"));
                }
            }
            Fact::Deferred { id, error } if !book.truth.defers.contains(error) => {
                faults.of(Kind::Refused, &format!("{id} was refused for now ({error:?}) without a reason"));
            }
            _ => {}
        }
    }
    let has_no_turn = |fact: &Fact| matches!(fact, Fact::Deferred { error: ErrorCode::Rate, .. });
    let had_to_wait = history.facts.iter().any(has_no_turn);
    let mut last = None;
    // Place of each message, or of the last change of it.
    let mut last_of: HashMap<EventId, usize> = HashMap::new();
    let mut has_refused_words = false;
    for fact in &history.facts {
        let Fact::Sent { id, said } = fact else { continue };
        let (id, place) = (*id, book.place(*id));
        let unsent = history.unsent.contains(&id);
        let refused = refused.contains(&id);
        has_refused_words |= refused && said.words().is_some();
        // Names do not wait for refused words, as what was said after these does. What has no turn holds up only what has to
        // follow it: messages follow messages.
        let is_message = matches!(said, Said::Message(_));
        let goes_first = said.is_name() && has_refused_words;
        let is_ordered = !goes_first && (is_message || !had_to_wait);
        match place {
            None if acked.contains(&id) => {
                faults.of(Kind::Lost, &format!("{id} was acknowledged and is not in the log"))
            }
            None if !unsent && !refused && !discarded.contains(&id) => {
                faults.of(Kind::Lost, &format!("{id} is neither in the log nor on the screen, and nothing was said"));
            }
            Some(_) if discarded.contains(&id) || (unsent && refused) => {
                faults.of(Kind::Doubled, &format!("{id} is \"not sent\" on the screen, and the log has it"));
            }
            _ => {}
        }
        if unsent && !refused && matches!(history.end, End::Live { .. }) {
            faults.of(Kind::Lost, &format!("{id} is still on its way although everything is at rest"));
        }
        if let Some(place) = place {
            if last.is_some_and(|last| place < last) && !refused && is_ordered {
                faults.of(Kind::OutOfOrder, &format!("{id} is in the log before what was sent before it"));
            }
            if is_message || !had_to_wait {
                last = last.max(Some(place));
            }
            let subject = said.target().unwrap_or(id);
            if last_of.insert(subject, place).is_some_and(|before| place < before) && !refused {
                faults
                    .of(Kind::OutOfOrder, &format!("{id} is in the log before what it changes, or an earlier change"));
            }
        }
    }
}

/// True if the refusal has a reason: the member has left, the target is gone or somebody else's, the room's name is its
/// host's to give, or only the host could write.
fn is_explained(book: &Book<'_>, history: &History, id: EventId, error: ErrorCode) -> bool {
    let said = book.said.get(&id).map(|(_, said)| *said);
    let target = said.and_then(Said::target);
    match (error, target) {
        (ErrorCode::NotAllowed, None) => matches!(said, Some(Said::RoomNamed(_))),
        (ErrorCode::NoSeat, _) => history.left,
        (ErrorCode::HostOnly, _) => book.truth.host_only && said.is_some_and(|said| said.words().is_some()),
        (ErrorCode::NotAuthor, Some(target)) => book.said.get(&target).is_some_and(|(by, _)| *by != history.member),
        (ErrorCode::NoTarget, Some(target)) => is_gone(book, target),
        _ => false,
    }
}

/// True if the target is trimmed, deleted, or was never stored.
fn is_gone(book: &Book<'_>, target: EventId) -> bool {
    let Some(place) = book.place(target) else { return true };
    let is_deletion = |id: &EventId| {
        book.said.get(id).is_some_and(|(_, said)| matches!(said, Said::Deleted { target: gone } if *gone == target))
    };
    place + book.truth.keeps < book.truth.log.len() || book.places.keys().any(is_deletion)
}
