//! Laws of edits, deletions, reactions and replies, in the log and pending.

use std::collections::BTreeSet;
use std::sync::Arc;

use client::{
    Action, Client, DraftEvent, DraftState, Input, MessageRow, Outbox, QuotePlace, Reaction, RoomState, Row, RowState,
    Wait,
};
use proptest::prelude::*;
use protocol::{
    ClientFrame, Delivered, ErrorCode, Event, EventId, EventKind, Names, Proposal, RoomChange, ServerFrame,
};

use crate::log::{self, Entry, Log, ME, Spec, Truth, body, edited, id, log, member, reacted, said, said_by, spec};
use crate::{ZONE, drawn, live_client};

/// Asserts that the room holds no text that was edited or deleted up to its position.
pub(crate) fn nothing_outdated_is_here(room: &RoomState, log: &Log) -> Result<(), TestCaseError> {
    let outdated = log.outdated(room.position().map(|position| position.seq).unwrap_or_default());
    let held = room.timeline().events().filter_map(|event| match &event.kind {
        EventKind::Message { body, .. } | EventKind::Edited { body, .. } => body.as_ref(),
        _ => None,
    });
    let held: BTreeSet<String> = held.map(|body| body.as_str().to_owned()).chain(words(&drawn(room))).collect();
    prop_assert_eq!(held.intersection(&outdated).collect::<Vec<_>>(), Vec::<&String>::new(), "old text is kept");
    Ok(())
}

/// All texts that these rows show.
pub(crate) fn words(rows: &[Row]) -> Vec<String> {
    let bodies = messages(rows).into_iter().flat_map(|row| [row.body, row.reply.and_then(|quote| quote.body)]);
    bodies.flatten().map(|body| body.as_str().to_owned()).collect()
}

pub(crate) fn messages(rows: &[Row]) -> Vec<MessageRow> {
    rows.iter().filter_map(|row| if let Row::Message(row) = row { Some(row.clone()) } else { None }).collect()
}

/// Asserts that every message of the log has a row, which shows what a naive fold of the log gives.
pub(crate) fn rows_say_what_the_log_says(room: &RoomState, log: &Log) -> Result<(), TestCaseError> {
    let rows = messages(&drawn(room));
    let is_message = |event: &&Event| matches!(event.kind, EventKind::Message { .. });
    let said: Vec<EventId> = log.events.iter().filter(is_message).map(|event| event.id).collect();
    prop_assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), said.clone());
    for row in rows {
        let truth = log.truth(row.id, log.len());
        let shown = Truth {
            body: row.body.map(|body| body.as_str().to_owned()),
            edited: row.edited,
            reactions: row.reactions.iter().map(|reaction| (reaction.emoji.to_string(), Vec::new())).collect(),
        };
        let emoji = truth.reactions.iter().map(|(emoji, _)| (emoji.clone(), Vec::new())).collect();
        prop_assert_eq!(shown, Truth { reactions: emoji, ..log.truth(row.id, log.len()) });
        for (shown, (_, members)) in row.reactions.iter().zip(&truth.reactions) {
            let names: Vec<_> = members.iter().map(|member| room.name(*member).unwrap().clone()).collect();
            prop_assert_eq!((shown.count, shown.own), (members.len(), members.contains(&member(ME))));
            prop_assert_eq!(&shown.who, &names);
        }
        let event = log.events.iter().find(|event| event.id == row.id).unwrap();
        let EventKind::Message { reply_to, .. } = event.kind else { unreachable!() };
        prop_assert_eq!(row.reply.as_ref().map(|quote| quote.target), reply_to.filter(|_| truth.body.is_some()));
        if let Some(quote) = row.reply {
            let quoted = log.truth(quote.target, log.len()).body;
            prop_assert_eq!(quote.body.map(|body| body.as_str().to_owned()), quoted);
            let place = if said.contains(&quote.target) { QuotePlace::Here } else { QuotePlace::Unknown };
            prop_assert_eq!((quote.place, quote.by.is_some()), (place, place == QuotePlace::Here));
        }
    }
    Ok(())
}

/// The input that puts this event into the log.
fn input(event: &Event) -> Input {
    let Event { id, at, .. } = *event;
    match event.kind.clone() {
        EventKind::Edited { target, body } => Input::EditMessage { id, target, body: body.unwrap(), at },
        EventKind::Deleted { target } => Input::DeleteMessage { id, target, at },
        EventKind::Reacted { target, emoji, on } => Input::React { id, target, emoji, on, at },
        EventKind::Message { body, reply_to, .. } => Input::Send { id, body: body.unwrap(), reply_to, at },
        other => unreachable!("{other:?}"),
    }
}

/// An event of the reader that a client can send.
fn own(log: &Log, nth: u32, spec: Spec) -> Entry {
    match log.entry(nth, Spec { who: ME, ..spec }) {
        (nth, ME, kind) if matches!(kind, EventKind::Message { .. }) || kind.target().is_some() => (nth, ME, kind),
        _ => said(nth),
    }
}

/// These rows with all pending changes shown as sent.
fn settled(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        if let Row::Message(row) = row {
            row.state = RowState::Sent;
        }
    }
    rows
}

fn draft_event() -> impl Strategy<Value = DraftEvent> {
    let (target, body) = (any::<u32>().prop_map(id), "\\PC{0,20}[a-z]".prop_map(|text| log::body(&text)));
    prop_oneof![
        (body.clone(), prop::option::of(target.clone()))
            .prop_map(|(body, reply_to)| DraftEvent::Message { body, reply_to }),
        (target.clone(), body).prop_map(|(target, body)| DraftEvent::Edit { target, body }),
        target.clone().prop_map(|target| DraftEvent::Deletion { target }),
        (target, any::<bool>()).prop_map(|(target, on)| DraftEvent::Reaction {
            target,
            emoji: "\u{1f44d}".parse().unwrap(),
            on
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Pending changes of the reader are shown exactly as they will be once they are in the log.
    #[test]
    fn pending_change_is_shown_as_the_log_will_show_it(
        mut log in log(1..40), acts in prop::collection::vec((spec(), 0u64..400_000), 1..20),
    ) {
        let mut client = Client::new(1, Some(log.snapshot(log.len(), log.len())), Outbox::default());
        let _ = client.step(0, Input::UtcOffset(ZONE));
        for (nth, (spec, pause)) in acts.into_iter().enumerate() {
            let entry = own(&log, 1_000 + nth as u32, spec);
            let event = log.push(entry, 1, pause);
            let _ = client.step(0, input(&event));
            let fresh = RoomState::from_snapshot(log.snapshot(log.len(), log.len()));
            prop_assert_eq!(settled(client.rows()), drawn(&fresh));
        }
    }

    #[test]
    fn stored_outbox_reads_back(events in prop::collection::vec(draft_event(), 0..6), sent: bool) {
        let mut outbox = Outbox::default();
        for (nth, event) in events.into_iter().enumerate() {
            outbox.push(0, id(nth as u32), event, 5);
        }
        if sent {
            outbox.next_frame(0, 1);
        }
        let kept: Outbox = serde_json::from_str(&serde_json::to_string(&outbox).unwrap()).unwrap();
        prop_assert_eq!(kept.drafts().collect::<Vec<_>>(), outbox.drafts().collect::<Vec<_>>());
    }
}

fn frame(events: Vec<Event>) -> Input {
    let events = events.into_iter().map(Delivered::Event).collect();
    Input::Frame(1, ServerFrame::Events { events, names: Names::new(), more: false })
}

fn refusal(nth: u32, error: ErrorCode) -> Input {
    Input::Frame(1, ServerFrame::Rejected { id: id(nth), error, retry_ms: None })
}

fn change(nth: u32, target: u32, text: &str) -> Input {
    Input::EditMessage { id: id(nth), target: id(target), body: body(text), at: 5 }
}

fn react(nth: u32, target: u32) -> Input {
    Input::React { id: id(nth), target: id(target), emoji: "\u{1f44d}".parse().unwrap(), on: true, at: 5 }
}

fn shown(client: &Client) -> Vec<(EventId, Option<String>, RowState)> {
    let text = |row: &MessageRow| row.body.as_ref().map(|body| body.as_str().to_owned());
    messages(&client.rows()).iter().map(|row| (row.id, text(row), row.state)).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Events that follow the log of [`live_client`].
fn following(entries: impl IntoIterator<Item = Entry>) -> Vec<Event> {
    Log::of([said(1), said(2)].into_iter().chain(entries)).events.split_off(2)
}

#[test]
fn edit_and_deletion_are_shown_at_once_and_settle() {
    let mut client = live_client();
    let actions = client.step(10, change(100, 1, "better"));
    let proposal = Proposal::Edited { target: id(1), body: "better".into() };
    assert_eq!(actions, [Action::Transmit(ClientFrame::Append { id: id(100), event: proposal })]);
    assert_eq!(shown(&client)[0], (id(1), some("better"), RowState::Changing { since: 10 }));
    let _ = client.step(20, Input::DeleteMessage { id: id(101), target: id(2), at: 5 });
    assert_eq!(shown(&client)[1], (id(2), None, RowState::Changing { since: 20 }));

    let (nth, who, _) = edited(100, ME, 1);
    let kind = EventKind::Edited { target: id(1), body: Some(body("better")) };
    let actions = client.step(30, frame(following([(nth, who, kind.clone())])));
    let proposal = Proposal::Deleted { target: id(2) };
    assert_eq!(actions, [Action::Transmit(ClientFrame::Append { id: id(101), event: proposal })]);
    assert_eq!(shown(&client)[0], (id(1), some("better"), RowState::Sent));
    assert!(messages(&client.rows())[0].edited);
    let _ = client.step(40, frame(following([(nth, who, kind), log::deleted(101, ME, 2)]).split_off(1)));
    assert_eq!(shown(&client)[1..], [(id(2), None, RowState::Sent)]);
    assert!(!client.has_unsent());
}

#[test]
fn refused_edit_becomes_an_unsent_message() {
    let mut client = live_client();
    let _ = client.step(10, change(100, 1, "better"));
    let _ = client.step(20, refusal(100, ErrorCode::NoTarget));
    let refused = (id(100), some("better"), RowState::Refused(ErrorCode::NoTarget));
    assert_eq!(shown(&client)[0], (id(1), some("text 1"), RowState::Sent), "as it was");
    assert_eq!(shown(&client)[2], refused);

    let actions = client.step(30, Input::Retry(id(100)));
    assert!(matches!(&actions[..], [Action::Transmit(ClientFrame::Append { event: Proposal::Edited { .. }, .. })]));
    assert_eq!(shown(&client)[0], (id(1), some("better"), RowState::Changing { since: 10 }));
    let _ = client.step(40, refusal(100, ErrorCode::NoTarget));
    assert_eq!(shown(&client)[2], refused);
    assert_eq!(client.step(50, Input::Recompose(id(100))), [Action::Compose(body("better"))]);
    assert!(!client.has_unsent());
}

#[test]
fn refused_deletion_or_reaction_is_dropped_and_the_next_is_sent() {
    let mut client = live_client();
    let before = client.rows();
    let _ = client.step(10, Input::DeleteMessage { id: id(100), target: id(1), at: 5 });
    let _ = client.step(10, react(101, 2));
    assert_eq!(messages(&client.rows())[1].reactions.len(), 1);
    let actions = client.step(20, refusal(100, ErrorCode::NotAuthor));
    assert!(matches!(&actions[..], [Action::Transmit(ClientFrame::Append { event: Proposal::Reacted { .. }, .. })]));
    assert_eq!(client.step(30, refusal(101, ErrorCode::NoTarget)), []);
    assert_eq!(client.rows(), before);
    assert!(!client.has_unsent());
}

#[test]
fn reaction_refused_for_now_waits() {
    let mut client = live_client();
    let _ = client.step(10, react(100, 1));
    assert_eq!(client.step(20, refusal(100, ErrorCode::Rate)), [Action::Wake(1_020)]);
    assert!(client.has_unsent());
    let _ = client.step(20, Input::Retry(id(100)));
    assert!(matches!(client.step(1_020, Input::Tick)[0], Action::Transmit(ClientFrame::Append { .. })));
}

#[test]
fn messages_behind_one_that_waits_in_slow_mode_are_held_until_slow_mode_changes() {
    let mut client = live_client();
    let send = |nth, words| Input::Send { id: id(nth), body: body(words), reply_to: None, at: 5 };
    assert_eq!(client.step(10, send(100, "first")).len(), 1);
    assert_eq!(client.step(20, send(101, "second")), []);
    let slow = ServerFrame::Rejected { id: id(100), error: ErrorCode::Rate, retry_ms: Some(30_000) };
    let _ = client.step(30, Input::Frame(1, slow));
    let waiting = Some(Wait { error: ErrorCode::Rate, from: 30, until: 30_030 });
    let first = (id(100), some("first"), RowState::Pending { since: 10, waiting });
    assert_eq!(shown(&client)[2..], [first, (id(101), some("second"), RowState::Held)]);
    let mut off = Log::of([said(1), said(2), said(3)]).events.remove(2);
    off.kind = EventKind::Settings(RoomChange { slow_ms: Some(0), ..RoomChange::default() });
    let sent = client.step(50, frame(vec![off]));
    assert!(
        matches!(sent[..], [Action::Transmit(ClientFrame::Append { id: again, .. })] if again == id(100)),
        "{sent:?}"
    );
    assert_eq!(shown(&client)[3..], [(id(101), some("second"), RowState::Pending { since: 20, waiting: None })]);
}

#[test]
fn change_of_a_pending_message_waits_and_is_dropped_with_it() {
    let mut client = live_client();
    let send = |nth| Input::Send { id: id(nth), body: body("first"), reply_to: None, at: 5 };
    assert_eq!(client.step(10, send(100)).len(), 1);
    assert_eq!(client.step(20, change(101, 100, "second")), []);
    assert_eq!(client.step(20, react(102, 100)), []);
    assert_eq!(shown(&client)[2..], [(id(100), some("second"), RowState::Pending { since: 10, waiting: None })]);
    assert_eq!(messages(&client.rows())[2].reactions.len(), 1);

    let _ = client.step(30, refusal(100, ErrorCode::BadText));
    assert_eq!(shown(&client)[2..], [(id(100), some("second"), RowState::Refused(ErrorCode::BadText))]);
    assert_eq!(
        client.step(40, Input::Recompose(id(100))),
        [Action::Compose(body("second"))],
        "the text that was typed last"
    );
    assert!(!client.has_unsent(), "drafts that change it are dropped with it");
}

#[test]
fn edit_of_a_message_not_loaded_is_shown_by_itself() {
    let mut client = live_client();
    let _ = client.step(10, change(100, 77, "far away"));
    assert_eq!(shown(&client)[2..], [(id(100), some("far away"), RowState::Pending { since: 10, waiting: None })]);
    let _ = client.step(20, change(101, 1, "here"));
    let _ = client.step(30, frame(following([log::deleted(3, ME, 1)])));
    assert_eq!(
        shown(&client)[3],
        (id(101), some("here"), RowState::Pending { since: 20, waiting: None }),
        "deleted elsewhere"
    );
    assert!(matches!(client.outbox().drafts().nth(1).unwrap().state, DraftState::Waiting));
}

#[test]
fn messages_of_an_ignored_member_have_no_rows_and_do_not_count() {
    let mut client = live_client();
    let _ = client.step(0, Input::Visible(false));
    let _ = client.step(10, Input::Ignore { member: member(3), on: true });
    let answered = EventKind::Message { body: Some(body("I agree")), reply_to: Some(id(3)), edited: false };
    let _ = client.step(20, frame(following([said_by(3, 3), (4, 2, answered)])));
    assert_eq!((client.unread(), shown(&client).len()), (1, 3));
    let quote = messages(&client.rows())[2].reply.clone().unwrap();
    assert_eq!((quote.body, quote.name, quote.place), (None, None, QuotePlace::Ignored));
    let _ = client.step(30, Input::Ignore { member: member(3), on: false });
    assert_eq!((client.unread(), shown(&client).len()), (2, 4));
}

#[test]
fn reactions_keep_their_order_and_are_shared_while_unchanged() {
    let (thumb, heart) = ("\u{1f44d}", "\u{2764}\u{fe0f}");
    let log = Log::of([
        said(1),
        reacted(2, 3, 1, thumb, true),
        reacted(3, 2, 1, heart, true),
        reacted(4, ME, 1, thumb, true),
        reacted(5, 3, 1, thumb, true),
        reacted(6, 2, 1, heart, false),
        reacted(7, 2, 1, heart, true),
        reacted(8, 3, 1, thumb, false),
        said(9),
    ]);
    let mut room = RoomState::from_snapshot(log.snapshot(1, 10));
    let mut kept = None;
    for event in &log.events[1..] {
        room.apply(Delivered::Event(event.clone()));
        let shown = messages(&drawn(&room))[0].reactions.clone();
        let is_same = kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &shown));
        // Event 5 repeats a reaction of M3, and event 9 is another message: reactions do not change.
        assert_eq!(is_same, [id(5), id(9)].contains(&event.id), "{event:?}");
        kept = Some(shown);
    }
    let told: Vec<_> = kept
        .unwrap()
        .iter()
        .map(|Reaction { emoji, count, own, who }| {
            (emoji.to_string(), *count, *own, who.iter().map(ToString::to_string).collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(
        told,
        [(thumb.to_owned(), 1, true, vec!["M0".to_owned()]), (heart.to_owned(), 1, false, vec!["M2".to_owned()])]
    );
}

#[test]
fn only_the_first_ten_reacting_members_are_named() {
    let people: Vec<Entry> = (20..35)
        .flat_map(|who| [log::joined(u32::from(who), who), reacted(100 + u32::from(who), who, 1, "\u{1f602}", true)])
        .collect();
    let log = Log::of([said(1)].into_iter().chain(people));
    let room = RoomState::from_snapshot(log.snapshot(log.len(), log.len()));
    let reactions = messages(&drawn(&room))[0].reactions.clone();
    assert_eq!((reactions[0].count, reactions[0].who.len()), (15, client::timeline::reactions::MAX_NAMES));
    assert_eq!(reactions[0].who[0].text(), "M20");
}

#[test]
fn name_learned_later_is_shown_with_reactions() {
    let log = Log::of([said(1), reacted(2, 77, 1, "\u{1f602}", true), log::joined(3, 77), said_by(4, 77)]);
    let mut room = RoomState::from_snapshot(log.snapshot(2, 10));
    assert_eq!(messages(&drawn(&room))[0].reactions[0].who, []);
    room.apply(Delivered::Event(log.events[2].clone()));
    assert_eq!(messages(&drawn(&room))[0].reactions[0].who[0].text(), "M77");
}

#[test]
fn own_reaction_is_forgotten_when_the_member_changes() {
    let log = Log::of([said(1), reacted(2, ME, 1, "\u{1f602}", true)]);
    let mut room = RoomState::from_snapshot(log.snapshot(2, 10));
    let own = |room: &RoomState| messages(&drawn(room))[0].reactions[0].own;
    assert!(own(&room));
    let mut welcome = log.welcome(2, true);
    welcome.member = member(3);
    room.welcome(&welcome);
    assert!(!own(&room));
}
