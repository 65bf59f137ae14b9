//! Settings of the limits per network address and in all.

use std::ops::RangeInclusive;

use crate::address_limits::{Allowance, Settings};

/// Range of `--refused-forms` in bytes: from four of the longest that a request may carry.
const REFUSED_FORMS_BYTES: RangeInclusive<u64> = 1024 * 1024..=1024 * 1024 * 1024;
/// Maximum of `--sockets`, `--rooms` and `--members`: far above what a node holds (SCALING.md), so no limit in effect.
const MAX_OF_A_NODE: i64 = 10_000_000;

/// Limits per network address and in all, with one flag and one variable each.
#[derive(clap::Args)]
pub(super) struct AddressLimitArgs {
    /// Proxies in front of the server, each of which adds its peer's address to `X-Forwarded-For` or `Forwarded`, 0 to 16
    #[arg(long, env = "FLASKY_TRUSTED_PROXIES", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=16))]
    trusted_proxies: u8,
    /// Tries of a room's code without a seat there, per address: at once, and then per minute
    #[arg(long, env = "FLASKY_WRONG_CODES", default_value = "60,10")]
    wrong_codes: Allowance,
    /// Rooms that an address makes: at once, and then per minute
    #[arg(long, env = "FLASKY_NEW_ROOMS", default_value = "60,10")]
    new_rooms: Allowance,
    /// Seats that an address takes in rooms that are there: at once, and then per minute
    #[arg(long, env = "FLASKY_JOINS", default_value = "100,60")]
    joins: Allowance,
    /// Forms and calls of an address: at once, and then per minute
    #[arg(long, env = "FLASKY_FORMS", default_value = "600,600")]
    forms: Allowance,
    /// Open sockets of an address, the upper half for members, 1 to 1000000
    #[arg(long, env = "FLASKY_SOCKETS_PER_ADDRESS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sockets_per_address: u32,
    /// Open sockets in all, 1 to 10000000
    #[arg(long, env = "FLASKY_SOCKETS", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=MAX_OF_A_NODE))]
    sockets: u32,
    /// Rooms that somebody is connected to, above which none is made, 1 to 10000000
    #[arg(long, env = "FLASKY_ROOMS", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=MAX_OF_A_NODE))]
    rooms: u32,
    /// Connected members, each counted once for each of their rooms, above which no seat is taken, 1 to 10000000
    #[arg(long, env = "FLASKY_MEMBERS", default_value_t = 45_000, value_parser = clap::value_parser!(u32).range(1..=MAX_OF_A_NODE))]
    members: u32,
    /// Bytes of refused forms that wait for their page, 1048576 to 1073741824
    #[arg(long, env = "FLASKY_REFUSED_FORMS", default_value_t = 32 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(REFUSED_FORMS_BYTES))]
    refused_forms: u64,
}

impl From<&AddressLimitArgs> for Settings {
    fn from(limits: &AddressLimitArgs) -> Self {
        Self {
            trusted_proxies: limits.trusted_proxies.into(),
            wrong_codes: limits.wrong_codes,
            new_rooms: limits.new_rooms,
            joins: limits.joins,
            forms: limits.forms,
            sockets_per_address: limits.sockets_per_address,
            sockets: limits.sockets,
            rooms: limits.rooms,
            members: limits.members,
            refused_forms: limits.refused_forms,
        }
    }
}
