//! Figures of one run: the effect of a scenario on the server and its members.

use std::time::Duration;

use testkit::view::View;

use super::Scenario;

/// Counts of one run.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) entered: usize,
    pub(super) turned_away: usize,
    pub(super) vanished: usize,
    pub(super) freed: usize,
    pub(super) view: View,
    pub(super) stuck: usize,
    pub(super) lost: usize,
    pub(super) doubled: usize,
    pub(super) faults: Vec<String>,
    pub(super) forms: usize,
    pub(super) unanswered: usize,
    pub(super) probes: usize,
    pub(super) failed_probes: usize,
    pub(super) slowest_probe: Duration,
    pub(super) dropped: u64,
    pub(super) exit: Option<i32>,
    pub(super) stop: Duration,
}

impl Figures {
    /// True if every message was stored once, every request was answered, every vanished visitor's seat was freed, and
    /// the exit code is 0. A log that is not read must also have lost lines, and only a full disk under the store may
    /// have refused visitors.
    pub(super) fn is_good(&self, scenario: Scenario) -> bool {
        let is_unread = matches!(scenario, Scenario::AbandonedLog | Scenario::StalledLog);
        let all_is_there = self.faults.is_empty() && self.stuck == 0 && self.view.sent == self.view.acked;
        all_is_there
            && self.freed == self.vanished
            && self.unanswered == 0
            && self.failed_probes == 0
            && self.exit == Some(0)
            && (self.turned_away == 0 || scenario == Scenario::BothOnFullDisk)
            && (self.dropped > 0 || !is_unread)
    }

    /// Returns the columns of the table: their names and values.
    pub(super) fn columns(&self) -> [(&'static str, String); 16] {
        let ms = |time: Duration| format!("{} ms", time.as_millis());
        [
            ("entered", self.entered.to_string()),
            ("turned away", self.turned_away.to_string()),
            ("vanished", self.vanished.to_string()),
            ("freed", self.freed.to_string()),
            ("sent", self.view.sent.to_string()),
            ("acked", self.view.acked.to_string()),
            ("deferred", self.view.deferred.to_string()),
            ("lost", self.lost.to_string()),
            ("doubled", self.doubled.to_string()),
            ("not at rest", self.stuck.to_string()),
            ("forms unanswered", format!("{} of {}", self.unanswered, self.forms)),
            ("probes failed", format!("{} of {}", self.failed_probes, self.probes)),
            ("slowest probe", ms(self.slowest_probe)),
            ("lines dropped", self.dropped.to_string()),
            ("exit code", self.exit.map_or("none".to_owned(), |code| code.to_string())),
            ("stop", ms(self.stop)),
        ]
    }
}

/// Formats a row. A cell is as wide as its column's name, and at least eight characters.
pub(super) fn row<'a>(cells: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    cells.map(|(name, value)| format!("  {value:>width$}", width = name.len().max(8))).collect()
}
