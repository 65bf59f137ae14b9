//! Who is there, as nodes tell each other.

use std::sync::Arc;
use std::time::Duration;

use app::protocol::{Member, RoomCode};
use server::backend::{Sign, Signal};
use server::hub::Hub;
use tokio_util::task::TaskTracker;

use crate::nats_server::store_url;
use crate::support::{Store, member, name, room_of};

/// Waits until the node says this of the member.
async fn until_away(hub: &Hub, code: RoomCode, n: u64, away: bool) {
    let look = async || {
        let mut seen = [Member { member: member(n), name: name(n), away }];
        hub.see(code, &mut seen);
        seen[0].away
    };
    for _ in 0..500 {
        if look().await == away {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the node still says away = {}", !away);
}

#[tokio::test]
async fn a_node_knows_who_is_connected_at_another() {
    let store = Store::at(store_url());
    let [here, there] = [store.open().await, store.open().await];
    let tasks = TaskTracker::new();
    let hubs = [
        Hub::new(here.clone(), tasks.clone(), 8, Arc::default()),
        Hub::new(there.clone(), tasks.clone(), 8, Arc::default()),
    ];
    let code = room_of(&*here, 50, &[1, 2]).await;

    // One was there before the other node listened, and says nothing by itself.
    let first = hubs[0].attach(code, member(1)).await.unwrap();
    assert!(first.arrive(), "nobody has been told");
    let second = hubs[1].attach(code, member(2)).await.unwrap();
    until_away(&hubs[1], code, 1, false).await;
    // As a session says it. False: it heard the first node's call, and has answered.
    if second.arrive() {
        there.signal(code, Signal { member: member(2), sign: Sign::Back }).await.unwrap();
    }
    until_away(&hubs[0], code, 2, false).await;

    // At both nodes, gone from one: not away. Gone from both: away.
    let again = hubs[0].attach(code, member(2)).await.unwrap();
    drop(second);
    assert!(hubs[1].connections(code, member(2)) == 0);
    let away = Signal { member: member(2), sign: Sign::Away { until: 7 } };
    there.signal(code, away).await.unwrap();
    until_away(&hubs[0], code, 2, false).await;
    drop(again);
    assert!(hubs[0].depart(code, member(2)));
    here.signal(code, away).await.unwrap();
    until_away(&hubs[0], code, 2, true).await;
    until_away(&hubs[0], code, 1, false).await;
}
