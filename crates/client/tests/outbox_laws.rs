//! Laws of drafts that wait, and of outboxes that several pages of one tab store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use client::{DraftEvent, DraftState, Outbox};
use protocol::{ClientFrame, ErrorCode, EventId, Rejection};

fn id(nth: u32) -> EventId {
    EventId::mint(u64::from(nth), [1; 10])
}

fn outbox(drafts: &[u32]) -> Outbox {
    let mut outbox = Outbox::default();
    for nth in drafts {
        let event = DraftEvent::Message { body: format!("draft {nth}").parse().unwrap(), reply_to: None };
        outbox.push(0, id(*nth), event, 1_000);
    }
    outbox
}

fn ids(outbox: &Outbox) -> Vec<EventId> {
    outbox.drafts().map(|draft| draft.id).collect()
}

#[test]
fn merge_adds_new_drafts_and_changes_no_others() {
    let mut ours = outbox(&[1, 2]);
    let sent = ours.next_frame(0, 1);
    assert!(sent.is_some());
    ours.refuse(0, id(1), Rejection::from(ErrorCode::NotAllowed));
    ours.merge(outbox(&[3, 1, 4]));
    assert_eq!(ids(&ours), [1, 2, 3, 4].map(id));
    assert_eq!(ours.drafts().next().unwrap().state, DraftState::Refused(ErrorCode::NotAllowed));
    let before = ours.clone();
    ours.merge(before.clone());
    assert_eq!(ours, before);
}

#[test]
fn draft_merged_into_an_empty_outbox_is_sent() {
    let mut ours = outbox(&[1]);
    assert!(ours.next_frame(0, 1).is_some());
    ours.confirm(id(1));
    let mut theirs = outbox(&[2]);
    // This page's connection broke while the draft was in flight.
    assert!(theirs.next_frame(0, 9).is_some());
    ours.merge(theirs);
    assert!(ours.next_frame(10, 1).is_some(), "on the same connection");
    assert_eq!(ours.next_frame(10, 1), None);
}

#[test]
fn draft_refused_for_now_keeps_the_reason() {
    let mut ours = outbox(&[1, 2]);
    let waiting =
        |outbox: &Outbox| outbox.drafts().map(|draft| draft.waiting.map(|wait| wait.error)).collect::<Vec<_>>();
    assert!(ours.next_frame(0, 1).is_some());
    assert_eq!(waiting(&ours), [None, None]);
    ours.refuse(0, id(1), Rejection { error: ErrorCode::Storage, retry_ms: Some(700) });
    assert_eq!((waiting(&ours), ours.due()), (vec![Some(ErrorCode::Storage), None], Some(700)));
    assert!(ours.next_frame(700, 1).is_some());
    assert_eq!(waiting(&ours), [Some(ErrorCode::Storage), None], "the reason stays until the server answers again");
    ours.confirm(id(1));
    assert_eq!(waiting(&ours), [None]);
}

#[test]
fn message_in_slow_mode_holds_up_messages_and_its_own_changes_only() {
    let mut ours = outbox(&[1, 2]);
    let sent = |frame: Option<ClientFrame>| match frame {
        Some(ClientFrame::Append { id, .. }) => Some(id),
        _ => None,
    };
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(1)));
    for (nth, target) in [(3, 1), (4, 90), (5, 2)] {
        ours.push(0, id(nth), DraftEvent::Deletion { target: id(target) }, 1_000);
    }
    ours.push(0, id(6), DraftEvent::Name { name: "Ana".parse().unwrap() }, 1_000);
    ours.refuse(0, id(1), Rejection { error: ErrorCode::Rate, retry_ms: Some(300_000) });
    let waiting = ours.drafts().next().unwrap().waiting.unwrap();
    assert_eq!((waiting.until, ours.due()), (300_000, Some(60_000)), "one wrong number holds nothing up for hours");
    for nth in [4, 6] {
        assert_eq!(sent(ours.next_frame(0, 1)), Some(id(nth)));
        assert_eq!(ours.due(), None);
        ours.confirm(id(nth));
    }
    assert_eq!((sent(ours.next_frame(59_999, 1)), ours.due()), (None, Some(60_000)));
    for nth in [1, 2, 3, 5] {
        assert_eq!(sent(ours.next_frame(60_000, 1)), Some(id(nth)));
        ours.confirm(id(nth));
    }
    assert!(ours.is_empty());
}

#[test]
fn edit_of_a_missing_message_does_not_block_later_drafts() {
    let (mut ours, of_a_change) = (Outbox::default(), Rejection::from(ErrorCode::NoTarget));
    let edit = DraftEvent::Edit { target: id(9), body: "changed".parse().unwrap() };
    ours.push(0, id(1), edit, 1_000);
    ours.merge(outbox(&[2, 3]));
    let sent = |frame: Option<ClientFrame>| match frame {
        Some(ClientFrame::Append { id, .. }) => Some(id),
        _ => None,
    };
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(1)));
    ours.refuse(0, id(1), of_a_change);
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(2)), "later drafts go on");
    // The user retries while another draft is in flight: one at a time.
    ours.retry(id(1));
    assert_eq!(sent(ours.next_frame(0, 1)), None);
    ours.confirm(id(2));
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(1)));
    ours.refuse(0, id(1), of_a_change);
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(3)));
    assert_eq!(ours.take(id(1)).unwrap().as_str(), "changed");
    assert_eq!(sent(ours.next_frame(0, 1)), None, "the draft in flight stays in flight");
    ours.confirm(id(3));
    assert!(ours.is_empty());
}

#[test]
fn nothing_is_due_while_a_draft_is_in_flight() {
    let mut ours = Outbox::default();
    let edit = DraftEvent::Edit { target: id(9), body: "changed".parse().unwrap() };
    ours.push(0, id(1), edit, 1_000);
    ours.merge(outbox(&[2]));
    assert!(ours.next_frame(0, 1).is_some());
    ours.refuse(0, id(1), Rejection::from(ErrorCode::NoTarget));
    assert!(ours.next_frame(0, 1).is_some());
    ours.refuse(0, id(2), Rejection { error: ErrorCode::Rate, retry_ms: Some(700) });
    assert_eq!(ours.due(), Some(700));
    assert!(ours.next_frame(700, 1).is_some());
    ours.retry(id(1));
    assert_eq!((ours.due(), ours.next_frame(800, 1)), (None, None));
}

#[test]
fn names_go_past_refused_words_and_nothing_else_does() {
    let mut ours = outbox(&[1, 2]);
    let names = [DraftEvent::Name { name: "Ana".parse().unwrap() }, DraftEvent::RoomName { name: Default::default() }];
    for (nth, event) in (3..).zip(names) {
        ours.push(0, id(nth), event, 1_000);
    }
    ours.merge(outbox(&[5]));
    let sent = |frame: Option<ClientFrame>| match frame {
        Some(ClientFrame::Append { id, .. }) => Some(id),
        _ => None,
    };
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(1)), "a name waits for words on their way");
    ours.refuse(0, id(1), Rejection::from(ErrorCode::NotAllowed));
    assert_eq!(sent(ours.next_frame(0, 1)), Some(id(3)));
    assert_eq!(sent(ours.next_frame(0, 1)), None, "once per connection");
    ours.refuse(0, id(3), Rejection { error: ErrorCode::Rate, retry_ms: Some(700) });
    assert_eq!((sent(ours.next_frame(699, 1)), ours.due()), (None, Some(700)));
    assert_eq!(sent(ours.next_frame(700, 1)), Some(id(3)));
    assert_eq!(sent(ours.next_frame(700, 2)), Some(id(3)), "and on the next one");
    // The person decides meanwhile: one at a time, and the words in their order.
    ours.retry(id(1));
    assert_eq!(sent(ours.next_frame(700, 2)), None);
    ours.confirm(id(3));
    assert_eq!(sent(ours.next_frame(700, 2)), Some(id(1)));
    ours.refuse(700, id(1), Rejection::from(ErrorCode::NotAllowed));
    assert_eq!(sent(ours.next_frame(700, 2)), Some(id(4)));
    ours.confirm(id(4));
    assert_eq!((sent(ours.next_frame(700, 2)), ours.due()), (None, None), "words wait behind words");
    assert!(ours.take(id(1)).is_some());
    for nth in [2, 5] {
        assert_eq!(sent(ours.next_frame(700, 2)), Some(id(nth)));
        ours.confirm(id(nth));
    }
    assert!(ours.is_empty());
}

/// A tab may be reloaded into a newer version, which must read what the older one stored, with its ids.
#[test]
fn stored_format_reads_and_writes_the_same() {
    let (one, other) = (id(1), id(2));
    let drafts = [
        (r#"{"Message":{"body":"a","reply_to":null}}"#.to_owned(), r#""InFlight""#),
        (format!(r#"{{"Message":{{"body":"a","reply_to":"{other}"}}}}"#), r#""Waiting""#),
        (format!(r#"{{"Edit":{{"target":"{other}","body":"b"}}}}"#), r#"{"Refused":"too_long"}"#),
        (format!(r#"{{"Deletion":{{"target":"{other}"}}}}"#), r#""Waiting""#),
        (format!(r#"{{"Reaction":{{"target":"{other}","emoji":"👍","on":true}}}}"#), r#""Waiting""#),
    ];
    for (event, state) in drafts {
        let kept = format!(r#"{{"drafts":[{{"id":"{one}","event":{event},"at":1,"state":{state}}}]}}"#);
        let outbox: Outbox = serde_json::from_str(&kept).unwrap();
        assert_eq!(serde_json::to_string(&outbox).unwrap(), kept);
    }
}

#[test]
fn later_name_takes_the_place_of_one_that_was_never_sent() {
    let name = |name: &str| DraftEvent::Name { name: name.parse().unwrap() };
    let room_name = |name: &str| DraftEvent::RoomName { name: name.parse().unwrap() };
    let mut ours = outbox(&[1]);
    ours.push_name(0, id(2), name("Bo"), 1_000, false);
    ours.push_name(0, id(3), room_name("Bo"), 1_000, false);
    ours.push_name(0, id(4), name("Cy"), 1_000, false);
    assert_eq!(ids(&ours), [1, 3, 4].map(id), "the room's name is another one");
    ours.push_name(0, id(5), name("Ana"), 1_000, true);
    assert_eq!(ids(&ours), [1, 3].map(id), "the present name is nothing to send");
    ours.confirm(id(1));
    assert!(ours.next_frame(0, 1).is_some());
    ours.push_name(0, id(6), room_name("Bo"), 1_000, false);
    assert_eq!(ids(&ours), [3].map(id), "the same name is on its way");
    ours.push_name(0, id(7), room_name(""), 1_000, true);
    assert_eq!(ids(&ours), [3, 7].map(id), "one that was sent may be in the log, and the present name is none then");
    ours.refuse(0, id(3), Rejection { error: ErrorCode::Storage, retry_ms: None });
    ours.push_name(0, id(8), room_name("Club"), 1_000, false);
    assert_eq!(ids(&ours), [3, 8].map(id), "a store that did not answer may have taken it");
    ours.confirm(id(3));
    assert!(ours.next_frame(0, 1).is_some());
    ours.refuse(0, id(8), Rejection { error: ErrorCode::Rate, retry_ms: None });
    ours.push_name(0, id(9), room_name("Circle"), 1_000, false);
    assert_eq!(ids(&ours), [9].map(id), "what was sent too fast is not in the log");
}
