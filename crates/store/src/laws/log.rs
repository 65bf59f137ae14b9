//! Laws of the log: order, identity, delivery, durability, pages, positions.

use std::sync::Arc;

use protocol::{Epoch, EventId, EventKind, LeaveReason, Limits, MemberId, Position, RoomId, Seq};
use tokio::task::JoinSet;

use super::Fixture;
use super::support::{
    deleted, edited, fresh, joined, latest, left, member, message, name, names_of, next, nowhere, room_of, seqs,
    stored, take, unbroken,
};
use crate::{Appended, Delivery, NewEvent, Page, ReadFrom, Store, StoreError, known_ids, mentioned_members, refused};

pub async fn law_01_seq_increases_and_readers_see_one_order(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let rooms = [room_of(&*store, 50, &[1, 2, 3]).await, room_of(&*store, 50, &[1, 2, 3]).await];
    let mut first = store.subscribe(rooms[0]).await.unwrap();
    let mut second = store.subscribe(rooms[0]).await.unwrap();

    let mut writers = JoinSet::new();
    for writer in 1..=3 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut last = Seq(0);
            let mut acked = Vec::new();
            for n in 0..50 {
                stored(store.append(rooms[1], message(writer, "elsewhere")).await);
                let event = stored(store.append(rooms[0], message(writer, &format!("{writer}-{n}"))).await);
                assert!(event.seq > last);
                last = event.seq;
                acked.push(event);
            }
            acked
        });
    }
    let mut acked = writers.join_all().await.concat();
    acked.sort_by_key(|event| event.seq);
    let heard = take(&mut first, 150).await;
    unbroken(&heard);
    assert_eq!(heard[0].prev, first.head.seq);
    assert_eq!(heard, acked);
    assert_eq!(heard, take(&mut second, 150).await);
    assert_eq!(heard, latest(&*store, rooms[0]).await[3..]);
}

pub async fn law_02_duplicate_append_returns_the_first_event(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let here = room_of(&*store, 50, &[1, 2]).await;
    let there = room_of(&*store, 50, &[1]).await;
    let mut heard = store.subscribe(here).await.unwrap();

    let draft = message(1, "once");
    let mut copies = JoinSet::new();
    for _ in 0..8 {
        let (store, draft) = (Arc::clone(&store), draft.clone());
        copies.spawn(async move { store.append(here, draft).await.unwrap() });
    }
    let copies = copies.join_all().await;
    let firsts = copies.iter().filter(|copy| matches!(copy, Appended::Stored(_))).count();
    assert_eq!(firsts, 1, "{copies:?}");
    let event = latest(&*store, here).await.pop().unwrap();
    assert!(
        copies
            .iter()
            .all(|copy| *copy == Appended::Stored(event.clone()) || *copy == Appended::Duplicate(event.clone()))
    );

    // A duplicate is recognised by its id alone, whatever its text, its author, or whether the author still has a seat.
    let mut changed = message(2, "twice");
    changed.id = draft.id;
    assert_eq!(store.append(here, changed).await.unwrap(), Appended::Duplicate(event.clone()));
    stored(store.append(here, left(1, LeaveReason::Choice)).await);
    assert_eq!(store.append(here, draft.clone()).await.unwrap(), Appended::Duplicate(event.clone()));
    // In another room the id is new.
    stored(store.append(there, draft).await);

    assert_eq!(next(&mut heard).await, event);
    assert!(matches!(next(&mut heard).await.kind, EventKind::Left { .. }), "a duplicate was delivered");
    assert_eq!(latest(&*store, here).await.len(), 5, "two joins, a message, a leave and the new host");
}

pub async fn law_02_duplicate_of_a_trimmed_event_returns_its_seq(fixture: &impl Fixture) {
    let limits = Limits { events: 5, ..Limits::default() };
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1]).await;
    let draft = message(1, "soon gone");
    let first = stored(store.append(id, draft.clone()).await);
    for n in 0..10 {
        stored(store.append(id, message(1, &format!("{n}"))).await);
    }
    assert!(!latest(&*store, id).await.contains(&first));
    assert_eq!(store.append(id, draft.clone()).await.unwrap(), Appended::DuplicateTrimmed(first.seq));
    store.close().await;
    let store = fixture.open_with(&limits).await;
    assert_eq!(store.append(id, draft).await.unwrap(), Appended::DuplicateTrimmed(first.seq));
}

/// A client's message whose id was `minted` by the client's clock, and which the server received `at` this time.
fn draft(minted: u64, at: u64) -> NewEvent {
    let mut entropy = [0; 10];
    entropy[2..].copy_from_slice(&fresh().to_be_bytes());
    NewEvent { id: EventId::mint(minted, entropy), at, ..message(1, "x") }
}

/// Appends all of these concurrently.
async fn store_all(store: &Arc<dyn Store>, room: RoomId, drafts: &[NewEvent]) {
    let mut appends = JoinSet::new();
    for draft in drafts.iter().cloned() {
        let store = Arc::clone(store);
        appends.spawn(async move { stored(store.append(room, draft).await) });
    }
    appends.join_all().await;
}

pub async fn law_02_newest_ids_are_known_and_older_ones_are_refused(fixture: &impl Fixture) {
    let limits = Limits { events: 2, ..Limits::default() };
    let known = known_ids(&limits) as usize;
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2, 3]).await;
    // While nothing is forgotten, no id is too old.
    stored(store.append(id, draft(0, 999)).await);
    // Waves of concurrent appends, each at one time. One ends with event 400, and the third after it has event 600 near
    // its beginning: a store that forgets ids by their number, or with the appends of one commit, must not forget one
    // that is newer than it says.
    let waves: Vec<_> = (1..=10).map(|n| (0..66).map(|_| draft(1_000 + n, 1_000 + n)).collect::<Vec<_>>()).collect();
    for wave in &waves {
        store_all(&store, id, wave).await;
    }
    let drafts = waves.concat();
    let retry = |draft: &NewEvent| store.append(id, NewEvent { at: 9_000, ..draft.clone() });
    let (old, new) = drafts.split_at(drafts.len() - known);
    for draft in new {
        let again = retry(draft).await.unwrap();
        assert!(matches!(again, Appended::Duplicate(_) | Appended::DuplicateTrimmed(_)), "{again:?}");
    }
    for draft in old {
        match retry(draft).await {
            Ok(Appended::Duplicate(_) | Appended::DuplicateTrimmed(_)) | Err(StoreError::TooOld) => {}
            other => panic!("stored again or lost: {other:?}"),
        }
    }
    // A store may know more than it must, but not for ever.
    for draft in &old[..known] {
        refused!(retry(draft).await, TooOld);
    }
    store.close().await;
    let store = fixture.open_with(&limits).await;
    refused!(store.append(id, NewEvent { at: 9_000, ..old[0].clone() }).await, TooOld);
    // An id that nobody has seen is refused too if it is as old, and taken if it is not, however slow the clock is.
    refused!(store.append(id, draft(999, 9_000)).await, TooOld);
    stored(store.append(id, draft(1_000 + waves.len() as u64, 9_000)).await);
    // Joins and leaves are the server's own, and never retried under a new id.
    stored(store.append(id, joined(4)).await);
    stored(store.append(id, left(4, LeaveReason::Choice)).await);
}

/// The server's clock was a day ahead until its log had forgotten ids of that day.
pub async fn law_02_ids_forgotten_in_the_future_refuse_no_message(fixture: &impl Fixture) {
    const DAY: u64 = 86_400_000;
    let limits = Limits { events: 1, ..Limits::default() };
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1]).await;
    let ahead: Vec<_> = (1_000..).map(|n| draft(n + DAY, n + DAY)).take(3 * known_ids(&limits) as usize).collect();
    store_all(&store, id, &ahead).await;
    stored(store.append(id, draft(2_000, 2_000)).await);
    // Once the time has come, they count.
    refused!(store.append(id, draft(2_000, 2_000 + DAY)).await, TooOld);
    // A newer event of an earlier time does not take back what is forgotten.
    let behind: Vec<_> = (3_000..).map(|n| draft(n, n)).take(ahead.len()).collect();
    store_all(&store, id, &behind).await;
    refused!(store.append(id, draft(1_000 + DAY, 2_000 + DAY)).await, TooOld);
}

pub async fn law_05_names_are_known_while_the_log_mentions_them(fixture: &impl Fixture) {
    let limits = Limits { events: 4, ..Limits::default() };
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let names = async || names_of(&store.read(id, ReadFrom::Latest, 10).await.unwrap());
    stored(store.append(id, left(2, LeaveReason::Choice)).await);
    // Member 2 comes back under another name and leaves again. The first `left` is trimmed, the second is not.
    let renamed = EventKind::Joined { member: member(2), name: name(22).into() };
    stored(store.append(id, NewEvent { kind: renamed, ..joined(2) }).await);
    stored(store.append(id, message(1, "a")).await);
    stored(store.append(id, left(2, LeaveReason::Choice)).await);
    for text in ["b", "c", "d"] {
        stored(store.append(id, message(1, text)).await);
        assert_eq!(names().await, [(member(1), name(1)), (member(2), name(22))].into(), "{text}");
    }
    stored(store.append(id, message(1, "e")).await);
    assert_eq!(names().await, [(member(1), name(1))].into());
    // A member whom the log does not mention any more keeps the name.
    for text in ["f", "g", "h", "i"] {
        stored(store.append(id, joined(3)).await);
        stored(store.append(id, message(3, text)).await);
        stored(store.append(id, left(3, LeaveReason::Choice)).await);
    }
    stored(store.append(id, message(1, "still here")).await);
    assert_eq!(names().await.get(&member(1)), Some(&name(1)));
    assert_eq!(store.room(id).await.unwrap().members[0].name, name(1).into());
}

/// While members come, go and are trimmed.
pub async fn law_05_page_has_the_name_of_everyone_whom_it_mentions(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { events: 4, ..Limits::default() }).await;
    let id = room_of(&*store, 50, &[1]).await;
    let mut writers = JoinSet::new();
    for writer in 0..3 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for n in 0..40 {
                let n = 2 + writer + 3 * n;
                stored(store.append(id, joined(n)).await);
                stored(store.append(id, left(n, LeaveReason::Choice)).await);
            }
        });
    }
    while !writers.is_empty() {
        let page = store.read(id, ReadFrom::Latest, 10).await.unwrap();
        for member in page.events.iter().flat_map(mentioned_members) {
            assert!(page.names.contains_key(&member), "{member:?} has no name in {page:?}");
        }
        while let Some(done) = writers.try_join_next() {
            done.unwrap();
        }
    }
}

/// While members come, go and write: the roster, the position and the page belong to each other.
pub async fn law_05_snapshot_has_room_and_page_of_one_moment(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1]).await;
    let start = store.room(id).await.unwrap().position;
    let mut writers = JoinSet::new();
    for writer in 2..=4 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for n in 0..20 {
                stored(store.append(id, joined(writer)).await);
                stored(store.append(id, message(writer, &format!("{n}"))).await);
                stored(store.append(id, left(writer, LeaveReason::Choice)).await);
            }
        });
    }
    let mut heads = std::collections::BTreeSet::new();
    while !writers.is_empty() {
        let (room, page) = store.snapshot(id, ReadFrom::Latest, 1_000).await.unwrap();
        let mut members = Vec::new();
        for event in &page.events {
            match event.kind {
                EventKind::Joined { member, .. } => members.push(member),
                EventKind::Left { member, .. } => members.retain(|one| *one != member),
                _ => {}
            }
        }
        assert_eq!(room.members.iter().map(|seated| seated.member).collect::<Vec<_>>(), members);
        assert_eq!(page.events.last().unwrap().seq, room.position.seq);
        assert_eq!((page.events[0].seq, page.more), (room.oldest, false));

        let (room, page) = store.snapshot(id, ReadFrom::After(start), 7).await.unwrap();
        let last = page.events.last().map_or(start.seq, |event| event.seq);
        assert_eq!(page.more, last < room.position.seq, "after {} events", page.events.len());
        let (room, page) = store.snapshot(id, ReadFrom::Before(Seq(u64::MAX)), 2).await.unwrap();
        assert_eq!((page.events.last().unwrap().seq, page.more), (room.position.seq, false));
        heads.insert(room.position.seq);
        while writers.try_join_next().is_some() {}
    }
    assert!(heads.len() > 1, "all snapshots are of one moment: this proves nothing");
    refused!(store.snapshot(nowhere(), ReadFrom::Latest, 1).await, NotFound);
    let other = Position { epoch: Epoch(0), ..start };
    refused!(store.snapshot(id, ReadFrom::After(other), 1).await, Reset);
}

pub async fn law_03_subscription_delivers_every_later_event(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let mut writers = JoinSet::new();
    for writer in 1..=2 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for n in 0..100 {
                stored(store.append(id, message(writer, &format!("{n}"))).await);
            }
        });
    }
    // An append after each subscription, so that the next one begins later, however fast the writers are.
    let mut subscriptions = Vec::new();
    for _ in 0..20 {
        subscriptions.push(store.subscribe(id).await.unwrap());
        stored(store.append(id, message(1, "between")).await);
    }
    writers.join_all().await;
    for mut subscription in subscriptions {
        let rest = store.read(id, ReadFrom::After(subscription.head), 10_000).await.unwrap().events;
        assert_eq!(take(&mut subscription, rest.len()).await, rest);
        assert!(subscription.deliveries.is_empty());
    }
}

pub async fn law_03_slow_subscription_is_closed_and_never_skips(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1]).await;
    let mut asleep = store.subscribe(id).await.unwrap();
    let mut awake = store.subscribe(id).await.unwrap();
    let mut last = awake.head.seq;
    for n in 0..40 {
        let mut burst = JoinSet::new();
        for m in 0..100 {
            let store = Arc::clone(&store);
            burst.spawn(async move { stored(store.append(id, message(1, &format!("{n}-{m}"))).await) });
        }
        burst.join_all().await;
        for event in take(&mut awake, 100).await {
            assert_eq!(event.prev, last, "a slow subscriber cost another one an event");
            last = event.seq;
        }
    }
    // The slow subscriber has drained a part of its queue. If anything arrives now, it must continue what it has.
    let heard = take(&mut asleep, 500).await;
    unbroken(&heard);
    let last = stored(store.append(id, message(1, "last")).await);
    let mut seen = heard[499].seq;
    while let Some(delivery) = asleep.deliveries.recv().await {
        let Delivery::Event(event) = delivery else { panic!("the room has not ended") };
        assert_eq!(event.prev, seen, "skipped");
        seen = event.seq;
        if seen == last.seq {
            return;
        }
    }
}

pub async fn law_04_acknowledged_event_is_readable_at_once(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1]).await;
    for n in 0..100 {
        let event = stored(store.append(id, message(1, &format!("{n}"))).await);
        let room = store.room(id).await.unwrap();
        assert_eq!(room.position.seq, event.seq);
        assert_eq!(store.read(id, ReadFrom::Latest, 1).await.unwrap().events, std::slice::from_ref(&event));
        let before = Position { seq: event.prev, ..room.position };
        assert_eq!(store.read(id, ReadFrom::After(before), 10).await.unwrap().events, [event]);
    }
}

pub async fn law_04_acknowledged_event_survives_reopening(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 7, &[3, 1, 2]).await;
    stored(store.append(id, message(1, "hello\n\n  there")).await);
    stored(store.append(id, left(3, LeaveReason::Choice)).await);
    let room = store.room(id).await.unwrap();
    let page = store.read(id, ReadFrom::Latest, 100).await.unwrap();
    store.close().await;

    let store = fixture.open().await;
    assert_eq!(store.room(id).await.unwrap(), room);
    assert_eq!(store.read(id, ReadFrom::Latest, 100).await.unwrap(), page);
    let members: Vec<MemberId> = room.members.iter().map(|seated| seated.member).collect();
    assert_eq!(members, [member(1), member(2)]);
    assert_eq!(room.settings.capacity, 7);
    assert!(store.append(id, message(1, "again")).await.is_ok());
}

pub async fn law_05_pages_are_ordered_and_bounded(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    for n in 0..30 {
        stored(store.append(id, message(1 + n % 2, &format!("{n}"))).await);
    }
    stored(store.append(id, left(2, LeaveReason::Choice)).await);
    let room = store.room(id).await.unwrap();
    let all = seqs(&store.read(id, ReadFrom::Latest, 1_000).await.unwrap());
    assert_eq!(all.len(), 33);
    assert_eq!((all[0], *all.last().unwrap()), (room.oldest, room.position.seq));

    let mut forwards = Vec::new();
    let mut at = Position { seq: Seq(0), ..room.position };
    loop {
        let page = store.read(id, ReadFrom::After(at), 10).await.unwrap();
        assert!(page.events.len() <= 10 && !page.truncated);
        let Some(last) = page.events.last() else { break };
        at.seq = last.seq;
        forwards.extend(seqs(&page));
    }
    assert_eq!(forwards, all);

    let mut backwards = Vec::new();
    let mut page = store.read(id, ReadFrom::Latest, 10).await.unwrap();
    while let Some(first) = page.events.first().map(|event| event.seq) {
        assert!(page.events.len() <= 10 && !page.truncated);
        backwards.splice(0..0, seqs(&page));
        page = store.read(id, ReadFrom::Before(first), 10).await.unwrap();
    }
    assert!(!page.truncated);
    assert_eq!(backwards, all);

    // A page names every member whom it mentions, also those who left, and nobody else.
    let last = store.read(id, ReadFrom::Latest, 1).await.unwrap();
    assert_eq!(names_of(&last), [(member(2), name(2))].into());
    assert!(store.read(id, ReadFrom::Latest, 0).await.unwrap().events.is_empty());
}

pub async fn law_05_message_is_readable_by_its_id(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { events: 10, ..Limits::default() }).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    let other = room_of(&*store, 50, &[1]).await;
    let one = async |room, id| store.read(room, ReadFrom::Message(id), 10).await.unwrap();
    let first = stored(store.append(id, message(1, "first")).await);
    stored(store.append(id, message(2, "second")).await);
    let page = one(id, first.id).await;
    assert_eq!((&page.events, page.truncated), (&vec![first.clone()], false));
    assert_eq!(names_of(&page), [(member(1), name(1))].into());
    assert!(store.read(id, ReadFrom::Message(first.id), 0).await.unwrap().events.is_empty());
    assert!(one(other, first.id).await.events.is_empty(), "one id in two rooms is two events");
    assert!(one(id, message(1, "never sent").id).await.events.is_empty());

    let edit = stored(store.append(id, edited(1, first.id, "changed")).await);
    assert!(one(id, edit.id).await.events.is_empty(), "an edit is no message");
    let said = |page: &Page| match &page.events[0].kind {
        EventKind::Message { body, edited, .. } => (body.as_ref().map(|body| body.as_str().to_owned()), *edited),
        other => panic!("no message: {other:?}"),
    };
    assert_eq!(said(&one(id, first.id).await), (Some("changed".to_owned()), true));
    stored(store.append(id, deleted(1, first.id)).await);
    assert_eq!(said(&one(id, first.id).await).0, None);

    for n in 0..10 {
        stored(store.append(id, message(2, &format!("{n}"))).await);
    }
    assert!(one(id, first.id).await.events.is_empty(), "retention removed it");
    let message = ReadFrom::Message(first.id);
    refused!(store.read(nowhere(), message, 10).await, NotFound);
}

pub async fn law_05_retention_trims_only_the_log(fixture: &impl Fixture) {
    let limits = Limits { events: 10, timeline: 2_000, ..Limits::default() };
    let store = fixture.open_with(&limits).await;
    let id = room_of(&*store, 50, &[1, 2]).await;
    assert!(!store.read(id, ReadFrom::Latest, 100).await.unwrap().truncated);
    for n in 0..20 {
        stored(store.append(id, message(1, &format!("{n}"))).await);
    }
    let page = store.read(id, ReadFrom::Latest, 100).await.unwrap();
    assert!(page.truncated);
    assert_eq!(seqs(&page).len(), 10);
    let room = store.room(id).await.unwrap();
    assert_eq!(room.oldest, page.events[0].seq);
    assert_eq!(room.members.len(), 2, "retention touched the seats");
    assert_eq!(names_of(&page), [(member(1), name(1))].into(), "retention touched the names");

    // Only a page that reaches the trimmed start of the log is marked truncated.
    assert!(!store.read(id, ReadFrom::Latest, 9).await.unwrap().truncated);
    assert!(store.read(id, ReadFrom::Latest, 10).await.unwrap().truncated);
    let nothing = store.read(id, ReadFrom::Before(room.oldest), 10).await.unwrap();
    assert!(nothing.truncated && nothing.events.is_empty());
    assert!(
        !store.read(id, ReadFrom::Before(Seq(1)), 10).await.unwrap().truncated,
        "no event ever preceded the first one"
    );

    // Trimming by bytes: ten of these are 5 000. The newest event stays, however large it is.
    for _ in 0..10 {
        stored(store.append(id, message(1, &"x".repeat(500))).await);
    }
    assert!(latest(&*store, id).await.len() < 4);
    let large = stored(store.append(id, message(1, &"y".repeat(4_000))).await);
    assert_eq!(latest(&*store, id).await, [large]);
}

/// Sequence numbers come from clients, so any `u64` must have an answer: 0, and everything past the head.
pub async fn law_05_out_of_range_seq_is_clamped_or_reset(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { events: 10, ..Limits::default() }).await;
    let id = room_of(&*store, 50, &[1]).await;
    for messages in [3, 20] {
        for n in 0..messages {
            stored(store.append(id, message(1, &format!("{n}"))).await);
        }
        let head = store.room(id).await.unwrap().position.seq.0;
        for limit in [1, 4, 100] {
            let end = store.read(id, ReadFrom::Latest, limit).await.unwrap();
            let beyond =
                [head + 1, i64::MAX as u64 - 1, i64::MAX as u64, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX];
            for place in beyond {
                assert_eq!(store.read(id, ReadFrom::Before(Seq(place)), limit).await.unwrap(), end, "before {place}");
            }
            for place in [0, 1] {
                let start = store.read(id, ReadFrom::Before(Seq(place)), limit).await.unwrap();
                assert!(start.events.is_empty() && !start.truncated, "before {place}: {start:?}");
            }
        }
        let epoch = store.room(id).await.unwrap().position.epoch;
        for place in [head + 1, i64::MAX as u64, 1 << 63, u64::MAX] {
            refused!(store.read(id, ReadFrom::After(Position { epoch, seq: Seq(place) }), 10).await, Reset);
        }
    }
}

pub async fn law_06_read_after_a_position_resumes_or_resets(fixture: &impl Fixture) {
    let store = fixture.open_with(&Limits { events: 10, ..Limits::default() }).await;
    let id = room_of(&*store, 50, &[1]).await;
    for n in 0..20 {
        stored(store.append(id, message(1, &format!("{n}"))).await);
    }
    let room = store.room(id).await.unwrap();
    let at = |seq| ReadFrom::After(Position { seq, ..room.position });
    let log = latest(&*store, id).await;

    assert!(store.read(id, at(room.position.seq), 100).await.unwrap().events.is_empty());
    // From the last trimmed event's position every later event is still there; from no earlier one.
    assert_eq!(store.read(id, at(log[0].prev), 100).await.unwrap().events, log);
    refused!(store.read(id, at(Seq(log[0].prev.0 - 1)), 100).await, Reset);
    refused!(store.read(id, at(Seq(0)), 100).await, Reset);
    refused!(store.read(id, at(Seq(room.position.seq.0 + 1)), 100).await, Reset);
    let other = Position { epoch: Epoch(room.position.epoch.0 + 1), ..room.position };
    refused!(store.read(id, ReadFrom::After(other), 100).await, Reset);
    refused!(store.read(nowhere(), at(Seq(0)), 100).await, NotFound);
}
