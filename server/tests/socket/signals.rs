//! Presence signals: typing, away and back. They arrive in order, so the next signal also proves that no other one came
//! before it.

use std::time::Duration;

use protocol::{ClientFrame, LeaveReason, MemberId, ServerFrame};
use server::clock;
use tokio::time::sleep;

use crate::support::Server;
use testkit::browser::Person;
use testkit::faulty::StoreFault;

fn typing(member: MemberId, typing: bool) -> ServerFrame {
    ServerFrame::Signal { member, typing: Some(typing), away: None, until: None }
}

fn back(member: MemberId) -> ServerFrame {
    ServerFrame::Signal { member, typing: None, away: Some(false), until: None }
}

#[tokio::test]
async fn typing_signal_reaches_only_the_other_members() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let (mut tab, mut other_tab) = (ana.connect().await, ana.connect().await);
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_bo = bo.connect().await;
    for on in [true, false] {
        tab.send(&ClientFrame::Signal { typing: on }).await;
        assert_eq!(at_bo.signal().await, typing(ana.me, on));
    }
    at_bo.send(&ClientFrame::Signal { typing: true }).await;
    for socket in [&mut tab, &mut other_tab] {
        assert_eq!(socket.joined().await.0, bo.me);
        assert_eq!(socket.signal().await, typing(bo.me, true), "Ana got her own signal back, or Bo was away");
    }
    // Signals are not stored in the log.
    assert_eq!(bo.connect().await.replay.len(), 2);
}

#[tokio::test]
async fn typing_signals_above_the_rate_are_dropped_and_close_nothing() {
    const TOO_MANY: usize = 200;
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_bo = bo.connect().await;
    assert_eq!(at_ana.joined().await.0, bo.me);
    for _ in 0..TOO_MANY {
        at_ana.send(&ClientFrame::Signal { typing: true }).await;
    }
    at_ana.is_well(1).await;
    sleep(Duration::from_millis(1_100)).await;
    at_ana.send(&ClientFrame::Signal { typing: false }).await;
    let mut heard = 0;
    while at_bo.signal().await == typing(ana.me, true) {
        heard += 1;
    }
    assert!((1..TOO_MANY / 4).contains(&heard), "{heard} of {TOO_MANY}");
    assert_eq!(at_ana.said("done").await, at_bo.event().await);
}

#[tokio::test]
async fn member_without_a_connection_is_away_until_the_grace_period_ends() {
    const GRACE_MS: u64 = 30_000;
    let server = Server::start(&["--grace-ms=30000"]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let chidi = Person::join(&server, ana.code, "Chidi").await;
    let (tab, other_tab, at_chidi) = (bo.connect().await, bo.connect().await, chidi.connect().await);
    assert_eq!(at_chidi.away_members(), []);

    // Neither the first connection of a member nor the end of one of two is signalled.
    drop(tab);
    drop(at_chidi);
    at_ana.away(chidi.me).await;
    let before = clock::unix_ms() + GRACE_MS;
    drop(other_tab);
    let until = at_ana.away(bo.me).await;
    assert!((before..=clock::unix_ms() + GRACE_MS).contains(&until), "{until}");
    assert_eq!(ana.connect().await.away_members(), [bo.me, chidi.me]);
    let visit = ana.browser.call("/api/room_snapshot", &[("code", &ana.code.to_string())]).await.json();
    let members = visit["Inside"]["snapshot"]["members"].as_array().unwrap();
    let shown: Vec<_> = members.iter().map(|seated| seated["away"].as_bool().unwrap_or_default()).collect();
    assert_eq!(shown, [false, true, true]);

    let at_bo = bo.connect().await;
    assert_eq!(at_ana.signal().await, back(bo.me));
    assert_eq!(at_bo.away_members(), [chidi.me]);
    assert_eq!(ana.connect().await.away_members(), [chidi.me]);
    let second = bo.connect().await;
    drop((at_bo, second));
    at_ana.away(bo.me).await;
}

#[tokio::test]
async fn member_whose_session_panicked_is_away() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    let mut at_bo = Person::join(&server, ana.code, "Bo").await.connect().await;
    store.make(StoreFault::Panics("append"));
    at_bo.say("nobody stores this").await;
    at_ana.away(at_bo.welcome().member).await;
}

#[tokio::test]
async fn member_who_joined_before_the_feed_began_is_away_until_they_connect() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_ana = ana.connect().await;
    assert_eq!(at_ana.away_members(), [bo.me]);
    let _at_bo = bo.connect().await;
    assert_eq!(at_ana.signal().await, back(bo.me));
}

#[tokio::test]
async fn leaving_member_is_not_signalled_as_away() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let chidi = Person::join(&server, ana.code, "Chidi").await;
    let (mut at_bo, at_chidi) = (bo.connect().await, chidi.connect().await);
    at_bo.send(&ClientFrame::Leave).await;
    assert_eq!(at_bo.end().await, 1000);
    drop(at_bo);
    for who in [&bo, &chidi] {
        assert_eq!(at_ana.joined().await.0, who.me);
    }
    assert_eq!(at_ana.left().await, (bo.me, LeaveReason::Choice));
    drop(at_chidi);
    at_ana.away(chidi.me).await;
}
