//! Law of presence updates: they reach the current subscribers and are never stored.

use super::Fixture;
use super::support::{latest, member, message, nowhere, room_of, stored, typing, unbroken};
use crate::{Delivery, PresenceKind, PresenceUpdate};

pub async fn law_09_presence_update_reaches_subscribers_and_is_not_stored(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (here, there) = (room_of(&*store, 50, &[1, 2]).await, room_of(&*store, 50, &[1]).await);
    let (room, log) = (store.room(here).await.unwrap(), latest(&*store, here).await);
    let mut listeners = [store.subscribe(here).await.unwrap(), store.subscribe(here).await.unwrap()];
    let mut elsewhere = store.subscribe(there).await.unwrap();
    let updates = [
        typing(1),
        PresenceUpdate { member: member(1), kind: PresenceKind::Away { until: 7 } },
        PresenceUpdate { member: member(1), kind: PresenceKind::Back },
    ];
    for update in updates {
        store.send_presence(here, update).await.unwrap();
    }
    store.send_presence(nowhere(), typing(1)).await.unwrap();
    for listener in &mut listeners {
        for update in updates {
            assert_eq!(listener.deliveries.recv().await, Some(Delivery::Presence(update)));
        }
    }
    // No update is kept: not in the room, not in the log, not for later subscribers or those of other rooms.
    let mut late = store.subscribe(here).await.unwrap();
    assert_eq!((store.room(here).await.unwrap(), latest(&*store, here).await), (room, log));
    let event = stored(store.append(here, message(1, "done")).await);
    assert_eq!(late.deliveries.recv().await, Some(Delivery::Event(event.into())));
    stored(store.append(there, message(1, "?")).await);
    assert!(matches!(elsewhere.deliveries.recv().await, Some(Delivery::Event(_))));
}

pub async fn law_09_presence_updates_cost_a_slow_subscriber_no_event(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let id = room_of(&*store, 50, &[1]).await;
    let mut asleep = store.subscribe(id).await.unwrap();
    let mut said = Vec::new();
    for n in 0..100 {
        for _ in 0..100 {
            store.send_presence(id, typing(1)).await.unwrap();
        }
        said.push(stored(store.append(id, message(1, &format!("{n}"))).await));
    }
    store.close().await;
    let (mut heard, mut updates) = (Vec::new(), 0);
    while let Some(delivery) = asleep.deliveries.recv().await {
        match delivery {
            Delivery::Event(event) => heard.push((*event).clone()),
            Delivery::Presence(_) => updates += 1,
            Delivery::PresenceRequest => panic!("no other node listens"),
            Delivery::Ended => panic!("the room has not ended"),
        }
    }
    unbroken(&heard);
    assert_eq!(heard, said);
    assert!(updates > 0, "no update arrived");
}
