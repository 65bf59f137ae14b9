//! Keys of rooms: they die with their rooms, and rooms with their keys.

use std::time::Duration;

use async_nats::jetstream;
use protocol::{LeaveReason, Limits, RoomId};
use store::laws::support::{joined, latest, left, message, ms, new_room, room_of, stored};
use store::seal::{Keyring, Random, Secret};
use store::{Delivery, StoreError, refused};
use testkit::cluster::Cluster;
use testkit::nats::{Server, address, room_messages, store_url};
use tokio::time::{Instant, sleep, timeout};

use crate::{open, open_with, renew_code};

/// Longer than the interval between two checks of the stream, and a reconnect.
const SOON: Duration = Duration::from_secs(15);
/// Grace of a room that cannot be read.
const GRACE: u64 = 60_000;

async fn secrets_of(url: &str) -> Vec<String> {
    let messages = room_messages(url).await.into_iter().map(|(subject, _)| subject);
    messages.filter(|subject| subject.contains(".secret.")).collect()
}

async fn wait_until_secrets_are(url: &str, count: usize) {
    let waited = timeout(SOON, async {
        while secrets_of(url).await.len() != count {
            sleep(Duration::from_millis(100)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("there are not {count} secrets"));
}

fn url_of(server: &Server) -> String {
    format!("nats://{}/flasky", server.address())
}

#[tokio::test]
async fn keys_are_stored_again_when_their_stream_is_lost_while_a_node_lives() {
    let mut server = Server::start();
    let url = url_of(&server);
    let [here, there] = [open(&url).await, open(&url).await];
    let id = room_of(&*here, 50, &[1]).await;
    stored(there.append(id, joined(2)).await);
    let code = here.room(id).await.unwrap().settings.code;
    for lost in ["the server restarts", "the stream is deleted", "the stream is emptied", "the stream is another one"] {
        if lost == "the server restarts" {
            server.kill();
            server.start_again();
        }
        let jetstream = jetstream::new(async_nats::connect(server.address()).await.unwrap());
        match lost {
            "the server restarts" => {}
            "the stream is emptied" => {
                jetstream.get_stream("flasky_secrets").await.unwrap().purge().await.unwrap();
            }
            _ => drop(jetstream.delete_stream("flasky_secrets").await.unwrap()),
        }
        if lost == "the stream is another one" {
            // An operator changed it, or made it. What matters is that it takes these subjects.
            let subjects = ["flasky.secret.*", "flasky.codes.*"].map(str::to_owned).to_vec();
            let config = jetstream::stream::Config {
                name: "flasky_secrets".to_owned(),
                description: Some("an operator was here".to_owned()),
                storage: jetstream::stream::StorageType::Memory,
                allow_message_ttl: true,
                max_messages_per_subject: 1,
                allow_direct: true,
                subjects,
                ..Default::default()
            };
            drop(jetstream.create_stream(config).await);
        }
        // A node that starts meanwhile waits for them.
        let third = open(&url).await;
        assert_eq!(third.find(code).await.unwrap().members.len(), 2, "{lost}");
        assert_eq!(latest(&*third, id).await.len(), 2, "{lost}");
        wait_until_secrets_are(&url, 1).await;
    }
    for n in [1, 2] {
        stored(there.append(id, left(n, LeaveReason::Choice)).await);
    }
    refused!(here.room(id).await, NotFound);
    assert_eq!(secrets_of(&url).await, [""; 0]);
}

/// The node that stores them again may not have heard of a room that another one has just created.
#[tokio::test]
async fn keys_are_added_by_each_node_while_another_one_stores_its_own_again() {
    let server = Server::start();
    let url = url_of(&server);
    let store = open(&url).await;
    room_of(&*store, 50, &[1]).await;
    let jetstream = jetstream::new(async_nats::connect(server.address()).await.unwrap());
    let stream = jetstream.get_stream("flasky_secrets").await.unwrap();
    let codes = stream.get_last_raw_message_by_subject("flasky.codes.secret").await.unwrap().payload;
    stream.purge().await.unwrap();
    let sent = jetstream.publish("flasky.codes.secret", codes).await.unwrap();
    let marked = jetstream.publish("flasky.codes.restoring", "".into()).await.unwrap();
    drop((sent.await.unwrap(), marked.await.unwrap()));
    wait_until_secrets_are(&url, 1).await;
}

/// All servers and all nodes were restarted: nobody has the keys any more.
#[tokio::test]
async fn rooms_whose_keys_nobody_has_end_after_a_grace() {
    let mut server = Server::start();
    let url = url_of(&server);
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    renew_code(&*store, id).await;
    let code = store.room(id).await.unwrap().settings.code;
    store.close().await;
    server.kill();
    server.start_again();
    let store = open(&url).await;
    let begun = Instant::now();
    refused!(store.resolve(code).await, NotFound);
    for after in [0, GRACE - 1] {
        store.expire(begun + ms(after)).await.unwrap();
        refused!(store.room(id).await, Unavailable);
        refused!(store.append(id, message(1, "?")).await, Unavailable);
    }
    store.expire(begun + ms(GRACE)).await.unwrap();
    refused!(store.room(id).await, NotFound);
    assert_eq!(room_messages(&url).await, []);
    room_of(&*store, 50, &[1]).await;
}

/// A room whose key comes back goes on, also after its grace as long as a node is storing keys again.
#[tokio::test]
async fn room_whose_key_is_stored_late_goes_on() {
    let url = store_url();
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    let (subject, secret) = room_messages(&url).await.into_iter().find(|(one, _)| one.contains(".secret.")).unwrap();
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    let stream = format!("{}_secrets", url.rsplit_once('/').unwrap().1);
    let stream = jetstream.get_stream(stream).await.unwrap();
    // It would store the key again.
    store.close().await;
    stream.purge().filter(&subject).await.unwrap();
    let other = open(&url).await;
    let begun = Instant::now();
    other.expire(begun).await.unwrap();
    refused!(other.room(id).await, Unavailable);
    let name = url.rsplit_once('/').unwrap().1;
    jetstream.publish(format!("{name}.codes.restoring"), "".into()).await.unwrap().await.unwrap();
    other.expire(begun + ms(2 * GRACE)).await.unwrap();
    refused!(other.room(id).await, Unavailable);
    jetstream.publish(subject, secret.into()).await.unwrap().await.unwrap();
    let (readable, grace) = (begun + ms(3 * GRACE), ms(Limits::default().grace_ms));
    assert_eq!(other.expire(readable).await.unwrap(), []);
    assert_eq!(latest(&*other, id).await.len(), 1);
    // Its members have the time that they have after a start.
    assert_eq!(other.expire(readable + grace - ms(1)).await.unwrap(), []);
    assert_eq!(other.expire(readable + grace).await.unwrap().len(), 1);
}

#[tokio::test]
async fn room_with_a_damaged_roster_ends_after_a_grace_and_others_go_on() {
    let url = store_url();
    let store = open(&url).await;
    let [damaged, other] = [room_of(&*store, 50, &[1]).await, room_of(&*store, 50, &[1]).await];
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    let subjects = room_messages(&url).await.into_iter().map(|(subject, _)| subject);
    let end = format!("{}.roster", damaged.0.simple());
    let roster = subjects.into_iter().find(|subject| subject.ends_with(&end)).unwrap();
    jetstream.publish(roster, "nonsense".into()).await.unwrap().await.unwrap();
    let node = open(&url).await;
    let begun = Instant::now();
    for after in [0, GRACE - 1] {
        node.expire(begun + ms(after)).await.unwrap();
        refused!(node.room(damaged).await, Corrupt);
    }
    node.expire(begun + ms(GRACE)).await.unwrap();
    for node in [&store, &node] {
        refused!(node.room(damaged).await, NotFound);
        assert_eq!(latest(&**node, other).await.len(), 1);
    }
    assert_eq!(secrets_of(&url).await.len(), 1);
}

/// It was encrypted by a node, so it is not damaged.
#[tokio::test]
async fn room_with_a_roster_that_is_not_understood_stays() {
    let url = store_url();
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    let messages = room_messages(&url).await;
    let end = |end: &str| messages.iter().find(|(subject, _)| subject.ends_with(end)).unwrap().clone();
    let (roster, _) = end(".roster");
    let (_, secret) = end(&format!(".secret.{}", id.0.simple()));
    let key = Keyring::new(&Secret::from_bytes(secret[..].try_into().unwrap()));
    let place = [&[0], &id.0.as_bytes()[..], &[0; 16]].concat();
    let sealed = key.seal(&mut Random::new().unwrap(), &place, |bytes| bytes.extend_from_slice(b"{}")).unwrap();
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    jetstream.publish(roster, sealed.into()).await.unwrap().await.unwrap();
    let node = open(&url).await;
    let begun = Instant::now();
    for after in [0, 2 * GRACE, 4 * GRACE] {
        node.expire(begun + ms(after)).await.unwrap();
        refused!(node.room(id).await, Corrupt);
    }
    assert_eq!(secrets_of(&url).await.len(), 1);
}

/// The node that ended a room died before it deleted the key, and another one while it created a room.
#[tokio::test]
async fn keys_that_a_dead_node_left_are_deleted_after_a_start() {
    let url = store_url();
    let store = open(&url).await;
    let [ended, lives] = [room_of(&*store, 50, &[1]).await, room_of(&*store, 50, &[1]).await];
    store.close().await;
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    let subjects: Vec<_> = room_messages(&url).await.into_iter().map(|(subject, _)| subject).collect();
    for end in ["roster", "head"] {
        let end = format!("{}.{end}", ended.0.simple());
        let subject = subjects.iter().find(|subject| subject.ends_with(&end)).unwrap().clone();
        jetstream.publish(subject, "".into()).await.unwrap().await.unwrap();
    }
    let name = url.rsplit_once('/').unwrap().1;
    let created = format!("{name}.secret.{}", RoomId(uuid::Uuid::from_u128(7)).0.simple());
    jetstream.publish(created, vec![7; 32].into()).await.unwrap().await.unwrap();
    assert_eq!(secrets_of(&url).await.len(), 3);

    let store = open(&url).await;
    wait_until_secrets_are(&url, 2).await;
    // The room might be just being created.
    sleep(Duration::from_secs(5)).await;
    assert_eq!(secrets_of(&url).await.len(), 2);
    wait_until_secrets_are(&url, 1).await;
    assert_eq!(latest(&*store, lives).await.len(), 1);
    refused!(store.room(ended).await, NotFound);
}

/// The nodes may end a room, but may not delete its key: until another node has deleted it, nobody is told.
#[tokio::test]
async fn nobody_hears_of_an_end_while_the_key_is_stored() {
    let users = r#"{ user: all, password: x }, { user: less, password: x, permissions: { publish: { allow: ">", deny: "$JS.API.STREAM.MSG.DELETE.*" } } }"#;
    let server = Server::start_with(format!("authorization {{ users: [{users}] }}\nno_auth_user: all\n"));
    let (less, all) = (format!("nats://less:x@{}/flasky", server.address()), url_of(&server));
    let limits = Limits { arrival_ms: 1, ..Limits::default() };
    let [here, there] = [open(&less).await, open_with(&less, &limits).await.unwrap()];
    let [id, other] = [room_of(&*here, 50, &[1]).await, room_of(&*here, 50, &[1]).await];
    let code = here.room(id).await.unwrap().settings.code;
    let mut heard = [here.subscribe(id).await.unwrap(), there.subscribe(id).await.unwrap()];
    let end = left(1, LeaveReason::Choice);
    let ended = here.append(id, end.clone()).await;
    assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{ended:?}");
    for node in [&here, &there] {
        let (room, code, again, ready, heard) = tokio::join!(
            node.room(id),
            node.resolve(code),
            node.append(id, end.clone()),
            node.check_ready(),
            node.subscribe(id)
        );
        for answer in [room.map(drop), code.map(drop), again.map(drop), ready, heard.map(drop)] {
            refused!(answer, Unavailable);
        }
    }
    for heard in &mut heard {
        while let Ok(delivery) = heard.deliveries.try_recv() {
            assert!(!matches!(delivery, Delivery::Event(_) | Delivery::Ended), "{delivery:?}");
        }
    }
    assert_eq!(secrets_of(&all).await.len(), 2);
    // It does not show that leases could not be renewed, so nobody gets a new grace period.
    let seats = here.expire(Instant::now() + ms(3 * limits.grace_ms)).await.unwrap();
    assert_eq!(seats.into_iter().map(|seat| seat.room).collect::<Vec<_>>(), [other]);

    let whole = open(&all).await;
    wait_until_secrets_are(&all, 1).await;
    for node in [&here, &there, &whole] {
        refused!(node.room(id).await, NotFound);
        refused!(node.resolve(code).await, NotFound);
        node.check_ready().await.unwrap();
    }
    for heard in &mut heard {
        let mut last = None;
        while let Some(delivery) = timeout(SOON, heard.deliveries.recv()).await.expect("it waits for ever") {
            last = Some(delivery);
        }
        assert!(matches!(last, None | Some(Delivery::Ended)), "{last:?}");
    }
    whole.create_room(new_room(code, 2)).await.unwrap();
}

/// The secrets were lost and made anew before this node could store them again.
#[tokio::test]
async fn node_with_other_keys_than_the_stored_ones_ends() {
    let url = store_url();
    let store = open(&url).await;
    let jetstream = jetstream::new(async_nats::connect(address()).await.unwrap());
    let subject = format!("{}.codes.secret", url.rsplit_once('/').unwrap().1);
    jetstream.publish(subject, vec![7; 32].into()).await.unwrap().await.unwrap();
    let error = timeout(SOON, store.wait_until_lost()).await.expect("it was not noticed");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

/// A create under a code in use leaves no key.
#[tokio::test]
async fn refused_room_leaves_no_key() {
    let url = store_url();
    let store = open(&url).await;
    let room = new_room(store::laws::support::code(), 2);
    store.create_room(room.clone()).await.unwrap();
    refused!(store.create_room(room).await, CodeTaken);
    assert_eq!(secrets_of(&url).await.len(), 1);
}

/// Two of three servers lose what they have in memory, and then all three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_outlive_the_memory_of_all_servers_while_a_node_lives() {
    let mut cluster = Cluster::start().await;
    let url = format!("{}/flasky", cluster.url());
    let store = open(&url).await;
    let id = room_of(&*store, 50, &[1]).await;
    for lost in [2, 3] {
        cluster.servers.iter_mut().take(lost).for_each(Server::kill);
        cluster.servers.iter_mut().take(lost).for_each(Server::start_again);
        cluster.heal(&["0", "1", "2", "3", "leases", "secrets"].map(|stream| format!("flasky_{stream}"))).await;
        let other = open(&url).await;
        assert_eq!(latest(&*other, id).await.len(), 1, "after the loss of {lost}");
        wait_until_secrets_are(&format!("nats://{}/flasky", cluster.servers[0].address()), 1).await;
    }
    stored(store.append(id, left(1, LeaveReason::Choice)).await);
    assert_eq!(secrets_of(&format!("nats://{}/flasky", cluster.servers[0].address())).await, [""; 0]);
}
