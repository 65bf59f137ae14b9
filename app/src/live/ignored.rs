//! Members whom the reader ignores, in the device's local storage. A line for each, with the room and the member; the lines
//! of a room go with its other traces.

use protocol::{MemberId, RoomId};

use super::browser;

const STORAGE_KEY: &str = "flasky.ignored";
/// Maximum number of members in all rooms; the first ones are forgotten.
const MAX_MEMBERS: usize = 200;

/// Members whom the reader ignores in this room.
pub(super) fn of(room: RoomId) -> Vec<MemberId> {
    let stored = browser::local_item(STORAGE_KEY).unwrap_or_default();
    let prefix = prefix(room);
    stored.lines().filter_map(|line| line.strip_prefix(&prefix)?.parse().ok()).map(MemberId).collect()
}

/// Keeps that a member is ignored, or no longer.
pub(super) fn set(room: RoomId, member: MemberId, on: bool) {
    let line = format!("{}{member}", prefix(room));
    rewrite(|kept| kept != line, on.then_some(&line));
}

/// Forgets whom the reader ignored in this room.
pub(super) fn forget(room: RoomId) {
    let prefix = prefix(room);
    rewrite(|kept| !kept.starts_with(&prefix), None);
}

fn prefix(room: RoomId) -> String {
    format!("{room} ")
}

/// Keeps these lines, and adds one.
fn rewrite(keeps: impl Fn(&str) -> bool, added: Option<&String>) {
    let Some(stored) = browser::local_item(STORAGE_KEY).or_else(|| added.map(|_| String::new())) else { return };
    let mut lines: Vec<&str> = stored.lines().filter(|line| keeps(line)).collect();
    lines.extend(added.map(String::as_str));
    let excess = lines.len().saturating_sub(MAX_MEMBERS);
    let text = lines[excess..].join("\n");
    browser::set_local_item(STORAGE_KEY, Some(text.as_str()).filter(|text| !text.is_empty()));
}
