//! Events with strings that are valid JSON but not valid Unicode, and other unreadable events: the append is rejected
//! and the connection stays open. An unreadable envelope closes it.

use server::entropy;
use testkit::browser::Person;

use super::raw::Raw;
use crate::support::{Server, TALKATIVE};

async fn connect() -> (Server, Raw) {
    let server = Server::start(&TALKATIVE).await;
    let ana = Person::create(&server, "Ana").await;
    let raw = Raw::greet(&ana).await;
    (server, raw)
}

#[tokio::test]
async fn half_a_surrogate_pair_is_rejected_as_bad_text() {
    let (_server, mut raw) = connect().await;
    let id = entropy::event_id();
    for (n, event) in [
        r#"{"kind":"message","body":"\ud83d"}"#.to_owned(),
        r#"{"kind":"message","body":"before \uD83D after"}"#.to_owned(),
        r#"{"kind":"message","body":"\udc4d"}"#.to_owned(),
        r#"{"kind":"message","body":"\udc4d\ud83d"}"#.to_owned(),
        r#"{"kind":"message","body":"\ud83d\ud83d\udc4d"}"#.to_owned(),
        r#"{"kind":"message","body":"\ud83d\u0041"}"#.to_owned(),
        r#"{"body":"\ud83d","kind":"message"}"#.to_owned(),
        format!(r#"{{"kind":"edited","target":"{id}","body":"\udfff"}}"#),
        format!(r#"{{"kind":"reacted","target":"{id}","emoji":"\ud83d","on":true}}"#),
        format!(r#"{{"kind":"reacted","target":"{id}","emoji":"👍\udffb","on":false}}"#),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(raw.refusal(event).await, "bad_text", "{event}");
        raw.is_well(n as u64).await;
    }
}

#[tokio::test]
async fn surrogate_pair_is_read_as_one_character() {
    let (_server, mut raw) = connect().await;
    let id = entropy::event_id();
    raw.text(&format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"message","body":"\ud83d\udc4d"}}}}"#)).await;
    assert!(raw.said().await.contains(r#""body":"👍""#));
}

#[tokio::test]
async fn unknown_field_is_ignored_whatever_it_holds() {
    let (_server, mut raw) = connect().await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let object = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    let digits = "9".repeat(400);
    for (n, value) in
        [r#""\ud83d""#, r#"["\udc00"]"#, "1e999", "-1e-999", &*digits, &*deep, &*object, "null"].iter().enumerate()
    {
        raw.text(&format!(r#"{{"type":"ping","n":{n},"later":{value}}}"#)).await;
        assert_eq!(raw.said().await, format!(r#"{{"type":"pong","n":{n}}}"#), "{value}");
        let id = entropy::event_id();
        let event = format!(r#"{{"kind":"message","later":{value},"body":"read {n}"}}"#);
        raw.text(&format!(r#"{{"later":{value},"event":{event},"id":"{id}","type":"append"}}"#)).await;
        assert!(raw.said().await.contains(&format!(r#""body":"read {n}""#)), "{value}");
        raw.text(&format!(r#"{{"type":"of_a_later_version","later":{value}}}"#)).await;
        raw.is_well(100).await;
    }
    raw.text(r#"{"type":"of a later \ud83d version"}"#).await;
    raw.is_well(101).await;
}

#[tokio::test]
async fn event_of_an_unknown_shape_is_rejected_as_unsupported() {
    let (_server, mut raw) = connect().await;
    let id = entropy::event_id();
    let deep = format!(r#"{{"kind":"message","body":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for event in [
        "5",
        "null",
        "1e999",
        r#""message""#,
        r#"["message","Hello"]"#,
        "{}",
        r#"{"kind":7,"body":"x"}"#,
        r#"{"kind":"whisper","body":"x"}"#,
        r#"{"kind":"\ud83d","body":"x"}"#,
        r#"{"kind":"message"}"#,
        r#"{"kind":"message","body":null}"#,
        r#"{"kind":"message","body":5}"#,
        r#"{"kind":"message","body":1e999}"#,
        r#"{"kind":"message","body":["x"]}"#,
        r#"{"kind":"message","body":"x","reply_to":5}"#,
        r#"{"kind":"message","body":"x","reply_to":"mine"}"#,
        r#"{"kind":"message","body":"x","body":"y"}"#,
        r#"{"kind":"message","kind":"left","body":"x"}"#,
        r#"{"kind":"deleted"}"#,
        r#"{"kind":"deleted","target":18446744073709551616}"#,
        &format!(r#"{{"kind":"reacted","target":"{id}","emoji":"👍","on":1}}"#),
        &format!(r#"{{"kind":"reacted","target":"{id}","emoji":"👍","on":1e999}}"#),
        &deep,
    ] {
        assert_eq!(raw.refusal(event).await, "unsupported", "{event}");
    }
    // Kinds that only servers append are `not_allowed`, even when their fields cannot be read.
    for event in [r#"{"kind":"joined"}"#, r#"{"kind":"left","member":5,"why":"\ud83d"}"#] {
        assert_eq!(raw.refusal(event).await, "not_allowed", "{event}");
    }
    raw.is_well(1).await;
}

#[tokio::test]
async fn unreadable_envelope_closes_with_4500() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let id = entropy::event_id();
    let event = r#"{"kind":"message","body":"x"}"#;
    for text in [
        format!(r#"["append","{id}",{event}]"#),
        r#"["leave"]"#.to_owned(),
        r#"{"type":7}"#.to_owned(),
        r#"{"type":{"leave":null}}"#.to_owned(),
        format!(r#"{{"type":"append","event":{event}}}"#),
        format!(r#"{{"type":"append","id":"{id}"}}"#),
        format!(r#"{{"type":"append","id":"\ud83d","event":{event}}}"#),
        // A refusal could not name one of the two ids.
        format!(r#"{{"type":"append","id":"{id}","id":"{}","event":{event}}}"#, entropy::event_id()),
        r#"{"type":"ping","n":1e999}"#.to_owned(),
        r#"{"type":"ping","n":18446744073709551616}"#.to_owned(),
        r#"{"type":"ping","n":1} {}"#.to_owned(),
        format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"message","body":"\uZZZZ"}}}}"#),
        format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"message","body":"a{}b"}}}}"#, '\u{7}'),
        format!(r#"{{"type":"append","id":"{id}","event":{{"kind":"message","body":"x"}}"#),
    ] {
        let mut raw = Raw::greet(&ana).await;
        raw.text(&text).await;
        assert_eq!(raw.code().await, Some(4500), "{text}");
    }
}
