//! Random plans of actions and faults. A plan is made from a seed and can be saved in a file.

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::proxy::{Cut, Way};

/// Everything that happens to one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub seed: u64,
    /// Number of users who come and go, beside one who is always there on a network that works.
    pub people: usize,
    /// Number of events that the room keeps.
    pub events: usize,
    /// Appends per second and member.
    pub rate: u32,
    pub steps: Vec<Step>,
}

/// One action or fault. `who` is the index of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Enters the room, or opens one more tab.
    Connect { who: usize },
    /// Sends this many messages without a pause.
    Send { who: usize, count: u32 },
    /// Changes a message or a name, or tries to.
    Change { who: usize, what: Change },
    /// Does what only the host may do: this user, or whoever is the host.
    Manage { who: Option<usize>, what: Deed },
    /// The user whose network works sends this many messages, so that the others fall behind.
    Chatter { count: u32 },
    /// The network cuts all connections of the user.
    Cut { who: usize, how: Cut },
    /// The network resets a connection after this many bytes.
    CutAfter { who: usize, way: Way, bytes: u64 },
    /// The network delivers nothing for this long.
    Stall { who: usize, ms: u64 },
    /// The network is slow.
    Slow { who: usize, bytes_per_second: u64 },
    /// The network works again.
    Heal { who: usize },
    /// The next frame is transmitted twice if it is an append.
    Duplicate { who: usize },
    /// Loads the page again.
    Reload { who: usize },
    /// The browser reports that it is offline, and after this long that it is online.
    Offline { who: usize, ms: u64 },
    /// Leaves the room.
    Leave { who: usize },
    /// The server restarts on the same store, after a crash or an orderly stop.
    Restart { crash: bool },
    /// Time goes by.
    Wait { ms: u64 },
}

/// Appends per second that no user reaches.
const UNLIMITED: u32 = 10_000;

impl Plan {
    /// True if users may be refused for writing too fast.
    pub fn is_limited(&self) -> bool {
        let is_restriction = |step: &Step| match step {
            Step::Manage { what: Deed::Slow(ms), .. } => *ms > 0,
            Step::Manage { what: Deed::HostOnly(on), .. } => *on,
            _ => false,
        };
        self.rate < UNLIMITED || self.steps.iter().any(is_restriction)
    }

    pub fn random(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let people = dice.between(1, 4) as usize;
        // One plan in two trims events while users are away; one in four has the rate limit of production.
        let events = if dice.one_in(2) { dice.between(5, 40) as usize } else { 1_000 };
        let rate = if dice.one_in(4) { 5 } else { UNLIMITED };
        let count = dice.between(20, 45);
        let mut steps: Vec<_> = (0..people).map(|who| Step::Connect { who }).collect();
        for _ in 0..count {
            steps.push(Step::random(&mut dice, people, rate));
            if dice.one_in(2) {
                steps.push(Step::Wait { ms: dice.between(1, 60) });
            }
        }
        Self { seed, people, events, rate, steps }
    }
}

/// Change of a message or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Edit,
    Delete,
    React,
    /// Tries to edit somebody else's message.
    Meddle,
    /// Takes another name.
    Rename,
    /// Names the room, or tries to without being its host.
    NameRoom,
}

impl Change {
    fn random(dice: &mut Dice) -> Self {
        match dice.between(0, 12) {
            0..=4 => Self::Edit,
            5..=7 => Self::Delete,
            8 => Self::React,
            9 => Self::Meddle,
            10..=11 => Self::Rename,
            _ => Self::NameRoom,
        }
    }
}

/// Actions of the host alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    Lock,
    Unlock,
    Capacity(u32),
    /// Sets the milliseconds between two messages of the others.
    Slow(u32),
    /// Lets nobody else write, or everybody again.
    HostOnly(bool),
    /// Makes this user the host, or the one who is always there.
    HandOver(Option<usize>),
    Remove(usize),
    RenewCode,
}

impl Deed {
    fn random(dice: &mut Dice, people: usize) -> Self {
        let whom = dice.between(0, people as u64 - 1) as usize;
        match dice.between(0, 13) {
            10..=11 => Self::Slow(if dice.one_in(2) { 0 } else { dice.between(20, 60) as u32 }),
            12..=13 => Self::HostOnly(dice.one_in(3)),
            0 => Self::Lock,
            1..=2 => Self::Unlock,
            3 => Self::Capacity(dice.between(2, 50) as u32),
            4..=5 => Self::HandOver((!dice.one_in(3)).then_some(whom)),
            6..=7 => Self::Remove(whom),
            _ => Self::RenewCode,
        }
    }
}

impl Step {
    fn random(dice: &mut Dice, people: usize, rate: u32) -> Self {
        let who = dice.between(0, people as u64 - 1) as usize;
        let how = if dice.one_in(2) { Cut::Reset } else { Cut::Close };
        let way = if dice.one_in(2) { Way::ToServer } else { Way::ToClient };
        match dice.between(0, 51) {
            0..=11 => Self::Send { who, count: dice.between(1, 6) as u32 },
            // Not more than the limit lets through in a few seconds, and slow mode in four.
            12..=14 => Self::Chatter { count: dice.between(1, u64::from(rate).min(60)) as u32 },
            15..=18 => Self::Cut { who, how },
            19..=21 => Self::CutAfter { who, way, bytes: dice.between(1, 3_000) },
            22..=23 => Self::Stall { who, ms: dice.between(20, 600) },
            24 => Self::Slow { who, bytes_per_second: dice.between(500, 20_000) },
            25..=26 => Self::Heal { who },
            27..=28 => Self::Duplicate { who },
            29..=30 => Self::Reload { who },
            31..=32 => Self::Offline { who, ms: dice.between(10, 300) },
            33 => Self::Leave { who },
            34..=36 => Self::Connect { who },
            37 => Self::Restart { crash: false },
            38..=45 => Self::Change { who, what: Change::random(dice) },
            46..=49 => Self::Manage { who: dice.one_in(4).then_some(who), what: Deed::random(dice, people) },
            _ => Self::Restart { crash: true },
        }
    }
}
