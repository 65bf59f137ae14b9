//! Retries of an append, refused appends, appends to a store that does not answer, and the rate limit.

use std::time::Duration;

use futures_util::StreamExt as _;
use protocol::{Delivered, ErrorCode, EventId, ServerFrame, codec};
use server::entropy;
use testkit::faulty::StoreFault;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Server, TALKATIVE};
use testkit::browser::{Person, body};

#[tokio::test]
async fn append_with_a_used_id_returns_the_first_event() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let mut ana_too = ana.connect().await;

    // A retry before the echo.
    let id = entropy::event_id();
    at_ana.append(id, "hello").await;
    at_ana.append(id, "hello").await;
    let first = at_ana.event().await;
    assert_eq!(first.id, id);
    assert_eq!(at_bo.event().await, first);
    assert_eq!(ana_too.event().await, first);
    // An answer to the retry, if there is one, comes before this: a connection's appends are answered in order.
    let marker = entropy::event_id();
    at_ana.append(marker, "heard once").await;
    loop {
        match at_ana.event().await {
            again if again == first => {}
            other => break assert_eq!(other.id, marker),
        }
    }
    for socket in [&mut at_bo, &mut ana_too] {
        assert_eq!(socket.event().await.id, marker);
    }

    // A retry after the echo, from another connection and with another text, returns the first event to that connection
    // only.
    ana_too.append(id, "changed").await;
    assert_eq!(ana_too.event().await, first);
    let marker = at_bo.said("heard once more").await;
    for socket in [&mut at_ana, &mut ana_too] {
        assert_eq!(socket.event().await, marker);
    }
}

#[tokio::test]
async fn retry_of_a_trimmed_event_returns_its_seq() {
    let server = Server::start(&[&TALKATIVE[..], &["--events=3"]].concat()).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let first = at_ana.said("long ago").await;
    for n in 0..5 {
        at_ana.said(&n.to_string()).await;
    }
    at_ana.append(first.id, "long ago").await;
    assert_eq!(at_ana.delivered().await, Delivered::Trimmed { id: first.id, seq: first.seq });
    at_ana.said("then").await;
    let mut heard = Vec::new();
    for _ in 0..7 {
        heard.push(at_bo.message().await);
    }
    assert_eq!(heard, ["long ago", "0", "1", "2", "3", "4", "then"]);
}

/// The room knows 100 ids.
#[tokio::test]
async fn retry_of_a_forgotten_event_is_rejected_with_too_old() {
    let server = Server::start(&[&TALKATIVE[..], &["--events=1"]].concat()).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let first = socket.said("long ago").await;
    for n in 0..250 {
        socket.said(&n.to_string()).await;
    }
    socket.append(first.id, "long ago").await;
    assert_eq!(socket.answer(first.id).await, Err((ErrorCode::TooOld, None)));
    socket.said("then").await;
}

#[tokio::test]
async fn refused_append_keeps_the_connection_and_the_id() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut socket = ana.connect().await;
    let id = entropy::event_id();
    let not_v7 = EventId(uuid::Uuid::from_u128(0x9f3c_1d1e_6d0a_4b0e_9c1e_2f6d_3a4b_5c6d));
    for (id, body, code) in [
        (id, "", ErrorCode::Empty),
        (id, " \r\n\t", ErrorCode::Empty),
        (id, &*"x".repeat(4_001), ErrorCode::TooLong),
        (id, "\u{7}", ErrorCode::Empty),
        (not_v7, "hello", ErrorCode::NotAllowed),
    ] {
        socket.append(id, body).await;
        assert_eq!(socket.answer(id).await, Err((code, None)));
    }
    for (event, code) in [
        (r#"{"kind":"joined","member":"9f3c1d1e-6d0a-4b0e-9c1e-2f6d3a4b5c6d","name":"Eve"}"#, ErrorCode::NotAllowed),
        (r#"{"kind":"left","member":"9f3c1d1e-6d0a-4b0e-9c1e-2f6d3a4b5c6d","why":"vanished"}"#, ErrorCode::NotAllowed),
        (r#"{"kind":"of_a_later_version"}"#, ErrorCode::Unsupported),
    ] {
        socket.send_text(format!(r#"{{"type":"append","id":"{id}","event":{event}}}"#)).await;
        assert_eq!(socket.answer(id).await, Err((code, None)));
    }
    // A refused append is not stored: its id is still free.
    socket.append(id, "hello").await;
    assert_eq!(body(&socket.answer(id).await.unwrap()), "hello");
}

/// The client is told of the store's trouble, and not of its own silence: it answers every ping, but the server reads
/// nothing while an append is in progress.
#[tokio::test]
async fn append_to_a_store_that_does_not_answer_closes_with_4005() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    store.make(StoreFault::Stalls);
    let id = at_ana.say("stored or not?").await;
    let bye = timeout(Duration::from_secs(60), async {
        loop {
            if let Message::Text(text) = at_ana.stream.next().await.unwrap().unwrap()
                && let bye @ ServerFrame::Bye { .. } = codec::decode(&text).unwrap()
            {
                return bye;
            }
        }
    });
    assert!(matches!(bye.await.unwrap(), ServerFrame::Bye { code: 4005, .. }));

    store.heal();
    let mut at_ana = ana.connect().await;
    at_ana.append(id, "stored or not?").await;
    assert_eq!(body(&at_ana.answer(id).await.unwrap()), "stored or not?");
}

#[tokio::test]
async fn append_above_the_rate_is_rejected_with_a_retry_time() {
    const BURST: usize = 10;
    let server = Server::start(&["--appends-per-second=2"]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut socket, mut at_bo) = (ana.connect().await, bo.connect().await);
    // Many more than the burst, so that the token bucket becomes empty on a slow machine, too.
    let mut ids = Vec::new();
    for _ in 0..5 * BURST {
        ids.push(socket.say("x").await);
    }
    let (mut heard, mut refused) = (Vec::new(), Vec::new());
    while heard.len() + refused.len() < ids.len() {
        match socket.frame().await {
            ServerFrame::Events { events, .. } => heard.extend(events.iter().map(Delivered::id)),
            ServerFrame::Rejected { id, error, retry_ms } => {
                assert_eq!(error, ErrorCode::Rate);
                let retry = retry_ms.expect("the time of a retry");
                assert!((1..=501).contains(&retry), "{retry} ms");
                refused.push(id);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(ids.iter().take(BURST).all(|id| heard.contains(id)), "a whole burst is accepted");
    assert!(!refused.is_empty());
    // Other members are not limited.
    let marker = at_bo.say("and I?").await;
    at_bo.answer(marker).await.unwrap();
    // After the announced time the append succeeds under the same id.
    let id = refused[0];
    socket.append(id, "x").await;
    if let Err((_, wait)) = socket.answer(id).await {
        sleep(Duration::from_millis(wait.unwrap())).await;
        socket.append(id, "x").await;
        socket.answer(id).await.unwrap();
    }
}
