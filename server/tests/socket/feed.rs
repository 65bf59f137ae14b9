//! Sessions of a room whose feed lags behind the log or is interrupted.

use protocol::{ClientFrame, LeaveReason};
use testkit::browser::Person;
use testkit::faulty::StoreFault;

use crate::support::Server;

/// The feed delivers `left` and `joined` of a member whose session was welcomed after both.
#[tokio::test]
async fn seat_freed_before_the_welcome_does_not_close_the_connection() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let mut at_ana = ana.connect().await;
    store.make(StoreFault::Lags);
    let code = ana.code.to_string();
    bo.browser.submit("/api/leave_room", &[("code", &code)]).await;
    bo.browser.enter(&[("name", "Bo again"), ("code", &code)]).await;
    let mut at_bo = bo.connect().await;
    assert_eq!(at_bo.replay.len(), 4, "not welcomed after the second `joined`");

    store.deliver(1);
    assert_eq!(at_ana.left().await, (bo.me, LeaveReason::Choice));
    // A session looks at its seat before it reads the next frame, so the second answer proves that the seat counts.
    at_bo.is_well(1).await;
    at_bo.is_well(2).await;
    store.heal();
    assert_eq!(at_ana.joined().await, (bo.me, "Bo again".to_owned()));

    // A `left` after the welcome closes the connection.
    at_bo.send(&ClientFrame::Leave).await;
    assert_eq!(at_bo.end().await, 1000);
}

#[tokio::test]
async fn seats_freed_and_taken_while_the_feed_was_interrupted_are_noticed() {
    let (server, store) = Server::troubled(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let mut bo = Person::join(&server, ana.code, "Bo").await;
    let mut chidi = Person::join(&server, ana.code, "Chidi").await;
    let (mut at_ana, mut at_bo, mut at_chidi) = (ana.connect().await, bo.connect().await, chidi.connect().await);
    let code = ana.code.to_string();

    store.make(StoreFault::Deaf);
    for browser in [&mut bo.browser, &mut chidi.browser] {
        browser.submit("/api/leave_room", &[("code", &code)]).await;
    }
    chidi.browser.enter(&[("name", "Chidi again"), ("code", &code)]).await;
    let dana = Person::join(&server, ana.code, "Dana").await;
    store.heal();

    assert_eq!(at_bo.end().await, 1000);
    for socket in [&mut at_ana, &mut at_chidi] {
        assert_eq!(socket.left().await, (bo.me, LeaveReason::Choice));
        assert_eq!(socket.left().await, (chidi.me, LeaveReason::Choice));
        assert_eq!(socket.joined().await.0, chidi.me);
        assert_eq!(socket.joined().await.0, dana.me);
    }
    at_chidi.is_well(1).await;
    assert_eq!(ana.connect().await.away_members(), [], "whoever has just joined is present");
}
