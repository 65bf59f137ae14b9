//! Servers that restart without their data, or lose streams while a node runs.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use store::laws::support::{latest, message, room_of, stored};
use store::{Store, StoreError};
use testkit::nats::Server;
use tokio::time::timeout;

/// Longer than the interval between two checks of the streams (2 s) and a reconnect.
const SOON: Duration = Duration::from_secs(15);

async fn open(server: &Server) -> Arc<dyn Store> {
    crate::open(&format!("nats://{}", server.address())).await
}

async fn jetstream(server: &Server) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.address()).await.unwrap())
}

async fn assert_loss_is_reported(store: &dyn Store) {
    let error = timeout(SOON, store.wait_until_lost()).await.expect("the loss was not noticed");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn deleted_emptied_or_recreated_stream_is_noticed_by_every_node() {
    for (n, stream) in ["flasky_0", "flasky_2", "flasky_3"].into_iter().enumerate() {
        let server = Server::start();
        let nodes = [open(&server).await, open(&server).await];
        let id = room_of(&*nodes[0], 50, &[1]).await;
        let jetstream = jetstream(&server).await;
        let found = jetstream.get_stream(stream).await.unwrap();
        match n {
            0 => drop(jetstream.delete_stream(stream).await.unwrap()),
            1 => drop(found.purge().await.unwrap()),
            _ => {
                // A newly started node creates the stream again before the two nodes check it.
                jetstream.delete_stream(stream).await.unwrap();
                drop(open(&server).await);
            }
        }
        for node in &nodes {
            assert_loss_is_reported(&**node).await;
        }
        drop(nodes);
        // The next start creates the missing stream and nothing else.
        let again = open(&server).await;
        let id = match again.room(id).await {
            Ok(_) => id,
            Err(StoreError::NotFound) => room_of(&*again, 50, &[1]).await,
            Err(error) => panic!("{error:?}"),
        };
        stored(again.append(id, message(1, "on a new stream")).await);
        assert_eq!(latest(&*again, id).await.len(), 2);
        assert!(
            timeout(Duration::from_secs(5), again.wait_until_lost()).await.is_err(),
            "a loss was reported right after a start"
        );
    }
}

#[tokio::test]
async fn restarted_server_with_its_streams_is_no_loss() {
    let mut server = Server::start();
    let store = open(&server).await;
    let id = room_of(&*store, 50, &[1]).await;
    server.kill();
    server.start_again();
    assert!(timeout(SOON, store.wait_until_lost()).await.is_err(), "taken for lost");
    assert_eq!(latest(&*store, id).await.len(), 1);
}

/// Readiness of a node (`/readyz`) while a part of the store accepts no messages.
#[tokio::test]
async fn readiness_covers_reads_writes_and_leases() {
    for (denied, ready) in [
        (r#""flasky.nothing.>""#, true),
        (r#""flasky.lease.>""#, false),
        (r#""flasky.secret.>""#, false),
        // A stream without a leader fails on every node, so one writable stream is enough. A node that can write to
        // none should get no requests.
        (r#""flasky.0.>", "flasky.1.>", "flasky.3.>""#, true),
        (r#""flasky.0.>", "flasky.1.>", "flasky.2.>", "flasky.3.>""#, false),
    ] {
        let users = format!(
            r#"{{ user: all, password: x }}, {{ user: less, password: x, permissions: {{ publish: {{ allow: ">", deny: [{denied}] }} }} }}"#
        );
        let server = Server::start_with(format!("authorization {{ users: [{users}] }}\n"));
        let url = |user: &str| format!("nats://{user}:x@{}", server.address());
        let whole = crate::open(&url("all")).await;
        whole.check_ready().await.unwrap();
        let less = crate::open(&url("less")).await;
        let answer = less.check_ready().await;
        assert_eq!(answer.is_ok(), ready, "{denied}: {answer:?}");
        // Readiness checks store no message in a stream of rooms.
        let client = async_nats::ConnectOptions::with_user_and_password("all".into(), "x".into());
        let jetstream = jetstream::new(client.connect(server.address()).await.unwrap());
        let mut stream = jetstream.get_stream("flasky_1").await.unwrap();
        let before = stream.info().await.unwrap().state.last_sequence;
        for _ in 0..20 {
            whole.check_ready().await.unwrap();
        }
        assert_eq!(stream.info().await.unwrap().state.last_sequence, before);
    }
}
