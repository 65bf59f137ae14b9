//! The emoji that were picked last on this device.

use super::table;
use crate::live::browser;

const KEY: &str = "flasky.emoji";
/// Two rows.
const MOST: usize = 16;

/// The emoji that were picked last, the newest first, with their names.
pub(super) fn all() -> Vec<(&'static str, &'static str)> {
    let kept = browser::local_item(KEY).unwrap_or_default();
    kept.split(' ').filter_map(|picked| table::all().find(|(emoji, _)| *emoji == picked)).collect()
}

/// Remembers that this one was picked.
pub(super) fn remember(emoji: &str) {
    let others = all().into_iter().map(|(other, _)| other).filter(|other| *other != emoji);
    let kept: Vec<_> = std::iter::once(emoji).chain(others).take(MOST).collect();
    browser::set_local_item(KEY, Some(&kept.join(" ")));
}
