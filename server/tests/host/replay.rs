//! The log of a room, replayed by the rules of `PROTOCOL.md`: each event is one that its author might cause then.

use std::collections::{HashMap, HashSet};

use protocol::{Event, EventId, EventKind, LeaveReason, MemberId, RoomChange, RoomInfo};

/// A room as its log leaves it.
pub(crate) struct Replay {
    pub(crate) info: RoomInfo,
    /// Members in the order in which they joined.
    pub(crate) members: Vec<MemberId>,
    pub(crate) removed: HashSet<MemberId>,
    /// Everybody who was the host at any time.
    pub(crate) hosts: HashSet<MemberId>,
    /// Authors of the events.
    pub(crate) authors: HashMap<EventId, MemberId>,
    /// Number of events that a host caused.
    pub(crate) deeds: usize,
    pub(crate) ended: bool,
    /// Member whom the next event must make the host, because the host has left.
    heir: Option<MemberId>,
}

impl Replay {
    /// A room in this state, with these members.
    pub(crate) fn new(info: RoomInfo, members: Vec<MemberId>) -> Self {
        let hosts = info.host.into_iter().collect();
        let (removed, authors) = (HashSet::new(), HashMap::new());
        Self { info, members, removed, hosts, authors, deeds: 0, ended: false, heir: None }
    }

    /// Applies the next event. Panics if the rules do not permit it.
    pub(crate) fn apply(&mut self, event: &Event) {
        let Event { by, kind, .. } = event;
        assert!(!self.ended, "after the end: {event:?}");
        assert_eq!(self.authors.insert(event.id, *by), None, "twice: {event:?}");
        let follows = self.heir.take();
        if let Some(heir) = follows {
            assert_eq!((*by, kind), (heir, &EventKind::Host { member: heir }), "the host has left");
        }
        let is_hosts = match kind {
            EventKind::Left { why, .. } => *why == LeaveReason::Removed,
            EventKind::Host { .. } => follows.is_none(),
            kind => matches!(kind, EventKind::Settings(_) | EventKind::Code { .. } | EventKind::Ended),
        };
        if is_hosts {
            assert_eq!(self.info.host, Some(*by), "by a member who was not the host: {event:?}");
            self.deeds += 1;
        }
        match kind {
            EventKind::Joined { member, .. } => {
                assert!(!self.info.locked, "the room is locked: {event:?}");
                assert!(!self.removed.contains(member), "removed before: {event:?}");
                assert!(self.members.len() < self.info.capacity as usize, "the room is full: {event:?}");
                self.members.push(*member);
            }
            EventKind::Left { member, why } => {
                assert!(self.members.contains(member), "not inside: {event:?}");
                self.members.retain(|seated| seated != member);
                if *why == LeaveReason::Removed {
                    self.removed.insert(*member);
                }
                if self.info.host == Some(*member) {
                    self.heir = self.members.first().copied();
                }
            }
            EventKind::Settings(change) => self.change(change),
            EventKind::Code { code } => self.info.code = *code,
            EventKind::Host { member } => {
                assert!(self.members.contains(member), "not inside: {event:?}");
                self.info.host = Some(*member);
                self.hosts.insert(*member);
            }
            EventKind::Ended => self.ended = true,
            other => panic!("nobody asked for {other:?}"),
        }
    }

    fn change(&mut self, RoomChange { name, locked, capacity, slow_ms, host_only }: &RoomChange) {
        let info = &mut self.info;
        info.name = name.clone().unwrap_or(std::mem::take(&mut info.name));
        info.locked = locked.unwrap_or(info.locked);
        info.capacity = capacity.unwrap_or(info.capacity);
        info.slow_ms = slow_ms.unwrap_or(info.slow_ms);
        info.host_only = host_only.unwrap_or(info.host_only);
        assert!(self.members.len() <= info.capacity as usize, "fewer seats than members");
    }
}
