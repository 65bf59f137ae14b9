//! A draft that is sent again although the log has it already: at any position of the client the outbox drains, and the
//! log has the draft once.

use std::time::Duration;

use client::Client;
use protocol::{EventId, Position, Seq, Snapshot};
use testkit::dice::Dice;
use testkit::{checker, excuse::Excuse, truth::Truth};

use crate::inside::Inside;
use testkit::http::{self, Seat};
use testkit::ids::mint;
use testkit::user::{Act, Person};

const TIME: Duration = Duration::from_secs(20);
/// More messages than a page holds.
const MANY: u64 = 130;

/// Stores a draft of A whose echo is lost, lets B send `others` messages, and opens A's page. `page` makes its snapshot
/// from the one before the draft and the current one. Asserts that A's outbox drains.
async fn assert_outbox_drains(events: usize, others: u64, page: fn(Snapshot, Snapshot) -> Snapshot) -> checked::Facts {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("flasky.db");
    let flags = [format!("--events={events}"), "--appends-per-second=100000".into(), "--append-burst=100000".into()];
    let server = Inside::start(&store, &flags).await;
    let mut dice = Dice::new(events as u64);

    let seat = http::enter(server.address, "B", None, 10).await.unwrap();
    let code = seat.code;
    let mut b = Person::open("B".to_owned(), seat, server.address, 1, &Excuse::default());
    let seat = http::enter(server.address, "A", Some(code), 0).await.unwrap();
    let before = http::snapshot(server.address, &seat).await.unwrap().unwrap();
    let id = mint(&mut dice);
    http::post_message(server.address, &seat, id, "hello").await.unwrap();
    for n in 0..others {
        b.act(Act::Send(format!("message {n}")));
    }
    assert!(b.until(TIME, |view| view.acked == others).await, "{:?}", b.view());

    let now = http::snapshot(server.address, &seat).await.unwrap().unwrap();
    let mut a = open(server.address, seat, id, page(before, now));
    assert!(a.until(TIME, |view| view.live && view.unsent == 0).await, "the outbox does not drain: {:?}", a.view());
    let (a_view, b_view) = (a.view(), b.view());
    let histories = [a.finish().await, b.finish().await];
    server.stop().await;
    let truth = Truth { keeps: events, ..Truth::read(&store, code).unwrap() };
    assert_eq!(checker::check(&truth, &histories), []);
    assert_eq!(truth.log.iter().filter(|entry| entry.id == id).count(), 1);
    checked::Facts { a: a_view, b: b_view }
}

/// Results of one case.
mod checked {
    use testkit::view::View;

    #[derive(Debug)]
    pub(crate) struct Facts {
        pub(crate) a: View,
        pub(crate) b: View,
    }
}

fn open(server: std::net::SocketAddr, seat: Seat, id: EventId, page: Snapshot) -> Person {
    let event = r#"{"Message":{"body":"hello","reply_to":null}}"#;
    let kept = format!(r#"{{"drafts":[{{"id":"{id}","event":{event},"at":1,"state":"InFlight"}}]}}"#);
    let client = Client::new(7, Some(page), serde_json::from_str(&kept).unwrap());
    assert!(client.has_unsent(), "the snapshot has settled the draft already");
    Person::open_with("A".to_owned(), seat, server, 7, client, &Excuse::default())
}

#[tokio::test]
async fn resent_draft_after_the_position_settles() {
    let facts = assert_outbox_drains(1_000, 3, |before, _| before).await;
    assert_eq!(facts.a.resumes, 1, "{facts:?}");
}

#[tokio::test]
async fn resent_draft_before_the_position_settles() {
    let facts = assert_outbox_drains(1_000, MANY, |_, now| now).await;
    assert_eq!(facts.a.resumes, 1, "{facts:?}");
}

#[tokio::test]
async fn resent_draft_settles_after_a_reset() {
    let facts = assert_outbox_drains(1_000, MANY, |_, mut now| {
        now.position = Position { epoch: now.position.epoch, seq: Seq(now.position.seq.0 + 1_000_000) };
        now
    })
    .await;
    assert_eq!((facts.a.resumes, facts.a.acked), (0, 1), "{facts:?}");
}

#[tokio::test]
async fn resent_draft_settles_after_it_was_trimmed() {
    let facts = assert_outbox_drains(20, MANY, |before, _| before).await;
    assert_eq!((facts.a.resumes, facts.a.acked), (0, 1), "{facts:?}");
    assert_eq!(facts.b.acked, MANY);
}

#[tokio::test]
async fn resent_draft_trimmed_before_the_position_settles() {
    let facts = assert_outbox_drains(20, MANY, |_, now| now).await;
    assert_eq!((facts.a.resumes, facts.a.acked), (1, 1), "{facts:?}");
}
