//! Servers that lag, are held up, or are silent, and what a node makes of it.

use std::time::Duration;

use protocol::Limits;
use server::backend::{self, From};

use crate::cluster::Cluster;
use crate::nats_server;
use crate::proof::client::mint;
use crate::proof::dice::Dice;
use crate::proof::http;
use crate::proof::light::Light;
use crate::proof::node::Program;
use crate::support::{edited, message, room_of, stored};

/// Replicas lag; nobody sees it.
#[tokio::test]
async fn what_one_server_acknowledged_is_read_at_every_server() {
    let cluster = Cluster::start().await;
    // The first makes the streams; every node knows one server only.
    let mut nodes = Vec::new();
    for server in &cluster.servers {
        nodes.push(backend::open(&format!("nats://{}", server.address()), &Limits::default()).await.unwrap());
    }
    let code = room_of(&*nodes[0], 50, &[1]).await;
    let mut said = Vec::new();
    for n in 0..150 {
        let writer = &nodes[n % 3];
        // Every third is a change of the one before.
        let draft = match said.last() {
            Some(target) if n % 3 == 2 => edited(1, *target, &format!("{n} changed")),
            _ => message(1, &format!("{n} first")),
        };
        let event = stored(writer.append(code, draft).await);
        for reader in &nodes {
            let page = reader.read(code, From::Latest, 3).await.unwrap();
            assert_eq!(page.events.last(), Some(&event), "it is not read at once");
            let old = said.last().and_then(|id| page.events.iter().find(|one| one.id == *id));
            if n % 3 == 2 {
                assert!(format!("{old:?}").contains("edited: true"), "old words are read: {old:?}");
            }
        }
        said.push(event.id);
    }
}

/// Of three servers one does nothing: what it does not answer another one is asked.
#[tokio::test]
async fn a_server_that_is_held_up_holds_up_no_reader() {
    let cluster = Cluster::start().await;
    let code = {
        let node = backend::open(&cluster.url(), &Limits::default()).await.unwrap();
        room_of(&*node, 50, &[1]).await
    };
    // The node talks to the room's leader alone, and another server is held up.
    let leader = cluster.leader(&cluster.stream_of(code).await).await;
    let url = format!("nats://{}", cluster.servers[leader].address());
    let node = backend::open(&url, &Limits::default()).await.unwrap();
    let said = stored(node.append(code, message(1, "hello")).await);
    let slow = (leader + 1) % 3;
    cluster.servers[slow].pause();
    for _ in 0..40 {
        let page = node.read(code, From::Latest, 1).await.unwrap();
        assert_eq!(page.events, std::slice::from_ref(&said));
    }
    cluster.servers[slow].resume();
}

/// Nobody who waits for the store keeps the program from ending.
#[tokio::test]
async fn a_stop_has_its_time_although_the_store_is_silent() {
    let server = nats_server::Server::start();
    let environment = [("STORE", format!("nats://{}", server.address())), ("RUST_LOG", "info".to_owned())];
    let mut node = Program::new(env!("CARGO_BIN_EXE_server").into(), Default::default(), environment.into());
    let log = node.start_listened().await;
    let seat = http::enter(node.address, "Ana", None, 50).await.unwrap();
    let mut light = Light::connect(node.address, &seat, None).await;
    server.pause();
    light.append(mint(&mut Dice::new(1)), "nobody stores this".to_owned()).await;
    let status = node.terminate(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0));
    // What it wrote meanwhile names nobody, whoever wrote it.
    let (log, code) = (log.await.unwrap().unwrap(), seat.code.to_string());
    assert!(log.contains("stopped"), "{log}");
    for secret in ["async_nats", "Ana", &code, &code.replace('-', "")] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
