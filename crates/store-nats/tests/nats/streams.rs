//! The streams as an operator with direct access sees them: content, changed settings, damaged records.

use std::collections::HashMap;

use async_nats::jetstream;
use protocol::{LeaveReason, Limits};
use store::laws::support::{
    deleted, edited, ended, joined, lease, left, member, message, ms, new_room, room_of, stored,
};
use store::seal::{Keyring, Secret};
use store::{StoreError, known_ids, refused};
use tokio::time::{Instant, sleep, timeout};

use testkit::nats::{Server, address, room_messages, store_url};

use crate::{open, open_with, renew_code};

#[tokio::test]
async fn old_text_is_in_no_stream() {
    let url = store_url();
    let store = open_with(&url, &Limits { timeline: 2_000, ..Limits::default() }).await.unwrap();
    let id = room_of(&*store, 50, &[1]).await;
    let (changed, gone, trimmed) = (message(1, "first words"), message(1, "second words"), message(1, "third words"));
    for draft in [&changed, &gone, &trimmed] {
        stored(store.append(id, draft.clone()).await);
    }
    stored(store.append(id, edited(1, changed.id, "better words")).await);
    stored(store.append(id, edited(1, changed.id, "best words")).await);
    stored(store.append(id, deleted(1, gone.id)).await);
    let says = async |words: &str| readable_events(&url).await.iter().any(|said| said.contains(words));
    assert!(says("third words").await && says("best words").await);
    for words in ["first words", "second words", "better words"] {
        assert!(!says(words).await, "{words:?} can still be read");
    }
    // An event that the byte limit trims leaves its slot before the slot is used again.
    for _ in 0..4 {
        stored(store.append(id, message(1, &"x".repeat(800))).await);
    }
    assert!(!says("third words").await && !says("best words").await);
}

/// Contents of all events, decrypted with the secrets that are stored.
async fn readable_events(url: &str) -> Vec<String> {
    let messages = room_messages(url).await;
    let id_in = |subject: &str| subject.split('.').nth(2).unwrap().to_owned();
    let secrets = messages.iter().filter(|(subject, _)| subject.contains(".secret."));
    let keys: HashMap<_, _> = secrets
        .map(|(subject, secret)| (id_in(subject), Keyring::new(&Secret::from_bytes(secret[..].try_into().unwrap()))))
        .collect();
    let events = messages.iter().filter(|(subject, sealed)| subject.contains(".event.") && !sealed.is_empty());
    let read = |(subject, sealed): &(String, Vec<u8>)| {
        let (id, slot) = (id_in(subject), subject.rsplit('.').next()?.parse::<u128>().ok()?);
        let room = uuid::Uuid::parse_str(&id).unwrap();
        let place = [&[1], &room.as_bytes()[..], &slot.to_be_bytes()].concat();
        Some(String::from_utf8(keys[&id].open(&place, sealed).unwrap()).unwrap())
    };
    events.filter_map(read).collect()
}

#[tokio::test]
async fn ended_room_is_in_no_stream() {
    let url = store_url();
    let store = open_with(&url, &Limits { events: 4, ..Limits::default() }).await.unwrap();
    let id = room_of(&*store, 50, &[1, 2]).await;
    for n in 0..10 {
        stored(store.append(id, message(1, &format!("{n}"))).await);
    }
    store.acquire_lease(lease(id, 1, 7), ms(60_000)).await.unwrap();
    store.acquire_lease(lease(id, 2, 8), ms(60_000)).await.unwrap();
    store.expire(Instant::now()).await.unwrap();
    let before = room_messages(&url).await;
    assert!(before.iter().any(|(subject, _)| subject.contains(".lease.")), "{before:?}");
    assert_eq!(before.iter().filter(|(subject, _)| subject.contains(".event.")).count(), 4, "slots are not used again");
    for n in [1, 2] {
        stored(store.append(id, left(n, LeaveReason::Choice)).await);
    }
    // The room's task answers this once it has purged the room.
    refused!(store.append(id, message(1, "too late")).await, NotFound);
    let after = room_messages(&url).await;
    assert!(after.is_empty(), "{after:?}");
}

/// A purge that fails does not show that leases cannot be renewed, so it gives nobody a new grace period.
#[tokio::test]
async fn failed_purge_keeps_no_seat() {
    let url = store_url();
    let store = open(&url).await;
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    for shard in 0..4 {
        let stream = format!("{}_{shard}", url.rsplit_once('/').unwrap().1);
        let mut config = jetstream.get_stream(stream).await.unwrap().cached_info().config.clone();
        config.deny_purge = true;
        jetstream.update_stream(&config).await.unwrap();
    }
    let room = room_of(&*store, 50, &[1]).await;
    let ended = room_of(&*store, 50, &[1]).await;
    stored(store.append(ended, left(1, LeaveReason::Choice)).await);
    // The room's task answers this only after it has tried to purge.
    refused!(store.append(ended, message(1, "too late")).await, NotFound);
    let later = Instant::now() + ms(3 * Limits::default().arrival_ms.max(Limits::default().grace_ms));
    let seats = store.expire(later).await.unwrap();
    assert_eq!(seats.into_iter().map(|seat| seat.room).collect::<Vec<_>>(), [room]);
}

#[tokio::test]
async fn ids_and_names_of_a_room_are_bounded_in_the_streams() {
    let limits = Limits { events: 3, ..Limits::default() };
    let url = store_url();
    let store = open_with(&url, &limits).await.unwrap();
    let id = room_of(&*store, 50, &[1]).await;
    for n in 2..500 {
        stored(store.append(id, joined(n)).await);
        stored(store.append(id, left(n, LeaveReason::Choice)).await);
    }
    // The room's task answers this once it has removed what is not needed.
    refused!(store.append(id, message(2, "not inside")).await, Conflict);
    let all = room_messages(&url).await;
    let count = |kind: &str| all.iter().filter(|(subject, _)| subject.contains(kind)).count() as u64;
    let (ids, known) = (count(".id."), known_ids(&limits));
    assert!((known..=2 * known).contains(&ids), "{ids} ids");
    assert_eq!(count(".name."), 2, "two who left and whom the newest three events mention");
}

/// Settings of a stream that an operator may change are kept. Settings that the store relies on are checked.
#[tokio::test]
async fn stream_changed_by_an_operator_is_used_if_suitable() {
    let url = store_url();
    drop(open(&url).await);
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    let name = format!("{}_2", url.rsplit_once('/').unwrap().1);
    let mut config = jetstream.get_stream(&name).await.unwrap().cached_info().config.clone();
    config.description = Some("an operator was here".to_owned());
    config.max_bytes = 1 << 30;
    jetstream.update_stream(&config).await.unwrap();
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    stored(store.append(id, message(1, "as before")).await);
    config.allow_direct = false;
    jetstream.update_stream(&config).await.unwrap();
    let refused = open_with(&url, &Limits::default()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn store_of_another_format_is_refused() {
    let url = store_url();
    drop(open(&url).await);
    let client = async_nats::connect(address()).await.unwrap();
    let subject = format!("{}.0.format", url.rsplit_once('/').unwrap().1);
    jetstream::new(client).publish(subject, "1".into()).await.unwrap().await.unwrap();
    let refused = open_with(&url, &Limits::default()).await;
    let Err(StoreError::Corrupt(error)) = refused else { panic!("opened") };
    assert!(error.to_string().contains("format 1, known is 5"), "{error}");
}

/// An unreadable roster and an unreadable lease: after a start, the other rooms are there and are swept.
#[tokio::test]
async fn damaged_record_affects_only_its_own_room() {
    let url = store_url();
    let store = open(&url).await;
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(room_of(&*store, 50, &[1]).await);
    }
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    let name = url.rsplit_once('/').unwrap().1;
    let of = |id: protocol::RoomId, end: &str| format!(".{}{end}", id.0.simple());
    let subjects = room_messages(&url).await;
    let roster = subjects.iter().find(|(subject, _)| subject.ends_with(&of(ids[0], ".roster"))).unwrap().0.clone();
    let held = format!("{name}.lease.{}.{}.{}", ids[1].0.simple(), member(1).0.simple(), "7".repeat(32));
    for subject in [roster, held] {
        jetstream.publish(subject, "nonsense".into()).await.unwrap().await.unwrap();
    }

    let other = open(&url).await;
    let later = Instant::now() + ms(3 * Limits::default().arrival_ms.max(Limits::default().grace_ms));
    for node in [&store, &other] {
        let seats = node.expire(later).await.unwrap();
        let found: std::collections::HashSet<_> = seats.into_iter().map(|seat| seat.room).collect();
        assert_eq!(found, ids[2..].iter().copied().collect(), "of {} rooms", ids.len());
    }
    refused!(other.room(ids[0]).await, Corrupt);
    stored(other.append(ids[2], message(1, "as before")).await);
}

#[tokio::test]
async fn code_that_the_room_drops_leaves_no_message() {
    let url = store_url();
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    for _ in 0..10 {
        renew_code(&*store, id).await;
    }
    let purged = async {
        while room_messages(&url).await.iter().filter(|(subject, _)| subject.contains(".code.")).count() != 9 {
            sleep(ms(50)).await;
        }
    };
    assert!(timeout(ms(10_000), purged).await.is_ok(), "there are not nine codes");
}

/// The node that ends the room may not purge it, as if it died in between.
#[tokio::test]
async fn codes_of_an_ended_room_are_free_before_they_are_purged() {
    let users = r#"{ user: all, password: x }, { user: less, password: x, permissions: { publish: { allow: ">", deny: "$JS.API.STREAM.PURGE.*" } } }"#;
    let server = Server::start_with(format!("authorization {{ users: [{users}] }}\nno_auth_user: all\n"));
    let (less, all) =
        (format!("nats://less:x@{}/flasky", server.address()), format!("nats://{}/flasky", server.address()));
    let store = open(&less).await;
    let id = room_of(&*store, 50, &[1]).await;
    for _ in 0..2 {
        renew_code(&*store, id).await;
    }
    let codes: Vec<_> = store.room(id).await.unwrap().settings.codes().collect();
    stored(store.append(id, ended(1)).await);
    for code in &codes {
        refused!(store.resolve(*code).await, NotFound);
    }
    let again = store.create_room(new_room(codes[1], 2)).await.unwrap();
    let node = open(&all).await;
    let begun = Instant::now();
    node.expire(begun).await.unwrap();
    node.expire(begun + ms(11_000)).await.unwrap();
    let after = room_messages(&all).await;
    assert!(after.iter().all(|(subject, _)| !subject.contains(&id.0.simple().to_string())), "{after:?}");
    assert_eq!(after.iter().filter(|(subject, _)| subject.contains(".code.")).count(), 1);
    assert_eq!(node.resolve(codes[1]).await.unwrap(), again);
}

/// The process that ended the room died before it purged the room's messages.
#[tokio::test]
async fn room_left_behind_by_a_dead_node_is_purged() {
    let url = store_url();
    let (name, mut rooms) = (url.rsplit_once('/').unwrap().1, Vec::new());
    let store = open(&url).await;
    for _ in 0..2 {
        let id = room_of(&*store, 50, &[1]).await;
        stored(store.append(id, message(1, "left behind")).await);
        renew_code(&*store, id).await;
        rooms.push(store.room(id).await.unwrap());
    }
    let messages = room_messages(&url).await;
    let codes = messages.iter().filter(|(subject, _)| subject.contains(".code.")).count();
    store.close().await;
    // State left by the batch that ends a room: freed codes, end, and then roster and head, both empty.
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    for room in &rooms {
        let of = |end: &str| {
            let end = format!(".{}.{end}", room.id.0.simple());
            messages.iter().find(|(subject, _)| subject.ends_with(&end)).unwrap().0.clone()
        };
        let head = of("head");
        let shard = head.strip_prefix(&format!("{name}.")).unwrap().split('.').next().unwrap();
        let now = messages.iter().find(|(subject, _)| *subject == head).unwrap();
        let codes = serde_json::from_slice::<serde_json::Value>(&now.1).unwrap()["codes"].take();
        let end = serde_json::json!({ "codes": codes, "epoch": room.position.epoch, "seq": room.position.seq });
        let freed = serde_json::json!({ "room": room.id, "ended": true }).to_string();
        let codes: Vec<uuid::Uuid> = serde_json::from_value(codes).unwrap();
        let freed = codes.iter().map(|code| (format!("{name}.{shard}.code.{}", code.simple()), freed.clone()));
        for (subject, payload) in freed.chain([
            (head.replace(".head", ".event.end"), end.to_string()),
            (of("roster"), String::new()),
            (head.clone(), String::new()),
        ]) {
            jetstream.publish(subject, payload.into()).await.unwrap().await.unwrap();
        }
    }

    let store = open(&url).await;
    refused!(store.room(rooms[0].id).await, NotFound);
    for code in rooms[1].settings.codes() {
        refused!(store.resolve(code).await, NotFound);
    }
    // A former code is used again before its old room is purged…
    let used = rooms[0].settings.former_codes[0];
    let again = store.create_room(new_room(used, 2)).await.unwrap();
    stored(store.append(again, joined(2)).await);
    assert_eq!(store.read(again, store::ReadFrom::Latest, 10).await.unwrap().events.len(), 1);
    // …and the others are not.
    store.expire(Instant::now()).await.unwrap();
    store.expire(Instant::now() + ms(11_000)).await.unwrap();
    let after = room_messages(&url).await;
    for room in &rooms {
        let gone = room.id.0.simple().to_string();
        assert!(!after.iter().any(|(subject, _)| subject.contains(&gone)), "{gone} in {after:?}");
    }
    let left = after.iter().filter(|(subject, _)| subject.contains(".code.")).count();
    assert_eq!((codes, left), (4, 1), "of the codes, the one that was used again");
    assert!(store.find(used).await.unwrap().has(member(2)));
}
