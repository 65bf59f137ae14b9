//! Copying what is selected.

use leptos::ev::ClipboardEvent;
use protocol::ShownName;

use super::pointing::message_of;
use crate::live::browser;
use crate::live::room::Room;
use crate::text;

/// Copies several messages as names, times and what was typed. A selection within one message is the browser's to copy.
pub(in crate::components::room) fn on_copy(room: Room, event: &ClipboardEvent) {
    let Some(log) = browser::by_id("log") else { return };
    let rows = browser::find_selected(&log, "[data-message]");
    let messages: Vec<_> = rows.iter().filter_map(|row| room.message(message_of(row)?)).collect();
    if rows.len() < 2 {
        return;
    }
    let mut copied = String::new();
    for message in &messages {
        let Some(body) = &message.body else { continue };
        if message.first_of_group || copied.is_empty() {
            let name = message.name.as_ref().map_or(text::SOMEBODY.into(), ShownName::text);
            copied.push_str(&format!("{name} {}\n", browser::local_time(message.at)));
        }
        copied.push_str(body.as_str());
        copied.push('\n');
    }
    if browser::set_copied(event, &copied) {
        event.prevent_default();
    }
}
