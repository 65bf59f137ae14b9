//! What is true of members only for a moment: that they are writing.

use protocol::MemberId;

/// A member who was said to be writing is so for this long, in milliseconds.
pub const TYPING_EXPIRY_MS: u64 = 5_000;
/// The others are told that the reader is writing at most this often, in milliseconds.
pub const TYPING_INTERVAL_MS: u64 = 3_000;

/// Who is writing.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    /// Who, in the order they began, and until when that counts.
    others: Vec<(MemberId, u64)>,
    /// When the others were last told of the reader.
    last_sent: Option<u64>,
}

impl Typing {
    /// A member is, or is no longer, writing.
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

    /// A member has said it, or is gone.
    pub fn remove(&mut self, member: MemberId) {
        self.others.retain(|(known, _)| *known != member);
    }

    /// Forgets what no longer counts at `now`.
    pub fn expire(&mut self, now: u64) {
        self.others.retain(|(_, until)| now < *until);
    }

    /// Who is writing, in the order they began.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.others.iter().map(|(member, _)| *member)
    }

    /// When [`Typing::expire`] is worth asking again.
    #[must_use]
    pub fn due(&self) -> Option<u64> {
        self.others.iter().map(|(_, until)| *until).min()
    }

    /// The reader is writing: whether the others are to be told.
    pub fn should_send(&mut self, now: u64) -> bool {
        let is_due = self.last_sent.is_none_or(|last_sent| now.saturating_sub(last_sent) >= TYPING_INTERVAL_MS);
        if is_due {
            self.last_sent = Some(now);
        }
        is_due
    }
}
