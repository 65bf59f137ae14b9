//! State of a page, as tests see it.

use std::ops::AddAssign;

use protocol::Seq;

/// State and counters of a page, readable while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub live: bool,
    pub ended: bool,
    pub unsent: usize,
    /// Number of other members who are typing.
    pub typing: usize,
    pub head: Seq,
    pub sent: u64,
    /// Events among `sent` that change a message or react to one.
    pub changes: u64,
    pub acked: u64,
    pub refused: u64,
    /// Refusals for now, after which the client tries again.
    pub deferred: u64,
    /// Connections that resumed where the one before ended (`resumes`), and those that could not (`resets`).
    pub resumes: u64,
    pub resets: u64,
    pub dials: u64,
    /// Connections that ended while an append was transmitted and not echoed yet.
    pub cut_in_flight: u64,
    /// Number of acts done.
    pub acts: u64,
    /// The longest time from a welcomed socket's end to the next welcome, in milliseconds.
    pub longest_away: u64,
    /// The longest time from "send" to the echo, in milliseconds.
    pub longest_ack: u64,
}

/// Adds the counters of another page, and keeps the longer of two times.
impl AddAssign for View {
    fn add_assign(&mut self, other: Self) {
        self.unsent += other.unsent;
        self.sent += other.sent;
        self.changes += other.changes;
        self.acked += other.acked;
        self.refused += other.refused;
        self.deferred += other.deferred;
        self.resumes += other.resumes;
        self.resets += other.resets;
        self.dials += other.dials;
        self.cut_in_flight += other.cut_in_flight;
        self.longest_away = self.longest_away.max(other.longest_away);
        self.longest_ack = self.longest_ack.max(other.longest_ack);
    }
}
