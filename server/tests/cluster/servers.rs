//! Servers that lag, are paused or do not answer, and how nodes deal with them.

use std::time::Duration;

use protocol::Limits;
use server::stores;
use store::ReadFrom;
use store::laws::support::{edited, message, room_of, stored};
use testkit::cluster::Cluster;
use testkit::dice::Dice;
use testkit::http;
use testkit::ids::mint;
use testkit::nats;
use testkit::node::Program;
use testkit::raw_client::RawClient;

/// Replicas lag, but no reader may see it.
#[tokio::test]
async fn acknowledged_event_is_readable_through_every_server() {
    let cluster = Cluster::start().await;
    // The first node creates the streams. Each node knows one server only.
    let mut nodes = Vec::new();
    for server in &cluster.servers {
        nodes.push(stores::open(&format!("nats://{}", server.address()), &Limits::default()).await.unwrap());
    }
    let id = room_of(&*nodes[0], 50, &[1]).await;
    let mut said = Vec::new();
    for n in 0..150 {
        let writer = &nodes[n % 3];
        // Every third event edits the message before it.
        let draft = match said.last() {
            Some(target) if n % 3 == 2 => edited(1, *target, &format!("{n} changed")),
            _ => message(1, &format!("{n} first")),
        };
        let event = stored(writer.append(id, draft).await);
        for reader in &nodes {
            let page = reader.read(id, ReadFrom::Latest, 3).await.unwrap();
            assert_eq!(page.events.last(), Some(&event), "an acknowledged event is not read");
            let old = said.last().and_then(|id| page.events.iter().find(|one| one.id == *id));
            if n % 3 == 2 {
                assert!(format!("{old:?}").contains("edited: true"), "old text is read: {old:?}");
            }
        }
        said.push(event.id);
    }
}

/// One of three servers is paused: a read that it does not answer is sent to another one.
#[tokio::test]
async fn paused_server_does_not_block_reads() {
    let cluster = Cluster::start().await;
    let (id, code) = {
        let node = stores::open(&cluster.url(), &Limits::default()).await.unwrap();
        let id = room_of(&*node, 50, &[1]).await;
        (id, node.room(id).await.unwrap().settings.code)
    };
    // The node is connected to the leader of the room's stream only. The paused server is another one.
    let leader = cluster.leader(&cluster.stream_of(code).await).await;
    let url = format!("nats://{}", cluster.servers[leader].address());
    let node = stores::open(&url, &Limits::default()).await.unwrap();
    let said = stored(node.append(id, message(1, "hello")).await);
    let slow = (leader + 1) % 3;
    cluster.servers[slow].pause();
    for _ in 0..40 {
        let page = node.read(id, ReadFrom::Latest, 1).await.unwrap();
        assert_eq!(page.events, std::slice::from_ref(&said));
    }
    cluster.servers[slow].resume();
}

/// A session that waits for the store does not keep the program from ending.
#[tokio::test]
async fn shutdown_takes_bounded_time_while_the_store_is_silent() {
    let server = nats::Server::start();
    let environment = [("STORE", format!("nats://{}", server.address())), ("RUST_LOG", "info".to_owned())];
    let mut node = Program::new(env!("CARGO_BIN_EXE_server").into(), Default::default(), environment.into());
    let log = node.start_listened().await;
    let seat = http::enter(node.address, "Ana", None, 50).await.unwrap();
    let mut client = RawClient::connect(node.address, &seat, None).await;
    server.pause();
    client.append(mint(&mut Dice::new(1)), "nobody stores this".to_owned()).await;
    let status = node.terminate(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0));
    // The log has no line of the NATS client, no name and no room code.
    let (log, code) = (log.await.unwrap().unwrap(), seat.code.to_string());
    assert!(log.contains("stopped"), "{log}");
    for secret in ["async_nats", "Ana", &code, &code.replace('-', "")] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
