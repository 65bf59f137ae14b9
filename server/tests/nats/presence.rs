//! Presence updates between nodes.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Member, RoomId};
use server::hub::{Attachment, Hub, Notification};
use store::{PresenceKind, PresenceUpdate, Store};
use testkit::nats::store_url;
use tokio_util::task::TaskTracker;

use crate::support::{TestStore, member, name, room_of, typing};

fn is_away(hub: &Hub, id: RoomId, n: u64) -> bool {
    let mut seen = [Member { member: member(n), name: name(n), away: false }];
    hub.set_away_flags(id, &mut seen);
    seen[0].away
}

/// Waits until every signal that this node has sent has reached the session, by sending one more (`typing`). Returns
/// the other signals that the session received.
async fn drain_signals(node: &Arc<dyn Store>, id: RoomId, session: &mut Attachment) -> Vec<String> {
    node.send_presence(id, typing(3)).await.unwrap();
    let heard = async {
        let mut told = Vec::new();
        loop {
            if let Notification::Signal(text) = session.next_notification().await.unwrap() {
                let text = String::from_utf8_lossy(&text).into_owned();
                if text.contains("typing") {
                    return told;
                }
                told.push(text);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("no signal arrived")
}

/// Waits until the hub reports this `away` for the member. Panics after 5 s.
async fn wait_until_away_is(hub: &Hub, id: RoomId, n: u64, away: bool) {
    for _ in 0..500 {
        if is_away(hub, id, n) == away {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the node still says away = {}", !away);
}

#[tokio::test]
async fn node_knows_members_connected_to_another_node() {
    let store = TestStore::at(store_url());
    let [here, there] = [store.open().await, store.open().await];
    let tasks = TaskTracker::new();
    let hubs = [
        Hub::new(here.clone(), tasks.clone(), 8, Arc::default()),
        Hub::new(there.clone(), tasks.clone(), 8, Arc::default()),
    ];
    let id = room_of(&*here, 50, &[1, 2]).await;

    // The first member connected before the other node listened, and announces nothing again.
    let mut first = hubs[0].attach(id, member(1)).await.unwrap();
    assert!(first.mark_present(), "the member is already taken for present");
    let second = hubs[1].attach(id, member(2)).await.unwrap();
    wait_until_away_is(&hubs[1], id, 1, false).await;
    // A session does the same. `mark_present` is false if this node has already answered the first node's presence
    // request.
    if second.mark_present() {
        there.send_presence(id, PresenceUpdate { member: member(2), kind: PresenceKind::Back }).await.unwrap();
    }
    wait_until_away_is(&hubs[0], id, 2, false).await;

    // A node that starts later gets its answers, and sessions are not notified a second time.
    drain_signals(&there, id, &mut first).await;
    let later = Hub::new(store.open().await, tasks.clone(), 8, Arc::default());
    let third = later.attach(id, member(1)).await.unwrap();
    wait_until_away_is(&later, id, 2, false).await;
    assert_eq!(drain_signals(&there, id, &mut first).await, [""; 0]);
    drop(third);

    // Connected to both nodes and gone from one: not away. Gone from both: away.
    let again = hubs[0].attach(id, member(2)).await.unwrap();
    drop(second);
    assert!(hubs[1].connections(id, member(2)) == 0);
    let away = PresenceUpdate { member: member(2), kind: PresenceKind::Away { until: 7 } };
    there.send_presence(id, away).await.unwrap();
    drain_signals(&there, id, &mut first).await;
    assert!(!is_away(&hubs[0], id, 2), "a member who is connected to this node is shown as away");
    drop(again);
    assert!(hubs[0].connection_ended(id, member(2)));
    here.send_presence(id, away).await.unwrap();
    wait_until_away_is(&hubs[0], id, 2, true).await;
    assert!(!is_away(&hubs[0], id, 1));
}
