//! Who is there, as nodes tell each other.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Member, RoomCode};
use server::backend::{Backend, Sign, Signal};
use server::hub::{Attachment, Hub, News};
use tokio_util::task::TaskTracker;

use crate::nats_server::store_url;
use crate::support::{Store, member, name, room_of, typing};

fn is_away(hub: &Hub, code: RoomCode, n: u64) -> bool {
    let mut seen = [Member { member: member(n), name: name(n), away: false }];
    hub.see(code, &mut seen);
    seen[0].away
}

/// Waits until what this node has said before has been heard by this session's: it says something more. Answers what
/// the session was told of before that.
async fn until_told(node: &Arc<dyn Backend>, code: RoomCode, session: &mut Attachment) -> Vec<String> {
    node.signal(code, typing(3)).await.unwrap();
    let heard = async {
        let mut told = Vec::new();
        loop {
            if let News::Signal(text) = session.news().await.unwrap() {
                let text = String::from_utf8_lossy(&text).into_owned();
                if text.contains("typing") {
                    return told;
                }
                told.push(text);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("nothing is heard")
}

/// Waits until the node says this of the member.
async fn until_away(hub: &Hub, code: RoomCode, n: u64, away: bool) {
    for _ in 0..500 {
        if is_away(hub, code, n) == away {
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
    let mut first = hubs[0].attach(code, member(1)).await.unwrap();
    assert!(first.arrive(), "nobody has been told");
    let second = hubs[1].attach(code, member(2)).await.unwrap();
    until_away(&hubs[1], code, 1, false).await;
    // As a session says it. False: it heard the first node's call, and has answered.
    if second.arrive() {
        there.signal(code, Signal { member: member(2), sign: Sign::Back }).await.unwrap();
    }
    until_away(&hubs[0], code, 2, false).await;

    // A node that comes later is answered, and nobody else is told again.
    until_told(&there, code, &mut first).await;
    let later = Hub::new(store.open().await, tasks.clone(), 8, Arc::default());
    let third = later.attach(code, member(1)).await.unwrap();
    until_away(&later, code, 2, false).await;
    assert_eq!(until_told(&there, code, &mut first).await, [""; 0]);
    drop(third);

    // At both nodes, gone from one: not away. Gone from both: away.
    let again = hubs[0].attach(code, member(2)).await.unwrap();
    drop(second);
    assert!(hubs[1].connections(code, member(2)) == 0);
    let away = Signal { member: member(2), sign: Sign::Away { until: 7 } };
    there.signal(code, away).await.unwrap();
    until_told(&there, code, &mut first).await;
    assert!(!is_away(&hubs[0], code, 2), "one who is connected here is taken for away");
    drop(again);
    assert!(hubs[0].depart(code, member(2)));
    here.signal(code, away).await.unwrap();
    until_away(&hubs[0], code, 2, true).await;
    assert!(!is_away(&hubs[0], code, 1));
}
