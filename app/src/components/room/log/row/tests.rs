use client::{DayRow, QuotePlace, RosterRow, SeatChange, SeatChangeKind, UnreadRow, Wait};
use protocol::{Event, EventKind, Member, MemberId, Position, RoomId, RoomInfo, Seq, Snapshot};
use uuid::Uuid;

use super::*;
use crate::components::room::toast::Toast;
use crate::markup::MessageMarkup;

fn shown(name: &str) -> ShownName {
    ShownName { hue: 2, ..name.parse::<protocol::DisplayName>().unwrap().into() }
}

fn id(nth: u128) -> EventId {
    EventId(Uuid::from_u128(nth))
}

/// A room whose only message says `**marks**`.
fn room(markup: Vec<MessageMarkup>) -> Room {
    let (me, ana) = (MemberId(Uuid::from_u128(1)), MemberId(Uuid::from_u128(2)));
    let named = |member, name: &str| Member { member, name: shown(name), away: false };
    let marks = Event {
        seq: Seq(1),
        prev: Seq(0),
        id: id(3),
        at: 0,
        by: ana,
        kind: EventKind::message("**marks**".parse().unwrap()),
    };
    let snapshot = Snapshot {
        member: me,
        position: Position { epoch: protocol::Epoch(1), seq: Seq(1) },
        room: RoomInfo {
            id: Some(RoomId(Uuid::from_u128(4))),
            code: "KXQ4-7M2P".parse().unwrap(),
            capacity: 9,
            locked: false,
            name: Default::default(),
            host: Some(me),
            slow_ms: 0,
            host_only: false,
        },
        members: vec![named(me, "Me"), named(ana, "Ana")],
        events: vec![marks],
        names: Default::default(),
        quoted: Vec::new(),
        oldest: Seq(1),
    };
    Room::new(snapshot, markup, id(9))
}

fn message(body: &str) -> MessageRow {
    MessageRow {
        id: id(3),
        by: MemberId(Uuid::from_u128(2)),
        name: Some(shown("Ana")),
        at: 0,
        body: body.parse().ok(),
        edited: false,
        own: false,
        first_of_group: false,
        last_of_group: false,
        reply: None,
        reactions: Arc::default(),
        state: RowState::Sent,
    }
}

/// A row's HTML as the server writes it, with what it has read before.
fn written(row: Row, markup: Vec<MessageMarkup>) -> String {
    Owner::new().with(|| {
        let room = room(markup);
        provide_context(room);
        provide_context(Toast::new());
        provide_context(Seek::new());
        let handle = RowHandle { key: row.key(), row: ArcRwSignal::new(Arc::new(row)) };
        view! { <RowView handle/> }.to_html()
    })
}

/// It without the comments that leptos finds its places by.
fn html(row: Row) -> String {
    written(row, Vec::new()).replace("<!>", "")
}

const ROW: &str = "<div id=\"m-00000000-0000-0000-0000-000000000003\" \
                   data-message=\"00000000-0000-0000-0000-000000000003\" role=\"article\" aria-label=\"Ana, 00:00 UTC\" \
                   aria-describedby=\"w-00000000-0000-0000-0000-000000000003\"";

/// A message's element, with what is in it.
fn said(class: &str, inner: &str) -> String {
    format!("{ROW} class=\"said hue-2{class}\">{inner}</div>")
}

const WORDS: &str = "<div id=\"w-00000000-0000-0000-0000-000000000003\"";

fn bubble(class: &str, inner: &str) -> String {
    format!("{WORDS} class=\"message{class}\">{inner}</div>")
}

#[test]
fn message_inside_a_group_is_its_words() {
    let expected = said("", &bubble("", "<p>Hello</p>"));
    assert_eq!(html(Row::Message(message("Hello"))), expected);
    let page = written(Row::Message(message("Hello")), Vec::new());
    assert!(page.matches("<!>").count() <= 8, "each comment is a node of 2,000 rows: {page}");
}

#[test]
fn message_around_a_group_has_author_time_and_avatar() {
    let row = Row::Message(MessageRow { first_of_group: true, last_of_group: true, ..message("Hello") });
    let expected = "<span aria-hidden=\"true\" translate=\"no\" class=\"avatar hue-2\">An</span><div class=\"by\"><bdi \
                    translate=\"no\" class=\"name\">Ana</bdi><time datetime=\"1970-01-01T00:00:00Z\">00:00</time></div>";
    assert_eq!(html(row), said(" first last", &(expected.to_owned() + &bubble("", "<p>Hello</p>"))));
}

#[test]
fn message_that_calls_the_reader_says_so() {
    assert!(html(Row::Message(message("hi @me"))).contains(" calls\""));
    assert!(!html(Row::Message(MessageRow { own: true, ..message("hi @me") })).contains(" calls\""));
}

#[test]
fn emoji_alone_are_big_unless_they_answer() {
    let reply = Quote { target: id(4), by: None, name: None, body: None, place: QuotePlace::Unknown };
    assert!(html(Row::Message(message("👍 🎉"))).contains("class=\"message big\">"));
    let ignored = Quote { place: QuotePlace::Ignored, ..reply.clone() };
    let answer = html(Row::Message(MessageRow { reply: Some(ignored), ..message("So?") }));
    assert!(answer.contains("a message of somebody you ignore"), "{answer}");
    let answer = html(Row::Message(MessageRow { reply: Some(reply), ..message("👍") }));
    assert!(
        answer.contains("class=\"message\"><span class=\"quote\"><span dir=\"auto\">an earlier message</span></span>")
    );
}

#[test]
fn quote_of_what_is_here_is_a_button() {
    let by = MemberId(Uuid::from_u128(2));
    let name = message("").name;
    let quote = |body: Option<MessageBody>| Quote {
        target: id(4),
        by: Some(by),
        name: name.clone(),
        body,
        place: QuotePlace::Here,
    };
    let shown = |body| html(Row::Message(MessageRow { reply: Some(quote(body)), ..message("Hello") }));
    let button = "<button type=\"button\" tabindex=\"-1\" class=\"quote hue-2\"><b><bdi translate=\"no\">Ana</bdi></b> <span \
                  dir=\"auto\">";
    assert!(shown("a\n> **b**".parse().ok()).contains(&format!("{button}a b</span></button>")));
    assert!(shown(None).contains(&format!("{button}Message deleted</span></button>")));
    let long = "long ".repeat(100);
    assert!(shown(long.parse().ok()).contains(&format!("{button}{}…</span>", &long[..EXCERPT])));
}

#[test]
fn what_stands_below_a_message_follows_it() {
    let reaction = Reaction { emoji: "👍".parse().unwrap(), count: 3, own: true, who: vec![shown("Ana")] };
    let row = MessageRow { edited: true, reactions: Arc::new(vec![reaction]), ..message("Hello") };
    let expected = "<small class=\"edited\">edited</small><div class=\"reactions\"><button type=\"button\" tabindex=\"-1\" \
                    aria-pressed=\"true\" title=\"Ana and 2 more\">👍 3</button></div>";
    assert!(html(Row::Message(row)).ends_with(&format!("{expected}</div>")));
    let pending = MessageRow { state: RowState::Pending { since: 0, waiting: None }, ..message("Hello") };
    assert!(html(Row::Message(pending)).ends_with("<div class=\"state pending hidden\">Sending…</div></div>"));
    let waits = |error| {
        let waiting = Some(Wait { error, from: 0, until: 12_000 });
        html(Row::Message(MessageRow { state: RowState::Pending { since: 0, waiting }, ..message("Hello") }))
    };
    assert!(waits(ErrorCode::Rate).ends_with("<div class=\"state\">Will be sent in 12 s</div></div>"));
    assert!(waits(ErrorCode::Storage).contains("The server cannot store messages right now."));
    let refused = |error| html(Row::Message(MessageRow { state: RowState::Refused(error), ..message("Hello") }));
    assert!(refused(ErrorCode::Storage).contains("class=\"message failed\">"));
    assert!(refused(ErrorCode::Storage).ends_with(
        "<button type=\"button\">Retry</button><button type=\"button\">Edit</button><button \
         type=\"button\">Delete</button></div></div>"
    ));
    assert!(!refused(ErrorCode::NoTarget).contains("Retry"));
    let too_old = refused(ErrorCode::TooOld);
    assert!(too_old.contains("This may have been sent already") && too_old.contains(">Edit<"), "{too_old}");
    assert!(!too_old.contains("Retry"), "under the same id it is refused again: {too_old}");
}

#[test]
fn deleted_message_has_no_words() {
    let row = Row::Message(MessageRow { body: None, edited: true, ..message("Hello") });
    assert_eq!(html(row), said("", &bubble(" gone", "Message deleted")));
}

#[test]
fn day_unread_and_line_are_rows_of_their_own() {
    let day = Row::Day(DayRow { day: 3, at: 0 });
    assert_eq!(html(day), "<div class=\"day\"><time datetime=\"1970-01-04\">1970-01-04</time></div>");
    let unread = Row::Unread(UnreadRow { first: id(3), count: 2 });
    assert_eq!(html(unread), "<div class=\"unread\">2 new messages</div>");
    let joined = |name: &str| SeatChange {
        member: MemberId(Uuid::nil()),
        name: Some(shown(name)),
        own: false,
        kind: SeatChangeKind::Joined,
    };
    let line = Row::Roster(RosterRow { id: id(3), at: 0, changes: Arc::new(vec![joined("Ana"), joined("Bo")]) });
    assert_eq!(
        html(line),
        "<div class=\"line\"><bdi translate=\"no\">Ana</bdi> and <bdi translate=\"no\">Bo</bdi> joined</div>"
    );
}

#[test]
fn message_that_came_with_the_page_is_drawn_as_the_server_read_it() {
    let nodes = vec![Node::Paragraph(vec![Node::Italic(vec![Node::Text("read".to_owned())])])];
    let markup = vec![MessageMarkup { id: id(3), nodes }];
    let shown = |id, markup| written(Row::Message(MessageRow { id, ..message("**marks**") }), markup);
    let read = |id, markup| shown(id, markup).replace("<!>", "");
    assert!(read(id(3), markup.clone()).contains("<p><em>read</em></p>"));
    assert!(read(id(4), markup).contains("<p><strong>marks</strong></p>"));
    assert!(read(id(3), Vec::new()).contains("<p><strong>marks</strong></p>"));
}
