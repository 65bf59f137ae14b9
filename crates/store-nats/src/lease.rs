//! Leases in the store, so that every node can see which have expired.
//!
//! Each lease is a message that the server removes some time after the lease expires. The time of expiry is in the
//! message: it is set by the clock of the node that holds the lease and compared with the clocks of the others. A
//! connection renews its lease at every third of its duration, so clocks may differ by up to two thirds of a lease
//! before a connected member loses the seat.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::store::{ExpiredSeat, Lease, StoreError};
use async_nats::HeaderMap;
use protocol::{MemberId, RoomId};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::clock::Clock;
use super::jetstream::{BatchMessage, CommitError, DirectGet, EXPECTED, JetStream};
use super::record::{LeaseRecord, decode};
use super::subject::id_of;

/// Time for which a lease is stored after its end: clocks differ, and other nodes must see that it ended.
const EXPIRED_LEASE_TTL: Duration = Duration::from_secs(10);
/// Time for which a heartbeat is stored.
const HEARTBEAT_TTL: Duration = Duration::from_secs(60);
/// Time for which a seat counts as held if it has too many leases to read, or an unreadable one. Later checks extend it
/// while those leases exist.
const UNREADABLE_LEASE_HOLD: Duration = Duration::from_secs(10);

pub(super) async fn hold(
    jetstream: &JetStream,
    lease: Lease,
    held: LeaseRecord,
    ttl: Duration,
) -> Result<(), StoreError> {
    let message = BatchMessage::new(jetstream.names.lease(lease), &held)?;
    publish(jetstream, message, ttl + EXPIRED_LEASE_TTL).await.map(drop)
}

pub(super) async fn release(jetstream: &JetStream, lease: Lease) -> Result<(), StoreError> {
    publish(jetstream, BatchMessage::empty(jetstream.names.lease(lease)), EXPIRED_LEASE_TTL).await.map(drop)
}

/// Writes a heartbeat of this process to the stream of leases and returns its stream sequence. Success proves that
/// leases can be renewed now, and that the stream has not been lost since the previous heartbeat. Two concurrent
/// heartbeats of one process can each conclude that it was lost; every seat then gets a fresh grace period.
pub(super) async fn heartbeat(jetstream: &JetStream) -> Result<u64, StoreError> {
    // Unknown until this heartbeat is known to be stored.
    let before = jetstream.last_heartbeat.swap(0, Ordering::Relaxed);
    let message = BatchMessage {
        expect: (before > 0).then_some(before),
        ..BatchMessage::empty(jetstream.names.heartbeat(&jetstream.process))
    };
    let heartbeat = match publish(jetstream, message, HEARTBEAT_TTL).await {
        Ok(heartbeat) => heartbeat,
        Err(StoreError::Conflict) => return Err(jetstream.record_failure("the leases are lost")),
        Err(error) => return Err(error),
    };
    jetstream.last_heartbeat.store(heartbeat, Ordering::Relaxed);
    Ok(heartbeat)
}

/// Reads these seats' leases, with the time of expiry of each. `heartbeat` is a heartbeat of this process: the answer
/// of a replica that does not have it is not used. The operation's time limit bounds the number of retries.
pub(super) async fn read(
    jetstream: &JetStream,
    clock: &Clock,
    seats: &[ExpiredSeat],
    heartbeat: u64,
    now: Instant,
) -> Result<HashMap<(RoomId, MemberId), Vec<(Uuid, Instant)>>, StoreError> {
    let (stream, heartbeat_subject) = (jetstream.names.lease_stream(), jetstream.names.heartbeat(&jetstream.process));
    let mut leases = HashMap::<_, Vec<_>>::new();
    let mut parts = vec![seats];
    while let Some(part) = parts.pop() {
        let asked: Vec<_> = part.iter().map(|seat| jetstream.names.leases_of(seat.room, seat.member)).collect();
        let found = match jetstream.view(&stream, (&heartbeat_subject, heartbeat), &asked).await? {
            DirectGet::Found(found) => found,
            DirectGet::Stale => {
                sleep(Duration::from_millis(2)).await;
                parts.push(part);
                continue;
            }
            DirectGet::TooMany if part.len() > 1 => {
                parts.extend(<[_; 2]>::from(part.split_at(part.len() / 2)));
                continue;
            }
            DirectGet::TooMany => {
                let held =
                    |seat: &ExpiredSeat| ((seat.room, seat.member), vec![(Uuid::max(), now + UNREADABLE_LEASE_HOLD)]);
                leases.extend(part.iter().map(held));
                continue;
            }
        };
        for (subject, found) in found.iter().filter(|(_, found)| !found.payload.is_empty()) {
            let Some((seat, id)) = part.iter().find_map(|seat| Some((seat, lease_of(seat, subject)?))) else {
                continue;
            };
            let until = match decode::<LeaseRecord>(&found.payload) {
                Ok(held) if held.joined == seat.joined => clock.instant(held.until, now),
                Ok(_) => continue,
                // Damaged, or written by a later version: the seat counts as held until the server removes the message.
                Err(_) => now + UNREADABLE_LEASE_HOLD,
            };
            leases.entry((seat.room, seat.member)).or_default().push((id, until));
        }
    }
    Ok(leases)
}

/// Returns the lease's id if the subject is that of a lease on this seat.
fn lease_of(seat: &ExpiredSeat, subject: &str) -> Option<Uuid> {
    let (id, member) = (id_of(subject)?, subject.split('.').nth(3)?);
    let own = id == seat.room && Uuid::parse_str(member).is_ok_and(|member| member == seat.member.0);
    own.then(|| subject.split('.').nth(4).and_then(|id| Uuid::parse_str(id).ok())).flatten()
}

async fn publish(jetstream: &JetStream, message: BatchMessage, stored: Duration) -> Result<u64, StoreError> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-TTL", format!("{}s", stored.as_secs().max(1)).as_str());
    let BatchMessage { subject, payload, expect } = message;
    if let Some(seq) = expect {
        headers.insert(EXPECTED, seq.to_string().as_str());
    }
    jetstream.publish(subject, headers, payload).await.map_err(|error| match error {
        CommitError::Conflict => StoreError::Conflict,
        CommitError::Failed(error) => error,
    })
}
