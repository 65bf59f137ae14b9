//! Number of connections of each member of one room on this node.

use std::collections::HashMap;

use protocol::MemberId;

#[derive(Debug, Default)]
pub(super) struct ConnectionCounts(HashMap<MemberId, usize>);

impl ConnectionCounts {
    /// Counts one more connection. Returns false, and counts nothing, if the member has `most` already.
    pub(super) fn open(&mut self, member: MemberId, most: usize) -> bool {
        let open = self.of(member);
        if open < most {
            self.0.insert(member, open + 1);
        }
        open < most
    }

    pub(super) fn of(&self, member: MemberId) -> usize {
        self.0.get(&member).copied().unwrap_or_default()
    }

    pub(super) fn close(&mut self, member: MemberId) {
        match self.0.get_mut(&member) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(self.0.remove(&member)),
        }
    }

    pub(super) fn connected(&self) -> impl Iterator<Item = MemberId> {
        self.0.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn members(&self) -> usize {
        self.0.len()
    }
}
