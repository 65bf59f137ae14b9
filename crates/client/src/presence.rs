//! What is true of members only for a moment: that they are writing.

use protocol::MemberId;

/// A member who was said to be writing is so for this long, in milliseconds.
pub const TYPING_MS: u64 = 5_000;
/// The others are told that the reader is writing at most this often, in milliseconds.
pub const SAID_MS: u64 = 3_000;

/// Who is writing.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    /// Who, in the order they began, and until when that counts.
    others: Vec<(MemberId, u64)>,
    /// When the others were last told of the reader.
    said: Option<u64>,
}

impl Typing {
    /// A member is, or is no longer, writing.
    pub fn heard(&mut self, now: u64, member: MemberId, typing: bool) {
        if !typing {
            return self.stopped(member);
        }
        let until = now + TYPING_MS;
        match self.others.iter_mut().find(|(known, _)| *known == member) {
            Some(known) => known.1 = until,
            None => self.others.push((member, until)),
        }
    }

    /// A member has said it, or is gone.
    pub fn stopped(&mut self, member: MemberId) {
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
    pub fn says(&mut self, now: u64) -> bool {
        let is_due = self.said.is_none_or(|said| now.saturating_sub(said) >= SAID_MS);
        if is_due {
            self.said = Some(now);
        }
        is_due
    }
}
