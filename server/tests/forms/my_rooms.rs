//! The rooms of a browser, which its home page asks for.

use std::time::Duration;

use hyper::StatusCode;
use protocol::{Epoch, Position, RoomCode, Seq};
use serde_json::{Value, json};
use testkit::browser::{Browser, Person};
use testkit::faulty::StoreFault;
use tokio::time::{sleep, timeout};

use crate::support::Server;

/// Position before everything in a log that nobody has seen.
const UNREAD: Position = Position { epoch: Epoch(0), seq: Seq(0) };
const NO_ROOM: &str = "ZZZZ-ZZZZ";

fn line(code: RoomCode, read: Position) -> String {
    format!("{code} {} {}", read.epoch, read.seq.0)
}

async fn my_rooms(browser: &mut Browser, rooms: &[String]) -> Value {
    let answer = browser.call("/api/my_rooms", &[("rooms", &rooms.join("\n"))]).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

/// The codes of an answer, in their order.
fn codes(answer: &Value) -> Vec<&str> {
    answer.as_array().unwrap().iter().map(|room| room["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn only_rooms_with_a_seat_are_answered_in_the_order_asked() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let (second, _) = ana.browser.enter(&[("name", "Ana"), ("intent", "create")]).await;
    let bo = Person::create(&server, "Bo").await;
    Person::join(&server, second, "Cy").await;
    let mut asked: Vec<String> = [second, bo.code, ana.code].map(|code| line(code, UNREAD)).into();
    asked.extend([format!("{NO_ROOM} 0 0"), "nonsense".to_owned(), String::new()]);
    let mine = my_rooms(&mut ana.browser, &asked).await;
    assert_eq!(codes(&mine), [second.to_string(), ana.code.to_string()]);
    assert_eq!([&mine[0]["inside"], &mine[1]["inside"]], [2, 1]);
    assert_eq!(my_rooms(&mut Browser::new(&server), &asked).await, json!([]), "without a session");
    ana.browser.call("/api/leave_room", &[("code", &second.to_string())]).await;
    assert_eq!(codes(&my_rooms(&mut ana.browser, &asked).await), [ana.code.to_string()], "after leaving");
}

#[tokio::test]
async fn unread_counts_the_messages_of_others_after_the_position() {
    let server = Server::start(&crate::support::TALKATIVE).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    bo.connect().await.said("before").await;
    let read = ana.connect().await.welcome().position;
    let unread = async |browser: &mut Browser, read| {
        let rooms = my_rooms(browser, &[line(ana.code, read)]).await;
        (rooms[0]["unread"].as_u64().unwrap(), rooms[0]["more"].as_bool().unwrap())
    };
    let mut browser = ana.browser.clone();
    assert_eq!(unread(&mut browser, read).await, (0, false));
    ana.connect().await.said("own").await;
    let mut other = bo.connect().await;
    other.said("one").await;
    other.said("two").await;
    assert_eq!(unread(&mut browser, read).await, (2, false));
    assert_eq!(unread(&mut browser, Position { seq: Seq(0), ..read }).await, (3, false));
    for seq in [0, 77] {
        let elsewhere = Position { seq: Seq(seq), ..UNREAD };
        assert_eq!(unread(&mut browser, elsewhere).await, (3, false), "another epoch: all of them");
    }
    for nth in 0..120 {
        other.said(&nth.to_string()).await;
    }
    assert_eq!(unread(&mut browser, read).await, (99, true), "one page is counted");
    assert_eq!(unread(&mut browser, UNREAD).await, (100, true), "the newest page of another log");
}

#[tokio::test]
async fn asking_keeps_no_seat() {
    let server = Server::start(&["--arrival-ms=1000", "--page-lease-ms=600000"]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let asked = [line(ana.code, UNREAD)];
    let gone = async {
        while !codes(&my_rooms(&mut ana.browser, &asked).await).is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), gone).await.unwrap();
}

#[tokio::test]
async fn asking_takes_no_refused_form() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    ana.browser.submit("/api/enter", &[("name", ""), ("from", "/")]).await;
    my_rooms(&mut ana.browser, &[line(ana.code, UNREAD)]).await;
    assert!(ana.browser.get("/").await.body.contains("Type a name"));
}

#[tokio::test]
async fn twenty_rooms_are_looked_at() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut asked = vec![format!("{NO_ROOM} 0 0"); 18];
    asked.extend([line(ana.code, UNREAD), line(ana.code, UNREAD)]);
    assert_eq!(codes(&my_rooms(&mut ana.browser, &asked).await), [ana.code.to_string()], "once");
    let mut asked = vec![format!("{NO_ROOM} 0 0"); 19];
    asked.push(line(ana.code, UNREAD));
    assert_eq!(codes(&my_rooms(&mut ana.browser, &asked).await), [ana.code.to_string()]);
    asked.insert(0, "nonsense".to_owned());
    assert_eq!(my_rooms(&mut ana.browser, &asked).await, json!([]));
}

#[tokio::test]
async fn wrong_codes_are_limited() {
    let server = Server::limited(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let own = [line(ana.code, UNREAD)];
    let wrong: Vec<String> = (1..=20).map(|nth| format!("ZZZZ-ZZ{nth:02} 0 0")).collect();
    let wrong = wrong.join("\n");
    for _ in 0..3 {
        assert_eq!(ana.browser.call("/api/my_rooms", &[("rooms", &wrong)]).await.status, StatusCode::OK);
    }
    let limited = ana.browser.call("/api/my_rooms", &[("rooms", &wrong)]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(codes(&my_rooms(&mut ana.browser, &own).await).len(), 1, "the reader's own are not counted");
    let refused = ana.browser.call("/api/my_rooms", &[("rooms", &[&wrong, "\n", &own[0]].concat())]).await;
    assert_eq!((refused.status, &*refused.body), (StatusCode::TOO_MANY_REQUESTS, "null"));
}

#[tokio::test]
async fn calls_are_limited_also_for_own_rooms() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let own = line(ana.code, UNREAD);
    let limited = async {
        let mut answered = 0;
        while ana.browser.call("/api/my_rooms", &[("rooms", &own)]).await.status == StatusCode::OK {
            answered += 1;
        }
        answered
    };
    let answered = timeout(Duration::from_secs(20), limited).await.unwrap();
    assert!(answered >= 60, "{answered} calls at once");
}

#[tokio::test]
async fn store_that_does_not_answer_is_no_lost_seat() {
    let (server, store) = Server::troubled(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    store.make(StoreFault::ReadsNothing);
    let answer = ana.browser.call("/api/my_rooms", &[("rooms", &line(ana.code, UNREAD))]).await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::SERVICE_UNAVAILABLE, "null"));
}
