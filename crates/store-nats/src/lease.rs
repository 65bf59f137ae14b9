//! Leases in the store, so that every node can see which have expired.
//!
//! Each lease is a message that the server removes some time after the lease expires. The time of expiry is in the
//! message: it is set by the clock of the node that holds the lease and compared with the clocks of the others. A
//! connection renews its lease at every third of its duration, so clocks may differ by up to two thirds of a lease
//! before a connected member loses the seat.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ::store::{BackendError, Lease, Seat};
use async_nats::HeaderMap;
use protocol::{MemberId, RoomId};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::clock::Clock;
use super::record::{Held, decode};
use super::store::{Answer, CommitError, EXPECTED, Put, Store};
use super::subject::id_of;

/// Time for which a lease is stored after its end: clocks differ, and other nodes must see that it ended.
const REMAINS: Duration = Duration::from_secs(10);
/// Time for which a heartbeat is stored.
const BEAT: Duration = Duration::from_secs(60);
/// Time for which a seat counts as held if it has too many leases to read, or an unreadable one. Later checks extend it
/// while those leases exist.
const UNKNOWN: Duration = Duration::from_secs(10);

pub(super) async fn hold(store: &Store, lease: Lease, held: Held, ttl: Duration) -> Result<(), BackendError> {
    let put = Put::new(store.names.lease(lease), &held)?;
    publish(store, put, ttl + REMAINS).await.map(drop)
}

pub(super) async fn release(store: &Store, lease: Lease) -> Result<(), BackendError> {
    publish(store, Put::empty(store.names.lease(lease)), REMAINS).await.map(drop)
}

/// Writes a heartbeat of this process to the stream of leases and returns its stream sequence. Success proves that
/// leases can be renewed now, and that the stream has not been lost since the previous heartbeat. Two concurrent
/// heartbeats of one process can each conclude that it was lost; every seat then gets a fresh grace period.
pub(super) async fn beat(store: &Store) -> Result<u64, BackendError> {
    // Unknown until this heartbeat is known to be stored.
    let before = store.beat.swap(0, Ordering::Relaxed);
    let put = Put { expect: (before > 0).then_some(before), ..Put::empty(store.names.beat(&store.process)) };
    let beat = match publish(store, put, BEAT).await {
        Ok(beat) => beat,
        Err(BackendError::Conflict) => return Err(store.trouble("the leases are lost")),
        Err(error) => return Err(error),
    };
    store.beat.store(beat, Ordering::Relaxed);
    Ok(beat)
}

/// Reads these seats' leases, with the time of expiry of each. `beat` is a heartbeat of this process: the answer of a
/// replica that does not have it is not used. The operation's time limit bounds the number of retries.
pub(super) async fn read(
    store: &Store,
    clock: &Clock,
    seats: &[Seat],
    beat: u64,
    now: Instant,
) -> Result<HashMap<(RoomId, MemberId), Vec<(Uuid, Instant)>>, BackendError> {
    let (stream, mark) = (store.names.lease_stream(), store.names.beat(&store.process));
    let mut leases = HashMap::<_, Vec<_>>::new();
    let mut parts = vec![seats];
    while let Some(part) = parts.pop() {
        let asked: Vec<_> = part.iter().map(|seat| store.names.leases_of(seat.room, seat.member)).collect();
        let found = match store.view(&stream, (&mark, beat), &asked).await? {
            Answer::Known(found) => found,
            Answer::Behind => {
                sleep(Duration::from_millis(2)).await;
                parts.push(part);
                continue;
            }
            Answer::TooMany if part.len() > 1 => {
                parts.extend(<[_; 2]>::from(part.split_at(part.len() / 2)));
                continue;
            }
            Answer::TooMany => {
                let held = |seat: &Seat| ((seat.room, seat.member), vec![(Uuid::max(), now + UNKNOWN)]);
                leases.extend(part.iter().map(held));
                continue;
            }
        };
        for (subject, found) in found.iter().filter(|(_, found)| !found.payload.is_empty()) {
            let Some((seat, id)) = part.iter().find_map(|seat| Some((seat, lease_of(seat, subject)?))) else {
                continue;
            };
            let until = match decode::<Held>(&found.payload) {
                Ok(held) if held.joined == seat.joined => clock.instant(held.until, now),
                Ok(_) => continue,
                // Damaged, or written by a later version: the seat counts as held until the server removes the message.
                Err(_) => now + UNKNOWN,
            };
            leases.entry((seat.room, seat.member)).or_default().push((id, until));
        }
    }
    Ok(leases)
}

/// Returns the lease's id if the subject is that of a lease on this seat.
fn lease_of(seat: &Seat, subject: &str) -> Option<Uuid> {
    let (id, member) = (id_of(subject)?, subject.split('.').nth(3)?);
    let own = id == seat.room && Uuid::parse_str(member).is_ok_and(|member| member == seat.member.0);
    own.then(|| subject.split('.').nth(4).and_then(|id| Uuid::parse_str(id).ok())).flatten()
}

async fn publish(store: &Store, put: Put, stored: Duration) -> Result<u64, BackendError> {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-TTL", format!("{}s", stored.as_secs().max(1)).as_str());
    let Put { subject, payload, expect } = put;
    if let Some(seq) = expect {
        headers.insert(EXPECTED, seq.to_string().as_str());
    }
    store.publish(subject, headers, payload).await.map_err(|error| match error {
        CommitError::Conflict => BackendError::Conflict,
        CommitError::Failed(error) => error,
    })
}
