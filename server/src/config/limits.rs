//! Settings of the limits.

use std::ops::RangeInclusive;

use protocol::Limits;

/// Maximum of `--events`: a thousand times the default, the most that a room's file and a page's history can bear.
const MAX_EVENTS: i64 = 1_000_000;
/// Range of `--timeline` in bytes: from a frame, so that the longest event fits, to a thousand times the default.
const TIMELINE_BYTES: RangeInclusive<u64> = 64 * 1024..=1024 * 1024 * 1024;
/// Maximum of `--appends-per-second` and `--append-burst`: above what a store commits in a second (SCALING.md), so no
/// limit in effect.
const MAX_APPENDS: i64 = 1_000_000;
/// Range of leases in milliseconds: from the time of a lost packet to a day. With a longer lease an abandoned room
/// would in effect never end.
const LEASE_MS: RangeInclusive<u64> = 100..=86_400_000;

/// Limits, with one flag and one variable each. The bounds exclude values that cannot work, such as 0, or that keep
/// rooms alive for ever, such as a number with a digit too many.
#[derive(clap::Args)]
pub(super) struct LimitArgs {
    /// Seats of a room whose maker did not choose, 2 to 1000
    #[arg(long, env = "FLASKY_CAPACITY", default_value_t = Limits::default().capacity, value_parser = clap::value_parser!(u32).range(2..=1000))]
    capacity: u32,
    /// Most events a room keeps, 1 to 1000000
    #[arg(long, env = "FLASKY_EVENTS", default_value_t = Limits::default().events as u32, value_parser = clap::value_parser!(u32).range(1..=MAX_EVENTS))]
    events: u32,
    /// Most bytes of events a room keeps, 65536 to 1073741824
    #[arg(long, env = "FLASKY_TIMELINE", default_value_t = Limits::default().timeline as u64, value_parser = clap::value_parser!(u64).range(TIMELINE_BYTES))]
    timeline: u64,
    /// Messages per second and member, sustained, 1 to 1000000
    #[arg(long, env = "FLASKY_APPENDS_PER_SECOND", default_value_t = Limits::default().appends_per_second, value_parser = clap::value_parser!(u32).range(1..=MAX_APPENDS))]
    appends_per_second: u32,
    /// Messages a member may send at once, 1 to 1000000
    #[arg(long, env = "FLASKY_APPEND_BURST", default_value_t = Limits::default().append_burst, value_parser = clap::value_parser!(u32).range(1..=MAX_APPENDS))]
    append_burst: u32,
    /// Connections of one member in one room, 1 to 1000
    #[arg(long, env = "FLASKY_TABS", default_value_t = Limits::default().tabs as u32, value_parser = clap::value_parser!(u32).range(1..=1000))]
    tabs: u32,
    /// Milliseconds a seat waits for a member whose connection broke, 100 to 86400000
    #[arg(long, env = "FLASKY_GRACE_MS", default_value_t = Limits::default().grace_ms, value_parser = clap::value_parser!(u64).range(LEASE_MS))]
    grace_ms: u64,
    /// Milliseconds a new seat waits for its page, and a new room for its first seat, 100 to 86400000
    #[arg(long, env = "FLASKY_ARRIVAL_MS", default_value_t = Limits::default().arrival_ms, value_parser = clap::value_parser!(u64).range(LEASE_MS))]
    arrival_ms: u64,
    /// Milliseconds a page without a connection keeps its seat, 100 to 86400000
    #[arg(long, env = "FLASKY_PAGE_LEASE_MS", default_value_t = Limits::default().page_lease_ms, value_parser = clap::value_parser!(u64).range(LEASE_MS))]
    page_lease_ms: u64,
}

impl From<&LimitArgs> for Limits {
    fn from(limits: &LimitArgs) -> Self {
        Self {
            capacity: limits.capacity,
            events: limits.events as usize,
            timeline: limits.timeline as usize,
            appends_per_second: limits.appends_per_second,
            append_burst: limits.append_burst,
            tabs: limits.tabs as usize,
            grace_ms: limits.grace_ms,
            arrival_ms: limits.arrival_ms,
            page_lease_ms: limits.page_lease_ms,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Config;

    #[test]
    fn limits_out_of_bounds_are_refused() {
        for flag in [
            "events",
            "timeline",
            "appends-per-second",
            "append-burst",
            "tabs",
            "grace-ms",
            "arrival-ms",
            "page-lease-ms",
        ] {
            for wrong in ["0", "18446744073709551615", "18446744073709551616", "-1", "1e3", ""] {
                let read = Config::try_parse_from(["flasky", &format!("--{flag}={wrong}")]);
                assert!(read.is_err(), "--{flag}={wrong}");
            }
            for right in ["100000", "86400"] {
                let number = if flag == "tabs" { "12" } else { right };
                assert!(Config::try_parse_from(["flasky", &format!("--{flag}={number}")]).is_ok(), "--{flag}={number}");
            }
        }
    }
}
