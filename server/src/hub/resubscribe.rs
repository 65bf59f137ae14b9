//! Continues the feed of a room whose subscription was lost, and catches up with the joins and leaves that it missed.

use std::time::Duration;

use protocol::{Event, EventKind, Position, RoomId, Seq};
use store::{ReadFrom, StoreError, Subscription};

use super::feed::Feed;
use super::shared::Shared;

/// Maximum number of missed events per read from the log.
const READ: usize = 200;
/// Delay before a lost subscription is retried: the first one, and the maximum.
const RETRY_DELAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Subscribes again, after a subscription that was lost at `head`, and retries until that succeeds. Returns `None` if
/// the room has ended meanwhile.
pub(super) async fn subscribe_again(hub: &Shared, id: RoomId, feed: &Feed, head: Position) -> Option<Subscription> {
    let mut pause = RETRY_DELAY.0;
    loop {
        match resume(hub, id, feed, head).await {
            Ok(subscription) => return Some(subscription),
            Err(StoreError::NotFound) => return None,
            Err(error) => {
                if pause == RETRY_DELAY.0 {
                    tracing::warn!(source = ?std::error::Error::source(&error), "a room's feed is interrupted");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_DELAY.1);
            }
        }
    }
}

/// Subscribes, and brings the room's presence up to the new head.
async fn resume(hub: &Shared, id: RoomId, feed: &Feed, head: Position) -> Result<Subscription, StoreError> {
    let subscription = hub.store.subscribe(id).await?;
    if subscription.head.epoch != head.epoch {
        return Err(StoreError::NotFound);
    }
    let missed = missed_changes(hub, id, head, subscription.head.seq).await?;
    feed.presence(|presence| presence.resume(&missed));
    Ok(subscription)
}

/// Reads from the log who joined and left, and what the host changed, after a position and up to a head, as far as that part of the log was neither
/// trimmed nor damaged. A session whose seat was freed in the rest ends when its lease cannot be renewed.
async fn missed_changes(hub: &Shared, id: RoomId, mut after: Position, head: Seq) -> Result<Vec<Event>, StoreError> {
    let mut missed = Vec::new();
    while after.seq < head {
        let page = match hub.store.read(id, ReadFrom::After(after), READ).await {
            Err(StoreError::Reset | StoreError::Corrupt(_)) => break,
            page => page?,
        };
        let Some(last) = page.events.last() else { break };
        after.seq = last.seq;
        // Events after the head are delivered by the subscription.
        missed.extend(page.events.into_iter().filter(|event| {
            use EventKind::{Host, Joined, Left, Settings};
            event.seq <= head && matches!(event.kind, Joined { .. } | Left { .. } | Settings(_) | Host { .. })
        }));
    }
    Ok(missed)
}
