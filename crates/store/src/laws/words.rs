//! Law 12: which messages edits, deletions and reactions may name, and that the old text is never returned again.

use protocol::{EventId, EventKind, LeaveReason, Limits, Position, Seq, codec};

use super::Fixture;
use super::support::{deleted, edited, id, joined, latest, left, message, next, reacted, room_of, stored, unbroken};
use crate::{Appended, NewEvent, ReadFrom, Store, refused};

const FIRST: &str = "the treasure is under the old oak";
const SECOND: &str = "the treasure is behind the mill";
const THIRD: &str = "there is no treasure";

/// Everything that reads and duplicate appends of these drafts return now, as JSON.
async fn everything(store: &dyn Store, id: protocol::RoomId, drafts: &[NewEvent]) -> String {
    let room = store.room(id).await.unwrap();
    let mut said = String::new();
    let start = Position { seq: Seq(0), ..room.position };
    for from in [ReadFrom::After(start), ReadFrom::Latest, ReadFrom::Before(Seq(room.position.seq.0 + 1))] {
        let page = store.read(id, from, 1_000).await.unwrap();
        unbroken(&page.events);
        assert_eq!(page.events.len() as u64, room.position.seq.0, "an event is missing");
        said.push_str(&codec::encode(&page.events));
    }
    for draft in drafts {
        match store.append(id, draft.clone()).await.unwrap() {
            Appended::Duplicate(event) => said.push_str(&codec::encode(&event)),
            other => panic!("not a duplicate: {other:?}"),
        }
    }
    said
}

pub async fn law_12_old_text_is_never_returned(fixture: &impl Fixture) {
    let mut store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let mut drafts = vec![message(1, FIRST)];
    let target = drafts[0].id;
    drafts.push(message(2, "where?"));
    drafts.push(edited(1, target, SECOND));
    drafts.push(edited(1, target, THIRD));
    drafts.push(deleted(1, target));
    let words = [&[][..], &[], &[FIRST], &[FIRST, SECOND], &[FIRST, SECOND, THIRD]];
    let mut heard = store.subscribe(id).await.unwrap();
    for (n, gone) in words.into_iter().enumerate() {
        let event = stored(store.append(id, drafts[n].clone()).await);
        assert_eq!(event.kind, drafts[n].kind, "the stored event is not as it was asked for");
        assert_eq!(next(&mut heard).await, event);
        let mut later = store.subscribe(id).await.unwrap();
        for reopened in [false, true] {
            if reopened {
                store.close().await;
                store = fixture.open().await;
                heard = store.subscribe(id).await.unwrap();
            }
            let said = everything(&*store, id, &drafts[..=n]).await;
            for text in gone {
                assert!(!said.contains(text), "{text:?} is still returned after {:?}", event.kind);
            }
        }
        assert!(later.deliveries.recv().await.is_none(), "an earlier event was delivered to a later subscription");
    }

    let kinds: Vec<_> = latest(&*store, id).await[2..].iter().map(|event| event.kind.clone()).collect();
    let expected = [
        EventKind::Message { body: None, reply_to: None, edited: false },
        drafts[1].kind.clone(),
        EventKind::Edited { target, body: None },
        EventKind::Edited { target, body: None },
        EventKind::Deleted { target },
    ];
    assert_eq!(kinds, expected);
}

/// Once an edit is acknowledged, reads return its text. A reply stays as it is, and earlier edits lose their text.
pub async fn law_12_acknowledged_edit_is_readable_at_once(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1]).await;
    let first = message(1, "draft 0");
    let answer = message(1, "so it was");
    stored(store.append(id, first.clone()).await);
    let EventKind::Message { body, .. } = answer.kind.clone() else { unreachable!() };
    let reply = EventKind::Message { body, reply_to: Some(first.id), edited: false };
    stored(store.append(id, NewEvent { kind: reply.clone(), ..answer }).await);
    for n in 1..=50 {
        let text = format!("draft {n}");
        stored(store.append(id, edited(1, first.id, &text)).await);
        let log = latest(&*store, id).await;
        let said = EventKind::Message { body: Some(text.parse().unwrap()), reply_to: None, edited: true };
        assert_eq!(log[1].kind, said);
        assert_eq!(log[2].kind, reply, "the reply was changed");
        let speaking = log.iter().filter(|event| matches!(event.kind, EventKind::Edited { body: Some(_), .. })).count();
        assert_eq!(speaking, 1, "earlier edits still have their text");
    }
}

pub async fn law_12_only_the_author_edits_or_deletes_a_message(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { events: 12, ..Limits::default() }).await;
    let room = room_of(&*store, 50, &[1, 2]).await;
    let trimmed = message(1, "long ago");
    stored(store.append(room, trimmed.clone()).await);
    for n in 0..12 {
        stored(store.append(room, message(2, &format!("{n}"))).await);
    }
    let arrival = joined(4);
    let (mine, gone, theirs) = (message(1, "mine"), message(1, "gone"), message(2, "theirs"));
    for draft in [&arrival, &mine, &gone, &theirs] {
        stored(store.append(room, draft.clone()).await);
    }
    let edit = edited(1, mine.id, "still mine");
    stored(store.append(room, edit.clone()).await);
    stored(store.append(room, deleted(1, gone.id)).await);
    // A reply may target any id: another member's message, a trimmed one, a deleted one, an unknown one.
    let EventKind::Message { body, .. } = message(1, "yes").kind else { unreachable!() };
    for reply_to in [theirs.id, trimmed.id, gone.id, id()] {
        let kind = EventKind::Message { body: body.clone(), reply_to: Some(reply_to), edited: false };
        let reply = stored(store.append(room, NewEvent { kind: kind.clone(), ..message(1, "?") }).await);
        assert_eq!(reply.kind, kind);
    }
    let before = latest(&*store, room).await;

    let attempts: [fn(u64, EventId) -> NewEvent; 3] =
        [|n, target| edited(n, target, "no"), deleted, |n, target| reacted(n, target, true)];
    for attempt in attempts {
        for nothing in [id(), trimmed.id, arrival.id, gone.id, edit.id] {
            refused!(store.append(room, attempt(1, nothing)).await, NoTarget);
            refused!(store.append(room, attempt(2, nothing)).await, NoTarget);
        }
        // Without a seat the answer is `Conflict`, which does not reveal whether the target exists.
        for target in [id(), mine.id] {
            refused!(store.append(room, attempt(3, target)).await, Conflict);
        }
    }
    refused!(store.append(room, edited(1, theirs.id, "no")).await, NotAuthor);
    refused!(store.append(room, deleted(2, mine.id)).await, NotAuthor);
    stored(store.append(room, left(2, LeaveReason::Choice)).await);
    refused!(store.append(room, deleted(2, theirs.id)).await, Conflict);

    let after = latest(&*store, room).await;
    let kept = after.len() - 1;
    assert_eq!(after[..kept], before[before.len() - kept..], "a refused event changed the log");
    // Every member may react to every message.
    stored(store.append(room, reacted(1, theirs.id, true)).await);
    stored(store.append(room, reacted(1, theirs.id, false)).await);
}

/// The byte limit of a log counts the current text of a message, not its first text.
pub async fn law_12_byte_limit_counts_the_current_text(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { timeline: 4_000, ..Limits::default() }).await;
    let id = room_of(&*store, 50, &[1]).await;
    let kept = async |message: EventId| latest(&*store, id).await.iter().any(|event| event.id == message);
    let (long, short) = (message(1, &"x".repeat(2_500)), message(1, "y"));
    stored(store.append(id, long.clone()).await);
    stored(store.append(id, short.clone()).await);
    stored(store.append(id, deleted(1, long.id)).await);
    for _ in 0..2 {
        stored(store.append(id, message(1, &"x".repeat(1_000))).await);
    }
    assert!(kept(long.id).await, "a deleted message still counts with its text");
    stored(store.append(id, edited(1, short.id, &"y".repeat(900))).await);
    assert!(!kept(long.id).await, "an edited message does not count with its new text");
}
