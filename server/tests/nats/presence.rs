//! Presence between nodes: real sessions of several servers on one store.

use protocol::{ClientFrame, MemberId, ServerFrame};
use testkit::browser::{Person, Socket};
use testkit::faulty::StoreFault;
use testkit::nats::store_url;
use testkit::within;

use crate::program::Server;

async fn two_servers() -> (Server, Server) {
    let url = store_url();
    (Server::at(url.clone(), &[]).await, Server::at(url, &[]).await)
}

/// Waits for the signal that this member is away, or present again.
async fn wait_for_away(socket: &mut Socket, who: MemberId, is_away: bool) {
    loop {
        match socket.signal().await {
            ServerFrame::Signal { member, away: Some(away), .. } if (member, away) == (who, is_away) => return,
            _ => {}
        }
    }
}

/// Waits until new connections of this person see these members as away, in the order in which they joined.
async fn wait_until_away_are(person: &Person, away: &[MemberId]) {
    within(async { while person.connect().await.away_members() != away {} }).await;
}

/// Sends a typing signal, which must be the next one that arrives.
async fn expect_typing_next(typist: &mut Socket, who: MemberId, listener: &mut Socket) {
    typist.send(&ClientFrame::Signal { typing: true }).await;
    let next = listener.signal().await;
    assert!(matches!(next, ServerFrame::Signal { member, typing: Some(true), .. } if member == who), "{next:?}");
}

#[tokio::test]
async fn last_connection_to_a_room_on_a_node_is_announced_as_away_when_it_ends() {
    let (here, there) = two_servers().await;
    let ana = Person::create(&here, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&there, ana.code, "Bo").await;
    for _ in 0..3 {
        drop(bo.connect().await);
        wait_for_away(&mut at_ana, bo.me, true).await;
        assert_eq!(ana.connect().await.away_members(), [bo.me]);
        let at_bo = bo.connect().await;
        wait_for_away(&mut at_ana, bo.me, false).await;
        assert_eq!(ana.connect().await.away_members(), []);
        drop(at_bo);
        wait_for_away(&mut at_ana, bo.me, true).await;
    }
}

#[tokio::test]
async fn member_with_connections_to_two_nodes_is_away_after_the_last_of_them() {
    let (here, there) = two_servers().await;
    let ana = Person::create(&here, "Ana").await;
    let mut at_ana = ana.connect().await;
    let chidi = Person::join(&there, ana.code, "Chidi").await;
    let mut at_chidi = chidi.connect().await;
    let mut bo = Person::join(&here, ana.code, "Bo").await;
    let at_bo = bo.connect().await;
    bo.follow(&there);
    let also_at_bo = bo.connect().await;

    // The other node contradicts, and Ana, who is connected to it, hears nothing.
    drop(also_at_bo);
    wait_for_away(&mut at_chidi, bo.me, true).await;
    wait_for_away(&mut at_chidi, bo.me, false).await;
    expect_typing_next(&mut at_chidi, chidi.me, &mut at_ana).await;
    drop(at_bo);
    wait_for_away(&mut at_ana, bo.me, true).await;
    wait_for_away(&mut at_chidi, bo.me, true).await;
}

#[tokio::test]
async fn node_that_subscribes_later_asks_who_is_present() {
    let (here, there) = two_servers().await;
    let ana = Person::create(&here, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&here, ana.code, "Bo").await;
    let chidi = Person::join(&there, ana.code, "Chidi").await;
    let mut at_chidi = chidi.connect().await;
    wait_until_away_are(&chidi, &[bo.me]).await;
    // Bo has joined before the other node subscribed, and connects after that.
    let _at_bo = bo.connect().await;
    wait_until_away_are(&chidi, &[]).await;
    // Nobody who knew it is informed again.
    expect_typing_next(&mut at_chidi, chidi.me, &mut at_ana).await;
}

#[tokio::test]
async fn presence_updates_missed_during_an_interruption_are_asked_for() {
    let url = store_url();
    let (here, later) = (Server::at(url.clone(), &[]).await, Server::at(url.clone(), &[]).await);
    let (there, store) = Server::troubled_at(url, &[]).await;
    let ana = Person::create(&here, "Ana").await;
    let mut at_ana = ana.connect().await;
    let bo = Person::join(&here, ana.code, "Bo").await;
    let at_bo = bo.connect().await;
    let chidi = Person::join(&here, ana.code, "Chidi").await;
    let dana = Person::join(&there, ana.code, "Dana").await;
    let _at_dana = dana.connect().await;
    let eve = Person::join(&later, ana.code, "Eve").await;
    // Eve has joined after this node subscribed, Chidi before.
    wait_until_away_are(&dana, &[chidi.me]).await;

    store.make(StoreFault::Deaf);
    drop(at_bo);
    wait_for_away(&mut at_ana, bo.me, true).await;
    let (_at_chidi, _at_eve) = (chidi.connect().await, eve.connect().await);
    wait_until_away_are(&eve, &[bo.me, dana.me]).await;
    store.heal();
    wait_until_away_are(&dana, &[bo.me]).await;
    wait_until_away_are(&eve, &[bo.me]).await;
}
