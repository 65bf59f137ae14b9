//! Every number both sides must agree on.

use serde::{Deserialize, Serialize};

/// The limits a server enforces. It sends them in `welcome`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Longest message, in Unicode scalar values.
    pub body: usize,
    /// Longest name, in graphemes.
    pub name: usize,
    /// Longest name of a room, in graphemes.
    pub room_name: usize,
    /// Longest frame from a client, in bytes of UTF-8.
    pub frame: usize,
    /// Seats of a room whose maker did not choose.
    pub capacity: u32,
    /// The fewest seats a maker may choose.
    pub capacity_min: u32,
    /// The most seats a maker may choose.
    pub capacity_max: u32,
    /// Most events a room's timeline keeps.
    pub events: usize,
    /// Most bytes a room's timeline keeps.
    pub timeline: usize,
    /// Events in a first window and in one older page.
    pub page: usize,
    /// Appends per second and member, sustained.
    pub appends_per_second: u32,
    /// Appends a member may make at once.
    pub append_burst: u32,
    /// Connections of one member in one room.
    pub tabs: usize,
    /// Grace period: time for which a seat is kept for a member without a connection, in milliseconds.
    pub grace_ms: u64,
    /// Time for which a seat waits for its member's first page or connection, in milliseconds.
    pub arrival_ms: u64,
    /// Time for which a page without a connection keeps its member's seat, in milliseconds.
    pub page_lease_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: super::body::MAX_SCALARS,
            name: super::name::MAX_GRAPHEMES,
            room_name: super::room_name::MAX_GRAPHEMES,
            frame: 64 * 1024,
            capacity: 50,
            capacity_min: 2,
            capacity_max: 1_000,
            events: 1_000,
            timeline: 1024 * 1024,
            page: 100,
            appends_per_second: 5,
            append_burst: 10,
            tabs: 8,
            grace_ms: 120_000,
            arrival_ms: 60_000,
            page_lease_ms: 600_000,
        }
    }
}
