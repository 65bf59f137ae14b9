//! Typing indicators, which expire.

use protocol::MemberId;

/// Time after which a typing indicator expires, in milliseconds.
pub const TYPING_EXPIRY_MS: u64 = 5_000;
/// Minimum time between two typing signals of the reader, in milliseconds.
pub const TYPING_INTERVAL_MS: u64 = 3_000;

/// Members who are writing.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    /// Other members in the order they began, each with the time of expiry.
    others: Vec<(MemberId, u64)>,
    /// Time of the reader's last typing signal.
    last_sent: Option<u64>,
}

impl Typing {
    /// Notes that a member is, or is no longer, writing.
    pub fn update(&mut self, now: u64, member: MemberId, typing: bool) {
        if !typing {
            return self.remove(member);
        }
        let until = now + TYPING_EXPIRY_MS;
        match self.others.iter_mut().find(|(known, _)| *known == member) {
            Some(known) => known.1 = until,
            None => self.others.push((member, until)),
        }
    }

    /// Removes a member, who has sent a message or left.
    pub fn remove(&mut self, member: MemberId) {
        self.others.retain(|(known, _)| *known != member);
    }

    /// Removes members whose indicator has expired at `now`.
    pub fn expire(&mut self, now: u64) {
        self.others.retain(|(_, until)| now < *until);
    }

    /// Members who are writing, in the order they began.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.others.iter().map(|(member, _)| *member)
    }

    /// Time of the next expiry.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.others.iter().map(|(_, until)| *until).min()
    }

    /// Notes that the reader is writing. True if a typing signal is due.
    pub fn should_send(&mut self, now: u64) -> bool {
        let is_due = self.last_sent.is_none_or(|last_sent| now.saturating_sub(last_sent) >= TYPING_INTERVAL_MS);
        if is_due {
            self.last_sent = Some(now);
        }
        is_due
    }
}
