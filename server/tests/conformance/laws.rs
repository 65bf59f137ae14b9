//! The laws.

use std::sync::Arc;

use app::protocol::{Epoch, EventKind, LeaveReason, Limits, MemberId, Position, Seq};
use server::backend::{Appended, BackendError, Delivery, From, NewRoom};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance};

use crate::refused;
use crate::support::{
    Store, code, fresh, joined, latest, lease, left, member, message, ms, name, next, places, room_of, stored, take,
    unbroken,
};

pub(crate) async fn seq_grows_and_the_order_is_one(store: &Store) {
    let backend = store.open().await;
    let rooms = [room_of(&*backend, 50, &[1, 2, 3]).await, room_of(&*backend, 50, &[1, 2, 3]).await];
    let mut first = backend.subscribe(rooms[0]).await.unwrap();
    let mut second = backend.subscribe(rooms[0]).await.unwrap();

    let mut writers = JoinSet::new();
    for writer in 1..=3 {
        let backend = Arc::clone(&backend);
        writers.spawn(async move {
            let mut last = Seq(0);
            let mut acked = Vec::new();
            for n in 0..50 {
                stored(backend.append(rooms[1], message(writer, "elsewhere")).await);
                let event = stored(backend.append(rooms[0], message(writer, &format!("{writer}-{n}"))).await);
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
    assert_eq!(heard, latest(&*backend, rooms[0]).await[3..]);
}

pub(crate) async fn an_id_is_one_event(store: &Store) {
    let backend = store.open().await;
    let here = room_of(&*backend, 50, &[1, 2]).await;
    let there = room_of(&*backend, 50, &[1]).await;
    let mut heard = backend.subscribe(here).await.unwrap();

    let draft = message(1, "once");
    let mut copies = JoinSet::new();
    for _ in 0..8 {
        let (backend, draft) = (Arc::clone(&backend), draft.clone());
        copies.spawn(async move { backend.append(here, draft).await.unwrap() });
    }
    let copies = copies.join_all().await;
    let firsts = copies.iter().filter(|copy| matches!(copy, Appended::Stored(_))).count();
    assert_eq!(firsts, 1, "{copies:?}");
    let event = latest(&*backend, here).await.pop().unwrap();
    assert!(
        copies.iter().all(|copy| *copy == Appended::Stored(event.clone()) || *copy == Appended::Repeat(event.clone()))
    );

    // What it says the second time does not matter, nor who says it, nor whether the author is still inside.
    let mut changed = message(2, "twice");
    changed.id = draft.id;
    assert_eq!(backend.append(here, changed).await.unwrap(), Appended::Repeat(event.clone()));
    stored(backend.append(here, left(1, LeaveReason::Choice)).await);
    assert_eq!(backend.append(here, draft.clone()).await.unwrap(), Appended::Repeat(event.clone()));
    // Another room knows nothing of it.
    stored(backend.append(there, draft).await);

    assert_eq!(next(&mut heard).await, event);
    assert!(matches!(next(&mut heard).await.kind, EventKind::Left { .. }), "a repetition was delivered");
    assert_eq!(latest(&*backend, here).await.len(), 4);
}

pub(crate) async fn an_id_outlives_its_event(store: &Store) {
    let limits = Limits { events: 5, ..Limits::default() };
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1]).await;
    let draft = message(1, "soon gone");
    let first = stored(backend.append(code, draft.clone()).await);
    for n in 0..10 {
        stored(backend.append(code, message(1, &format!("{n}"))).await);
    }
    assert!(!latest(&*backend, code).await.contains(&first));
    assert_eq!(backend.append(code, draft.clone()).await.unwrap(), Appended::Trimmed(first.seq));
    backend.close().await;
    let backend = store.open_with(&limits).await;
    assert_eq!(backend.append(code, draft).await.unwrap(), Appended::Trimmed(first.seq));
}

pub(crate) async fn a_subscription_never_skips(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    let mut writers = JoinSet::new();
    for writer in 1..=2 {
        let backend = Arc::clone(&backend);
        writers.spawn(async move {
            for n in 0..100 {
                stored(backend.append(code, message(writer, &format!("{n}"))).await);
            }
        });
    }
    // Subscribed at any moment between the appends.
    let mut subscriptions = Vec::new();
    for _ in 0..20 {
        subscriptions.push(backend.subscribe(code).await.unwrap());
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    let heads: std::collections::BTreeSet<_> = subscriptions.iter().map(|one| one.head.seq).collect();
    assert!(heads.len() > 1, "all subscriptions began at one moment: this proves nothing");
    for mut subscription in subscriptions {
        let rest = backend.read(code, From::After(subscription.head), 10_000).await.unwrap().events;
        assert_eq!(take(&mut subscription, rest.len()).await, rest);
        assert!(subscription.deliveries.is_empty());
    }
}

pub(crate) async fn a_subscriber_that_sleeps_is_lost_not_skipped(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[1]).await;
    let mut asleep = backend.subscribe(code).await.unwrap();
    let mut awake = backend.subscribe(code).await.unwrap();
    let mut last = awake.head.seq;
    for n in 0..40 {
        let mut burst = JoinSet::new();
        for m in 0..100 {
            let backend = Arc::clone(&backend);
            burst.spawn(async move { stored(backend.append(code, message(1, &format!("{n}-{m}"))).await) });
        }
        burst.join_all().await;
        for event in take(&mut awake, 100).await {
            assert_eq!(event.prev, last, "one sleeper costs the others");
            last = event.seq;
        }
    }
    let mut seen = asleep.head.seq;
    let mut heard = 0;
    while let Some(delivery) = asleep.deliveries.recv().await {
        let Delivery::Event(event) = delivery else { panic!("the room has not ended") };
        assert_eq!(event.prev, seen, "skipped");
        seen = event.seq;
        heard += 1;
        if heard == 4000 {
            return;
        }
    }
}

pub(crate) async fn what_is_acked_is_read(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[1]).await;
    for n in 0..100 {
        let event = stored(backend.append(code, message(1, &format!("{n}"))).await);
        let room = backend.room(code).await.unwrap();
        assert_eq!(room.position.seq, event.seq);
        assert_eq!(backend.read(code, From::Latest, 1).await.unwrap().events, [event.clone()]);
        let before = Position { seq: event.prev, ..room.position };
        assert_eq!(backend.read(code, From::After(before), 10).await.unwrap().events, [event]);
    }
}

pub(crate) async fn what_is_acked_survives_reopening(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 7, &[3, 1, 2]).await;
    stored(backend.append(code, message(1, "hello\n\n  there")).await);
    stored(backend.append(code, left(3, LeaveReason::Choice)).await);
    let room = backend.room(code).await.unwrap();
    let page = backend.read(code, From::Latest, 100).await.unwrap();
    backend.close().await;

    let backend = store.open().await;
    assert_eq!(backend.room(code).await.unwrap(), room);
    assert_eq!(backend.read(code, From::Latest, 100).await.unwrap(), page);
    let members: Vec<MemberId> = room.members.iter().map(|seated| seated.member).collect();
    assert_eq!(members, [member(1), member(2)]);
    assert_eq!(room.capacity, 7);
    assert!(backend.append(code, message(1, "again")).await.is_ok());
}

pub(crate) async fn pages_are_ordered_and_bounded(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    for n in 0..30 {
        stored(backend.append(code, message(1 + n % 2, &format!("{n}"))).await);
    }
    stored(backend.append(code, left(2, LeaveReason::Choice)).await);
    let room = backend.room(code).await.unwrap();
    let all = places(&backend.read(code, From::Latest, 1_000).await.unwrap());
    assert_eq!(all.len(), 33);
    assert_eq!((all[0], *all.last().unwrap()), (room.oldest, room.position.seq));

    let mut forwards = Vec::new();
    let mut at = Position { seq: Seq(0), ..room.position };
    loop {
        let page = backend.read(code, From::After(at), 10).await.unwrap();
        assert!(page.events.len() <= 10 && !page.truncated);
        let Some(last) = page.events.last() else { break };
        at.seq = last.seq;
        forwards.extend(places(&page));
    }
    assert_eq!(forwards, all);

    let mut backwards = Vec::new();
    let mut page = backend.read(code, From::Latest, 10).await.unwrap();
    while let Some(first) = page.events.first().map(|event| event.seq) {
        assert!(page.events.len() <= 10 && !page.truncated);
        backwards.splice(0..0, places(&page));
        page = backend.read(code, From::Before(first), 10).await.unwrap();
    }
    assert!(!page.truncated);
    assert_eq!(backwards, all);

    // Who left is still called by name where the page mentions them, and nobody else is named.
    let last = backend.read(code, From::Latest, 1).await.unwrap();
    assert_eq!(last.names, [(member(2), name(2))].into());
    assert!(backend.read(code, From::Latest, 0).await.unwrap().events.is_empty());
}

pub(crate) async fn retention_trims_the_log_only(store: &Store) {
    let limits = Limits { events: 10, timeline: 2_000, ..Limits::default() };
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    assert!(!backend.read(code, From::Latest, 100).await.unwrap().truncated);
    for n in 0..20 {
        stored(backend.append(code, message(1, &format!("{n}"))).await);
    }
    let page = backend.read(code, From::Latest, 100).await.unwrap();
    assert!(page.truncated);
    assert_eq!(places(&page).len(), 10);
    let room = backend.room(code).await.unwrap();
    assert_eq!(room.oldest, page.events[0].seq);
    assert_eq!(room.members.len(), 2, "retention touched the seats");
    assert_eq!(page.names, [(member(1), name(1))].into(), "retention touched the names");

    // The mark is on the page that stops where the log was cut, and on no later one.
    assert!(!backend.read(code, From::Latest, 9).await.unwrap().truncated);
    assert!(backend.read(code, From::Latest, 10).await.unwrap().truncated);
    let nothing = backend.read(code, From::Before(room.oldest), 10).await.unwrap();
    assert!(nothing.truncated && nothing.events.is_empty());
    assert!(
        !backend.read(code, From::Before(Seq(1)), 10).await.unwrap().truncated,
        "nothing was ever before the first"
    );

    // By size: ten of these would be 5 000 bytes. The newest stays, however large it is.
    for _ in 0..10 {
        stored(backend.append(code, message(1, &"x".repeat(500))).await);
    }
    assert!(latest(&*backend, code).await.len() < 4);
    let large = stored(backend.append(code, message(1, &"y".repeat(4_000))).await);
    assert_eq!(latest(&*backend, code).await, [large]);
}

pub(crate) async fn a_position_continues_or_resets(store: &Store) {
    let backend = store.open_with(&Limits { events: 10, ..Limits::default() }).await;
    let code = room_of(&*backend, 50, &[1]).await;
    for n in 0..20 {
        stored(backend.append(code, message(1, &format!("{n}"))).await);
    }
    let room = backend.room(code).await.unwrap();
    let at = |seq| From::After(Position { seq, ..room.position });
    let log = latest(&*backend, code).await;

    assert!(backend.read(code, at(room.position.seq), 100).await.unwrap().events.is_empty());
    // The last one trimmed is the last from which everything after is still there.
    assert_eq!(backend.read(code, at(log[0].prev), 100).await.unwrap().events, log);
    refused!(backend.read(code, at(Seq(log[0].prev.0 - 1)), 100).await, Reset);
    refused!(backend.read(code, at(Seq(0)), 100).await, Reset);
    refused!(backend.read(code, at(Seq(room.position.seq.0 + 1)), 100).await, Reset);
    let other = Position { epoch: Epoch(room.position.epoch.0 + 1), ..room.position };
    refused!(backend.read(code, From::After(other), 100).await, Reset);
    refused!(backend.read(crate::support::code(), at(Seq(0)), 100).await, NotFound);
}

pub(crate) async fn a_new_life_resets_old_positions(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[1]).await;
    let old = backend.room(code).await.unwrap().position;
    stored(backend.append(code, left(1, LeaveReason::Choice)).await);
    refused!(backend.read(code, From::After(old), 10).await, NotFound);

    backend.create_room(NewRoom { code, epoch: Epoch(u64::MAX), capacity: 2 }).await.unwrap();
    stored(backend.append(code, joined(2)).await);
    let new = backend.room(code).await.unwrap();
    assert_eq!(new.position.epoch, Epoch(u64::MAX));
    assert_eq!(new.members.len(), 1);
    refused!(backend.read(code, From::After(old), 10).await, Reset);
    refused!(backend.read(code, From::After(Position { seq: Seq(0), ..old }), 10).await, Reset);
    assert_eq!(latest(&*backend, code).await.len(), 1, "the first life shows through");
}

pub(crate) async fn a_room_of_50_seats_50(store: &Store) {
    let backend = store.open().await;
    let code = room_of(&*backend, 50, &[]).await;
    let mut joins = JoinSet::new();
    for n in 1..=51 {
        let backend = Arc::clone(&backend);
        joins.spawn(async move { backend.append(code, joined(n)).await });
    }
    let joins = joins.join_all().await;
    assert_eq!(joins.iter().filter(|join| join.is_ok()).count(), 50);
    assert_eq!(joins.iter().filter(|join| matches!(join, Err(BackendError::Full))).count(), 1);
    let members = backend.room(code).await.unwrap().members;
    assert_eq!(members.len(), 50);

    // Someone inside is inside, however full it is; a seat that is freed can be taken once.
    let inside = members[0].member;
    let again = joined((inside.0.as_u128() >> 64) as u64);
    refused!(backend.append(code, again).await, Conflict);
    stored(backend.append(code, left((inside.0.as_u128() >> 64) as u64, LeaveReason::Choice)).await);
    stored(backend.append(code, joined(100)).await);
    refused!(backend.append(code, joined(101)).await, Full);
}

pub(crate) async fn a_join_racing_the_end_has_a_seat_or_no_room(store: &Store) {
    let backend = store.open().await;
    let mut seated = 0;
    for round in 0..200 {
        let code = room_of(&*backend, 50, &[1]).await;
        let leave = backend.append(code, left(1, LeaveReason::Choice));
        let join = backend.append(code, joined(2));
        let (leave, join) = if round % 2 == 0 {
            tokio::join!(leave, join)
        } else {
            let (join, leave) = tokio::join!(join, leave);
            (leave, join)
        };
        stored(leave);
        match join {
            Ok(_) => {
                seated += 1;
                assert!(backend.room(code).await.unwrap().has(member(2)));
                stored(backend.append(code, message(2, "here")).await);
            }
            Err(BackendError::NotFound) => refused!(backend.room(code).await, NotFound),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((1..200).contains(&seated), "only one side ever won: this proves nothing");
}

pub(crate) async fn only_the_seated_speak_and_leave(store: &Store) {
    let backend = store.open().await;
    let nowhere = code();
    refused!(backend.append(nowhere, joined(1)).await, NotFound);
    refused!(backend.append(nowhere, message(1, "hello?")).await, NotFound);
    refused!(backend.room(nowhere).await, NotFound);
    refused!(backend.subscribe(nowhere).await, NotFound);

    let code = room_of(&*backend, 50, &[1, 2]).await;
    refused!(backend.create_room(NewRoom { code, epoch: Epoch(1), capacity: 2 }).await, Conflict);
    refused!(backend.append(code, joined(1)).await, Conflict);
    refused!(backend.append(code, message(3, "hello?")).await, Conflict);
    refused!(backend.append(code, left(3, LeaveReason::Choice)).await, Conflict);
    stored(backend.append(code, left(1, LeaveReason::Choice)).await);
    refused!(backend.append(code, left(1, LeaveReason::Choice)).await, Conflict);
    refused!(backend.append(code, message(1, "still here")).await, Conflict);
    stored(backend.append(code, joined(1)).await);
    assert_eq!(latest(&*backend, code).await.len(), 4, "what was refused is in the log");
}

pub(crate) async fn a_lease_keeps_a_seat_for_its_time(store: &Store) {
    let limits = Limits::default();
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    let gone = async || {
        let seats = backend.expired(Instant::now()).await.unwrap();
        seats.into_iter().map(|seat| seat.member).collect::<std::collections::BTreeSet<_>>()
    };

    advance(ms(limits.arrival_ms - 1)).await;
    assert_eq!(gone().await, [].into());
    backend.hold(lease(code, 1, 7), ms(1_000)).await.unwrap();
    advance(ms(1)).await;
    assert_eq!(gone().await, [member(2)].into());

    // Renewed in time for ever; a second connection counts as much as the first.
    for _ in 0..50 {
        backend.hold(lease(code, 1, 7), ms(1_000)).await.unwrap();
        advance(ms(999)).await;
        assert_eq!(gone().await, [member(2)].into());
    }
    backend.hold(lease(code, 1, 8), ms(5_000)).await.unwrap();
    advance(ms(1_000)).await;
    assert_eq!(gone().await, [member(2)].into());
    backend.release(lease(code, 1, 9)).await.unwrap();
    assert_eq!(gone().await, [member(2)].into());
    backend.release(lease(code, 1, 8)).await.unwrap();
    assert_eq!(gone().await, [member(1), member(2)].into());

    let seat =
        backend.expired(Instant::now()).await.unwrap().into_iter().find(|seat| seat.member == member(2)).unwrap();
    assert_eq!((seat.name, seat.code), (name(2), code));
    assert_eq!(seat.epoch, backend.room(code).await.unwrap().position.epoch);
    assert_eq!(seat.joined, latest(&*backend, code).await[1].seq);
    stored(backend.append(code, left(2, LeaveReason::Vanished)).await);
    assert_eq!(gone().await, [member(1)].into());
    refused!(backend.hold(lease(code, 2, 7), ms(1_000)).await, NotFound);
}

pub(crate) async fn who_came_back_is_not_put_out(store: &Store) {
    let limits = Limits::default();
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    // Just arrived.
    refused!(backend.append(code, left(1, LeaveReason::Vanished)).await, Conflict);
    advance(ms(limits.arrival_ms)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap().len(), 2);
    // Came back between the sweep's question and its answer.
    backend.hold(lease(code, 1, 7), ms(1_000)).await.unwrap();
    refused!(backend.append(code, left(1, LeaveReason::Vanished)).await, Conflict);
    // By choice one may always leave.
    stored(backend.append(code, left(1, LeaveReason::Choice)).await);
    stored(backend.append(code, joined(1)).await);

    // A seat taken in the same breath is not the one that was left.
    advance(ms(limits.arrival_ms)).await;
    let (out, back, sweep) = tokio::join!(
        backend.append(code, left(1, LeaveReason::Choice)),
        backend.append(code, joined(1)),
        backend.append(code, left(1, LeaveReason::Vanished)),
    );
    stored(out);
    stored(back);
    refused!(sweep, Conflict);
    stored(backend.append(code, left(2, LeaveReason::Vanished)).await);
}

pub(crate) async fn a_start_gives_everyone_a_grace(store: &Store) {
    let limits = Limits::default();
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    backend.hold(lease(code, 1, 7), ms(1_000)).await.unwrap();
    backend.close().await;
    advance(ms(10 * limits.grace_ms)).await;

    let backend = store.open_with(&limits).await;
    // Coming back for a moment does not make the grace shorter.
    backend.hold(lease(code, 1, 0), ms(1_000)).await.unwrap();
    advance(ms(limits.grace_ms - 1)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap(), []);
    refused!(backend.append(code, left(1, LeaveReason::Vanished)).await, Conflict);
    advance(ms(1)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap().len(), 2);
}

pub(crate) async fn a_room_nobody_arrived_in_ends(store: &Store) {
    let limits = Limits::default();
    let backend = store.open_with(&limits).await;
    let empty = room_of(&*backend, 50, &[]).await;
    let lived = room_of(&*backend, 50, &[1]).await;
    let mut heard = backend.subscribe(empty).await.unwrap();
    advance(ms(limits.arrival_ms - 1)).await;
    backend.expired(Instant::now()).await.unwrap();
    assert_eq!(backend.room(empty).await.unwrap().members, []);
    advance(ms(1)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap().len(), 1);
    refused!(backend.room(empty).await, NotFound);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    assert!(backend.room(lived).await.is_ok());

    let empty = room_of(&*backend, 50, &[]).await;
    backend.close().await;
    let backend = store.open_with(&limits).await;
    backend.expired(Instant::now()).await.unwrap();
    assert!(backend.room(empty).await.is_ok());
    advance(ms(limits.arrival_ms)).await;
    backend.expired(Instant::now()).await.unwrap();
    refused!(backend.room(empty).await, NotFound);
}

pub(crate) async fn a_room_that_ended_leaves_nothing(store: &Store) {
    let limits = Limits { events: 3, ..Limits::default() };
    let backend = store.open_with(&limits).await;
    let code = room_of(&*backend, 50, &[1, 2]).await;
    let said = message(1, "remember me");
    for draft in [said.clone(), message(1, "b"), message(1, "c"), left(1, LeaveReason::Choice)] {
        stored(backend.append(code, draft).await);
    }
    let mut heard = backend.subscribe(code).await.unwrap();
    backend.hold(lease(code, 2, 7), ms(1_000)).await.unwrap();
    let last = left(2, LeaveReason::Choice);
    let end = stored(backend.append(code, last.clone()).await);

    assert_eq!(next(&mut heard).await, end);
    assert_eq!(heard.deliveries.recv().await, Some(Delivery::Ended));
    assert_eq!(heard.deliveries.recv().await, None);
    refused!(backend.room(code).await, NotFound);
    refused!(backend.read(code, From::Latest, 10).await, NotFound);
    refused!(backend.subscribe(code).await, NotFound);
    refused!(backend.append(code, last).await, NotFound);
    refused!(backend.hold(lease(code, 2, 7), ms(1_000)).await, NotFound);
    backend.release(lease(code, 2, 7)).await.unwrap();
    advance(ms(10 * limits.grace_ms)).await;
    assert_eq!(backend.expired(Instant::now()).await.unwrap(), []);

    // The next room of this code has none of it: no ids, no names, no retention mark, no seats.
    backend.create_room(NewRoom { code, epoch: Epoch(fresh()), capacity: 2 }).await.unwrap();
    let mut by_another = joined(3);
    by_another.by = member(1);
    stored(backend.append(code, by_another).await);
    let page = backend.read(code, From::Latest, 10).await.unwrap();
    assert_eq!(page.names, [(member(3), name(3))].into());
    assert!(!page.truncated);
    let mut same_id = message(3, "another");
    same_id.id = said.id;
    stored(backend.append(code, same_id).await);
    assert_eq!(heard.deliveries.recv().await, None);
}

pub(crate) async fn after_close_every_verb_fails(store: &Store) {
    let backend = store.open().await;
    let room = room_of(&*backend, 50, &[1]).await;
    let mut heard = backend.subscribe(room).await.unwrap();
    backend.close().await;
    refused!(backend.create_room(NewRoom { code: code(), epoch: Epoch(1), capacity: 2 }).await, Unavailable);
    refused!(backend.room(room).await, Unavailable);
    refused!(backend.append(room, message(1, "late")).await, Unavailable);
    refused!(backend.read(room, From::Latest, 10).await, Unavailable);
    refused!(backend.subscribe(room).await, Unavailable);
    refused!(backend.hold(lease(room, 1, 7), ms(1)).await, Unavailable);
    refused!(backend.release(lease(room, 1, 7)).await, Unavailable);
    refused!(backend.expired(Instant::now()).await, Unavailable);
    refused!(backend.keys().await, Unavailable);
    assert_eq!(heard.deliveries.recv().await, None, "a closed store is not an ended room");
    backend.close().await;
}

pub(crate) async fn nothing_hangs_on_close(store: &Store) {
    let backend = store.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let code = room_of(&*backend, 50, &[1]).await;
    let mut appends = JoinSet::new();
    for n in 0..3_000 {
        let appender = Arc::clone(&backend);
        appends.spawn(async move {
            let draft = message(1, &format!("{n}"));
            let id = draft.id;
            (id, appender.append(code, draft).await)
        });
        if n == 1_500 {
            tokio::task::yield_now().await;
            backend.close().await;
        }
    }
    let mut stored = Vec::new();
    for (id, result) in appends.join_all().await {
        match result {
            Ok(_) => stored.push(id),
            Err(BackendError::Unavailable(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let backend = store.open_with(&Limits { events: 10_000, ..Limits::default() }).await;
    let log = latest(&*backend, code).await;
    assert!(stored.iter().all(|id| log.iter().any(|event| event.id == *id)));
}

pub(crate) async fn keys_are_drawn_once(store: &Store) {
    let backend = store.open().await;
    let keys = backend.keys().await.unwrap();
    assert_ne!(keys.signing, [0; 64]);
    assert_ne!(keys.member, [0; 32]);
    backend.close().await;
    assert_eq!(store.open().await.keys().await.unwrap(), keys);
    assert_ne!(Store::sqlite().open().await.keys().await.unwrap(), keys);
}
