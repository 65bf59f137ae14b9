//! Law of signals: they reach the current subscribers and are never stored.

use super::Fixture;
use super::support::{latest, member, message, nowhere, room_of, stored, typing, unbroken};
use crate::{Delivery, Sign, Signal};

pub async fn law_09_signal_reaches_subscribers_and_is_not_stored(fixture: &impl Fixture) {
    let backend = fixture.open().await;
    let (here, there) = (room_of(&*backend, 50, &[1, 2]).await, room_of(&*backend, 50, &[1]).await);
    let (room, log) = (backend.room(here).await.unwrap(), latest(&*backend, here).await);
    let mut listeners = [backend.subscribe(here).await.unwrap(), backend.subscribe(here).await.unwrap()];
    let mut elsewhere = backend.subscribe(there).await.unwrap();
    let signals = [
        typing(1),
        Signal { member: member(1), sign: Sign::Away { until: 7 } },
        Signal { member: member(1), sign: Sign::Back },
    ];
    for signal in signals {
        backend.signal(here, signal).await.unwrap();
    }
    backend.signal(nowhere(), typing(1)).await.unwrap();
    for listener in &mut listeners {
        for signal in signals {
            assert_eq!(listener.deliveries.recv().await, Some(Delivery::Signal(signal)));
        }
    }
    // No signal is kept: not in the room, not in the log, not for later subscribers or those of other rooms.
    let mut late = backend.subscribe(here).await.unwrap();
    assert_eq!((backend.room(here).await.unwrap(), latest(&*backend, here).await), (room, log));
    let event = stored(backend.append(here, message(1, "done")).await);
    assert_eq!(late.deliveries.recv().await, Some(Delivery::Event(event.into())));
    stored(backend.append(there, message(1, "?")).await);
    assert!(matches!(elsewhere.deliveries.recv().await, Some(Delivery::Event(_))));
}

pub async fn law_09_signals_cost_a_slow_subscriber_no_event(fixture: &impl Fixture) {
    let backend = fixture.open().await;
    let id = room_of(&*backend, 50, &[1]).await;
    let mut asleep = backend.subscribe(id).await.unwrap();
    let mut said = Vec::new();
    for n in 0..100 {
        for _ in 0..100 {
            backend.signal(id, typing(1)).await.unwrap();
        }
        said.push(stored(backend.append(id, message(1, &format!("{n}"))).await));
    }
    backend.close().await;
    let (mut heard, mut signals) = (Vec::new(), 0);
    while let Some(delivery) = asleep.deliveries.recv().await {
        match delivery {
            Delivery::Event(event) => heard.push((*event).clone()),
            Delivery::Signal(_) => signals += 1,
            Delivery::RollCall => panic!("no other node listens"),
            Delivery::Ended => panic!("the room has not ended"),
        }
    }
    unbroken(&heard);
    assert_eq!(heard, said);
    assert!(signals > 0, "no signal arrived");
}
