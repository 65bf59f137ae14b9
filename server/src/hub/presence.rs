//! Presence in one room, as this node knows it: who is connected to it, who is present, and whose seat was freed. No
//! I/O.

use std::collections::HashMap;
use std::time::Duration;

use protocol::{Event, EventKind, LeaveReason, Member, MemberId, RoomChange, Seq};
use store::{PresenceKind, PresenceUpdate, Room};

/// Presence of a room's members.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// Connections to this node, of each member who has one.
    connections: HashMap<MemberId, Connections>,
    /// Present members: connected to any node, as far as this node knows, or just joined.
    present: HashMap<MemberId, Known>,
    /// Connected members whose seats were freed, and the event that freed each: their connections end after it.
    freed: HashMap<MemberId, (Seq, LeaveReason)>,
    /// Restriction of writing by the host.
    pub(super) restriction: Restriction,
}

/// Restriction of writing in a room, as of one of its events.
#[derive(Debug, Default)]
pub(super) struct Restriction {
    at: Seq,
    /// Time between two messages in slow mode.
    interval_ms: u32,
    host_only: bool,
    host: Option<MemberId>,
}

impl Restriction {
    /// Takes it from the room, unless a later event is known.
    pub(super) fn reset(&mut self, room: &Room) {
        if room.position.seq >= self.at {
            let store::Settings { slow_ms: interval_ms, host_only, host, .. } = room.settings;
            *self = Self { at: room.position.seq, interval_ms, host_only, host };
        }
    }

    fn record(&mut self, event: &Event) {
        match event.kind {
            _ if event.seq <= self.at => return,
            EventKind::Settings(RoomChange { slow_ms, host_only, .. }) if slow_ms.is_some() || host_only.is_some() => {
                self.interval_ms = slow_ms.unwrap_or(self.interval_ms);
                self.host_only = host_only.unwrap_or(self.host_only);
            }
            EventKind::Host { member } => self.host = Some(member),
            _ => return,
        }
        self.at = event.seq;
    }

    /// Returns the time between two messages of this member, zero where only the host may write; `None` for a member who
    /// is not restricted.
    pub(super) fn interval_of(&self, member: MemberId) -> Option<Duration> {
        let is_restricted = (self.interval_ms > 0 || self.host_only) && self.host != Some(member);
        is_restricted.then(|| Duration::from_millis(self.interval_ms.into()))
    }
}

/// Connections of one member to this node.
#[derive(Clone, Copy, Debug, Default)]
struct Connections {
    open: usize,
    /// One of them has taken its lease, so that the member counts as connected. Others may be about to fail.
    is_admitted: bool,
}

/// Knowledge that a member is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// The sessions know it from the `joined` event. Nodes that have subscribed since then do not.
    Joined,
    /// This node has announced it, and the sessions do not know it yet.
    Announced,
    /// The sessions and the other nodes know it.
    Everywhere,
}

/// Reaction to a presence update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Pass it to the sessions.
    Deliver,
    /// Do nothing: the sessions know it.
    Ignore,
    /// Announce that the member is back.
    Contradict,
}

impl Presence {
    /// Counts one more connection. Returns false and leaves the count as it is if the member has `max` connections already.
    pub(super) fn connect(&mut self, member: MemberId, max: usize) -> bool {
        if self.connections.get(&member).is_some_and(|connections| connections.open >= max) {
            return false;
        }
        self.connections.entry(member).or_default().open += 1;
        true
    }

    /// Counts one connection less. Returns true if the member was connected, and this was the last connection.
    pub(super) fn disconnect(&mut self, member: MemberId) -> bool {
        if let Some(connections) = self.connections.get_mut(&member)
            && connections.open > 1
        {
            connections.open -= 1;
            return false;
        }
        self.freed.remove(&member);
        self.connections.remove(&member).is_some_and(|connections| connections.is_admitted)
    }

    /// Returns the number of members with a connection to this node.
    pub(super) fn count(&self) -> usize {
        self.connections.len()
    }

    /// Returns the present members who are connected to this node.
    pub(super) fn connected(&self) -> impl Iterator<Item = MemberId> {
        self.present.keys().copied().filter(move |member| self.is_connected(*member))
    }

    /// Returns true if the member is connected to this node.
    pub(super) fn is_connected(&self, member: MemberId) -> bool {
        self.connections.get(&member).is_some_and(|connections| connections.is_admitted)
    }

    /// Sets `away` for each of these members.
    pub(super) fn set_away_flags(&self, members: &mut [Member]) {
        for seated in members {
            seated.away = !self.present.contains_key(&seated.member);
        }
    }

    /// Returns the event that freed the member's seat while it was connected, if the seat has not been taken again.
    pub(super) fn freed(&self, member: MemberId) -> Option<(Seq, LeaveReason)> {
        self.freed.get(&member).copied()
    }

    /// Marks a member as present one of whose connections to this node has taken its lease. Returns true if that is to be
    /// announced.
    pub(super) fn mark_present(&mut self, member: MemberId) -> bool {
        if let Some(connections) = self.connections.get_mut(&member) {
            connections.is_admitted = true;
        }
        let known = match self.present.get(&member) {
            None => Known::Announced,
            Some(Known::Joined) => Known::Everywhere,
            Some(Known::Announced | Known::Everywhere) => return false,
        };
        self.present.insert(member, known);
        true
    }

    /// Marks a member as away. Returns false, and does nothing, if the member is connected to this node.
    pub(super) fn mark_away(&mut self, member: MemberId) -> bool {
        if self.is_connected(member) {
            return false;
        }
        self.present.remove(&member);
        true
    }

    /// Applies a presence update, except `Away` for a member who is connected to this node: that one is about a
    /// connection to another node. `Back` is repeated at every presence request, and passed to the sessions once.
    pub(super) fn update(&mut self, PresenceUpdate { member, kind }: &PresenceUpdate) -> Reaction {
        match kind {
            PresenceKind::Typing(_) => Reaction::Deliver,
            PresenceKind::Away { .. } if self.mark_away(*member) => Reaction::Deliver,
            PresenceKind::Away { .. } => Reaction::Contradict,
            PresenceKind::Back => match self.present.insert(*member, Known::Everywhere) {
                None | Some(Known::Announced) => Reaction::Deliver,
                Some(Known::Joined | Known::Everywhere) => Reaction::Ignore,
            },
        }
    }

    /// Records the seat that this event takes or frees, and what it changes of the restriction.
    pub(super) fn record(&mut self, event: &Event) {
        self.restriction.record(event);
        match event.kind {
            EventKind::Left { member, why } => {
                self.present.remove(&member);
                if self.connections.contains_key(&member) {
                    self.freed.insert(member, (event.seq, why));
                }
            }
            EventKind::Joined { member, .. } => {
                self.present.insert(member, Known::Joined);
                self.freed.remove(&member);
            }
            _ => {}
        }
    }

    /// Catches up after an interruption in which these events were missed, and any presence updates. Members who are
    /// not connected to this node count as away: the nodes to which they are connected announce them again.
    pub(super) fn resume(&mut self, missed: &[Event]) {
        let connected = &self.connections;
        self.present.retain(|member, _| connected.get(member).is_some_and(|connections| connections.is_admitted));
        missed.iter().for_each(|event| self.record(event));
    }
}

#[cfg(test)]
mod tests {
    use protocol::{DisplayName, EventId};
    use uuid::Uuid;

    use super::*;

    fn member(n: u128) -> MemberId {
        MemberId(Uuid::from_u128(n))
    }

    fn event(seq: u64, kind: EventKind) -> Event {
        Event { seq: Seq(seq), prev: Seq(seq - 1), id: EventId(Uuid::nil()), at: 1, by: member(1), kind }
    }

    fn joined(seq: u64, n: u128) -> Event {
        event(seq, EventKind::Joined { member: member(n), name: "Ana".parse::<DisplayName>().unwrap().into() })
    }

    fn left(seq: u64, n: u128) -> Event {
        event(seq, EventKind::Left { member: member(n), why: LeaveReason::Choice })
    }

    fn is_present(presence: &Presence, n: u128) -> bool {
        let mut seen = [Member { member: member(n), name: "Ana".parse::<DisplayName>().unwrap().into(), away: false }];
        presence.set_away_flags(&mut seen);
        !seen[0].away
    }

    fn back(n: u128) -> PresenceUpdate {
        PresenceUpdate { member: member(n), kind: PresenceKind::Back }
    }

    fn away(n: u128) -> PresenceUpdate {
        PresenceUpdate { member: member(n), kind: PresenceKind::Away { until: 9 } }
    }

    #[test]
    fn connection_is_announced_and_delivered_once() {
        let mut presence = Presence::default();
        assert!(presence.connect(member(1), 2));
        assert!(presence.mark_present(member(1)));
        assert_eq!(presence.update(&back(1)), Reaction::Deliver);
        assert_eq!(presence.update(&back(1)), Reaction::Ignore);
        assert!(presence.connect(member(1), 2));
        assert!(!presence.mark_present(member(1)));
        assert!(!presence.connect(member(1), 2), "more connections than allowed");
    }

    /// A node that subscribed after the `joined` event knows the member only from the announcement.
    #[test]
    fn first_connection_after_a_join_is_announced_to_nodes_and_not_to_sessions() {
        let mut presence = Presence::default();
        presence.record(&joined(1, 1));
        assert!(is_present(&presence, 1));
        assert!(presence.connect(member(1), 2));
        assert!(presence.mark_present(member(1)));
        assert_eq!(presence.update(&back(1)), Reaction::Ignore);
        presence.record(&joined(2, 2));
        assert_eq!(presence.update(&back(2)), Reaction::Ignore, "connected to another node");
    }

    #[test]
    fn away_is_contradicted_while_the_member_is_connected() {
        let mut presence = Presence::default();
        assert!(presence.connect(member(1), 2));
        assert!(presence.mark_present(member(1)));
        assert_eq!(presence.update(&away(1)), Reaction::Contradict);
        assert!(is_present(&presence, 1));
        assert!(presence.disconnect(member(1)));
        assert_eq!(presence.update(&away(1)), Reaction::Deliver);
        assert!(!is_present(&presence, 1));
        assert_eq!(presence.update(&away(1)), Reaction::Deliver, "this node has marked the member as away itself");
    }

    #[test]
    fn freed_seat_is_kept_until_it_is_taken_again_or_nobody_is_connected() {
        let mut presence = Presence::default();
        presence.record(&left(1, 1));
        assert_eq!(presence.freed(member(1)), None, "not connected");
        assert!(presence.connect(member(1), 2));
        presence.record(&left(2, 1));
        assert_eq!(presence.freed(member(1)), Some((Seq(2), LeaveReason::Choice)));
        presence.record(&joined(3, 1));
        assert_eq!(presence.freed(member(1)), None);
        presence.record(&left(4, 1));
        presence.disconnect(member(1));
        assert_eq!(presence.freed(member(1)), None);
    }

    #[test]
    fn connection_without_a_lease_leaves_nobody_away_unless_it_is_the_last_of_a_connected_member() {
        let mut presence = Presence::default();
        presence.record(&joined(1, 1));
        assert!(presence.connect(member(1), 2));
        assert_eq!(presence.connected().count(), 0);
        assert!(!presence.disconnect(member(1)));
        assert!(presence.connect(member(1), 2));
        assert!(presence.mark_present(member(1)));
        assert!(presence.connect(member(1), 2));
        assert!(!presence.disconnect(member(1)), "the one with a lease, while another one is about to fail");
        assert!(presence.connected().eq([member(1)]));
        assert!(presence.disconnect(member(1)));
    }

    #[test]
    fn interruption_forgets_members_of_other_nodes_and_records_missed_seats() {
        let mut presence = Presence::default();
        for n in 1..=2 {
            assert!(presence.connect(member(n), 2));
            presence.mark_present(member(n));
        }
        presence.update(&back(3));
        presence.resume(&[left(5, 2), joined(6, 4)]);
        let present: Vec<_> = (1..=4).filter(|n| is_present(&presence, *n)).collect();
        assert_eq!(present, [1, 4]);
        assert_eq!(presence.freed(member(2)), Some((Seq(5), LeaveReason::Choice)));
        assert_eq!(presence.update(&back(3)), Reaction::Deliver);
    }
}
