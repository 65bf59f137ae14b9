//! `/healthz` and `/readyz`, in operation and during a shutdown.

use hyper::StatusCode;
use store::Store as _;
use testkit::http;
use testkit::within;
use tokio::task::JoinSet;

use crate::support::Server;
use testkit::browser::{Browser, Person};

async fn probe(server: &Server) -> [(StatusCode, String); 2] {
    let mut browser = Browser::new(server);
    let mut answers = Vec::new();
    for path in ["/healthz", "/readyz"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        answers.push((answer.status, answer.body.trim().to_owned()));
    }
    assert_eq!(browser.cookie, None);
    answers.try_into().unwrap()
}

fn answer(status: StatusCode, words: &str) -> (StatusCode, String) {
    (status, words.to_owned())
}

#[tokio::test]
async fn readyz_answers_503_when_the_store_does_not_answer() {
    let (server, store) = Server::troubled(&[]).await;
    let alive = answer(StatusCode::OK, "alive");
    assert_eq!(probe(&server).await, [alive.clone(), answer(StatusCode::OK, "ready")]);
    store.close().await;
    let closed = [alive, answer(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")];
    // The previous answer is repeated for half a second.
    within(async { while probe(&server).await != closed {} }).await;
}

#[tokio::test]
async fn concurrent_readyz_requests_share_answers_of_the_store() {
    let server = Server::start(&[]).await;
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let mut browser = Browser::new(&server);
        asking.spawn(async move { browser.get("/readyz").await.status });
    }
    assert_eq!(asking.join_all().await, [StatusCode::OK; 100]);
    let asked =
        http::metric(server.metrics, r#"flasky_store_seconds_count{operation="check_ready"}"#).await.unwrap().unwrap();
    assert!((1..10).contains(&asked), "the store was asked {asked} times");
}

#[tokio::test]
async fn shutdown_answers_health_checks_until_every_connection_has_ended() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_ana = ana.connect().await;
    // Does not read, and so does not answer the Close: the server waits for it.
    let at_bo = bo.connect().await;
    server.shut_down();
    assert_eq!(at_ana.end().await, 1001);
    let draining = answer(StatusCode::SERVICE_UNAVAILABLE, "draining");
    assert_eq!(probe(&server).await, [answer(StatusCode::OK, "alive"), draining]);
    // A new handshake is refused with an HTTP status, which a proxy can see.
    assert_eq!(ana.handshake().open().await.err(), Some(503));
    drop(at_bo);
    server.stop().await;
}
