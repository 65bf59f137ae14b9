//! Laws of names, hues, and hosts.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::{EventKind, LeaveReason, RoomChange, RoomName, ShownName};
use tokio::task::JoinSet;

use super::Fixture;
use super::support::{
    code, id as event_id, joined, joined_as, latest, left, member, message, new_room, next, renamed, room_named,
    room_of, stored, take, unnumbered,
};
use crate::{Appended, NewEvent, NewRoom, ReadFrom, Store, StoreError, refused};

/// Shown names of a room's members, as its roster and as its log have them.
async fn shown(store: &dyn Store, room: protocol::RoomId) -> Vec<(String, u8)> {
    let (room, page) = store.snapshot(room, ReadFrom::Latest, 1_000).await.unwrap();
    let text = |name: &ShownName| (name.text().into_owned(), name.hue);
    for seated in &room.members {
        let told = page.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Joined { member, name } | EventKind::Renamed { member, name, .. }
                if *member == seated.member =>
            {
                Some(name)
            }
            _ => None,
        });
        assert_eq!(told, Some(&seated.name), "the log tells another name than the roster");
        assert_eq!(page.names.get(&seated.member), Some(&seated.name));
    }
    room.members.iter().map(|seated| text(&seated.name)).collect()
}

pub async fn law_14_concurrent_joins_under_one_name_get_different_numbers_and_hues(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[]).await;
    let mut joins = JoinSet::new();
    for n in 1..=14 {
        let store = Arc::clone(&store);
        joins.spawn(async move { stored(store.append(id, joined_as(n, "Ana")).await) });
    }
    joins.join_all().await;
    let shown = shown(&*store, id).await;
    let names: BTreeSet<_> = shown.iter().map(|(name, _)| name.clone()).collect();
    let expected = (1..=14).map(|n| if n == 1 { "Ana".to_owned() } else { format!("Ana {n}") });
    assert_eq!(names, expected.collect());
    assert_eq!(
        shown.iter().map(|(_, hue)| hue).collect::<Vec<_>>()[..12],
        (0..12).collect::<Vec<u8>>().iter().collect::<Vec<_>>()
    );
    assert_eq!((shown[12].1, shown[13].1), (0, 1), "all are taken: the least used");
}

pub async fn law_14_shown_name_is_unlike_all_others_after_joins_and_renames(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[]).await;
    for (n, name) in [(1, "Ana"), (2, "Ana 2"), (3, "Ana"), (4, "Bo")] {
        stored(store.append(id, joined_as(n, name)).await);
    }
    let names = async || shown(&*store, id).await.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names().await, ["Ana", "Ana 2", "Ana 3", "Bo"]);
    // A key in common is enough: this one looks like two others at once.
    let mut alike = joined_as(5, "Anna");
    alike.keys.0 = vec!["Anna".to_owned(), "Bo".to_owned()];
    stored(store.append(id, alike).await);
    assert_eq!(names().await[4], "Anna 2");

    let event = stored(store.append(id, renamed(4, "Ana")).await);
    let numbered = |name: &str, number, hue| ShownName { number, hue, ..unnumbered(name) };
    let kind = EventKind::Renamed { member: member(4), name: numbered("Ana", 4, 3), was: numbered("Bo", 1, 3) };
    assert_eq!((event.by, event.kind), (member(4), kind));
    // The own name is not in the way, and a number that is free again is given again.
    stored(store.append(id, left(3, LeaveReason::Choice)).await);
    stored(store.append(id, renamed(4, "Ana")).await);
    assert_eq!(names().await, ["Ana", "Ana 2", "Ana 3", "Anna 2"]);
    stored(store.append(id, joined_as(6, "Bo")).await);
    assert_eq!(shown(&*store, id).await[4], ("Bo".to_owned(), 2), "the freed hue, and the freed name");

    refused!(store.append(id, renamed(3, "Ana")).await, Conflict);
    let of_another = NewEvent { by: member(1), ..renamed(4, "Cy") };
    refused!(store.append(id, of_another).await, Conflict);

    store.close().await;
    let store = fixture.open().await;
    stored(store.append(id, joined_as(7, "Ana")).await);
    assert_eq!(shown(&*store, id).await.last().unwrap().0, "Ana 4");
    // A name is remembered as long as the log mentions it.
    stored(store.append(id, left(7, LeaveReason::Choice)).await);
    let page = store.read(id, ReadFrom::Latest, 100).await.unwrap();
    assert_eq!(page.names[&member(7)].text(), "Ana 4");
}

pub async fn law_15_host_names_the_room_and_nobody_else_does(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let room = NewRoom { name: "Book club".parse().unwrap(), ..new_room(code(), 50) };
    let id = store.create_room(room).await.unwrap();
    assert_eq!(store.room(id).await.unwrap().settings.host, None);
    for n in [1, 2] {
        stored(store.append(id, joined(n)).await);
    }
    let state = async |store: &dyn Store| {
        let room = store.room(id).await.unwrap();
        (room.settings.name.to_string(), room.settings.host)
    };
    assert_eq!(state(&*store).await, ("Book club".to_owned(), Some(member(1))));
    refused!(store.append(id, room_named(2, "Mine")).await, NotHost);
    refused!(store.append(id, room_named(3, "Mine")).await, Conflict);
    let draft = room_named(1, "Chess");
    let event = stored(store.append(id, draft.clone()).await);
    assert_eq!(event.kind, EventKind::Settings("Chess".parse::<RoomName>().unwrap().into()));
    assert_eq!(store.append(id, draft).await.unwrap(), Appended::Duplicate(event));
    store.close().await;
    let store = fixture.open().await;
    assert_eq!(state(&*store).await, ("Chess".to_owned(), Some(member(1))));
    stored(store.append(id, room_named(1, "")).await);
    let unchanged = NewEvent { id: event_id(), kind: EventKind::Settings(RoomChange::default()), ..room_named(1, "") };
    stored(store.append(id, unchanged).await);
    assert_eq!(store.room(id).await.unwrap().settings.name, RoomName::default());
    let host = NewEvent { kind: EventKind::Host { member: member(2) }, ..message(2, "?") };
    refused!(store.append(id, host).await, NotHost);
}

pub async fn law_15_longest_present_member_becomes_the_host_with_the_hosts_left(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1, 2, 3]).await;
    // Member 2 comes back, and has not been there as long as member 3 then.
    stored(store.append(id, left(2, LeaveReason::Choice)).await);
    stored(store.append(id, joined(2)).await);
    assert_eq!(store.room(id).await.unwrap().settings.host, Some(member(1)), "only the host hands over");
    let mut heard = store.subscribe(id).await.unwrap();
    let draft = left(1, LeaveReason::Choice);
    let event = stored(store.append(id, draft.clone()).await);
    let heard = take(&mut heard, 2).await;
    assert_eq!(heard[0], event);
    assert_eq!(
        (heard[1].prev, heard[1].by, &heard[1].kind),
        (event.seq, member(3), &EventKind::Host { member: member(3) },)
    );
    let room = store.room(id).await.unwrap();
    assert_eq!((room.settings.host, room.position.seq), (Some(member(3)), heard[1].seq));
    assert_eq!(latest(&*store, id).await.last(), Some(&heard[1]));
    assert_eq!(store.append(id, draft).await.unwrap(), Appended::Duplicate(event), "once only");
    assert_eq!(store.room(id).await.unwrap().position.seq, heard[1].seq);

    let mut heard = store.subscribe(id).await.unwrap();
    stored(store.append(id, joined(1)).await);
    stored(store.append(id, left(3, LeaveReason::Choice)).await);
    assert_eq!(next(&mut heard).await.by, member(1));
    assert_eq!(store.room(id).await.unwrap().settings.host, Some(member(2)), "who comes back is a new member");
    match store.append(id, room_named(1, "Mine")).await {
        Err(StoreError::NotHost) => {}
        other => panic!("{other:?}"),
    }
}
