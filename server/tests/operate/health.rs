//! `/healthz` and `/readyz`, and what they say while a server ends.

use hyper::StatusCode;
use server::backend::Backend as _;
use tokio::task::JoinSet;

use crate::proof::http;
use crate::support::client::{Browser, Handshake, Person};
use crate::support::server::Server;
use crate::support::within;

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

fn said(status: StatusCode, words: &str) -> (StatusCode, String) {
    (status, words.to_owned())
}

#[tokio::test]
async fn a_server_is_ready_as_long_as_its_store_answers() {
    let (server, engine) = Server::troubled(&[]).await;
    let alive = said(StatusCode::OK, "alive");
    assert_eq!(probe(&server).await, [alive.clone(), said(StatusCode::OK, "ready")]);
    engine.close().await;
    let closed = [alive, said(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer")];
    // The answer before is repeated for half a second.
    within(async { while probe(&server).await != closed {} }).await;
}

#[tokio::test]
async fn store_is_asked_once_for_all_who_ask_together() {
    let server = Server::start(&[]).await;
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let mut browser = Browser::new(&server);
        asking.spawn(async move { browser.get("/readyz").await.status });
    }
    assert_eq!(asking.join_all().await, [StatusCode::OK; 100]);
    let asked = http::metric(server.metrics, r#"flasky_engine_seconds_count{verb="ready"}"#).await.unwrap().unwrap();
    assert!((1..10).contains(&asked), "the store was asked {asked} times");
}

#[tokio::test]
async fn a_server_that_ends_says_so_to_everybody_and_answers_until_all_are_gone() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_ana = ana.connect().await;
    // Does not read, and so does not say goodbye: the server waits for it.
    let at_bo = bo.connect().await;
    server.shut_down();
    assert_eq!(at_ana.end().await, 1001);
    let draining = said(StatusCode::SERVICE_UNAVAILABLE, "draining");
    assert_eq!(probe(&server).await, [said(StatusCode::OK, "alive"), draining]);
    // Who comes now is turned away at the door, where a proxy can see it.
    assert_eq!(Handshake::of(&ana).open().await.err(), Some(503));
    drop(at_bo);
    server.stop().await;
}
