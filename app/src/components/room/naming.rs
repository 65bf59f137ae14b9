//! Dialogs that change a name: the reader's, and the room's for its host.

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use protocol::ErrorCode;

use super::toast::Toast;
use crate::api::{EnterForm, Field, Refusal};
use crate::components::dialog::Dialog;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::{Room, Status};
use crate::text;

/// Id of the dialog for the reader's name.
pub(super) const RENAME_ID: &str = "rename";
/// Id of the dialog for the room's name.
pub(super) const NAME_ROOM_ID: &str = "name-room";
/// Time after which a name that is not in the log is said to come later: most are there before.
const LATE_AFTER: Duration = Duration::from_secs(1);

/// A name that can be changed.
struct Naming {
    dialog_id: &'static str,
    field: Field,
    heading: &'static str,
    label: &'static str,
    /// The name as it is now.
    current: fn(Room) -> String,
    /// True while another one is not in the log.
    waits: fn(Room) -> RwSignal<bool>,
    /// Changes it to what was typed.
    change: fn(Room, &str) -> Result<(), ErrorCode>,
}

/// Both dialogs. Says when the server refused what one of them changed.
pub(super) fn dialogs() -> AnyView {
    let (room, toast) = (expect_context::<Room>(), expect_context::<Toast>());
    effect(move || {
        if let Some(error) = room.refused_name.get() {
            toast.show(text::name_refused(error));
        }
    });
    remember_own_name(room);
    let own = Naming {
        dialog_id: RENAME_ID,
        field: Field::Name,
        heading: text::rename(),
        label: text::your_name(),
        current: own_name,
        waits: |room| room.own_name_waits,
        change: Room::rename,
    };
    let rooms = Naming {
        dialog_id: NAME_ROOM_ID,
        field: Field::RoomName,
        heading: text::name_room(),
        label: text::room_name(),
        current: |room| room.name.with(ToString::to_string),
        waits: |room| room.room_name_waits,
        change: Room::name_room,
    };
    view! { {dialog(own)} {dialog(rooms)} }.into_any()
}

/// The reader's name, without its number.
fn own_name(room: Room) -> String {
    let members = room.members.read();
    let own = members.iter().find(|seated| seated.member == room.me);
    own.map(|seated| seated.name.name.to_string()).unwrap_or_default()
}

/// Keeps each new name of the reader on this device, for the next room. Not before it is in the log: it may be refused.
fn remember_own_name(room: Room) {
    let mut known = String::new();
    effect(move || {
        let name = own_name(room);
        if name != known && !known.is_empty() && !name.is_empty() {
            browser::save_name(&name);
        }
        known = name;
    });
}

/// Says once for each press of "save" that the name comes later: at once without a connection.
fn say_if_late(is_saved: RwSignal<bool>, waits: RwSignal<bool>, room: Room, toast: Toast) {
    effect(move || {
        if !waits.get() || !is_saved.get() {
            return;
        }
        is_saved.set(false);
        let say = move || {
            if waits.try_get_untracked() == Some(true) {
                toast.show(text::named_later());
            }
        };
        if room.status.get_untracked() == Status::Live { set_timeout(say, LATE_AFTER) } else { say() }
    });
}

fn dialog(naming: Naming) -> AnyView {
    let Naming { dialog_id, field, heading, label, current, waits, change } = naming;
    let (room, toast) = (expect_context::<Room>(), expect_context::<Toast>());
    let (input_id, error_id) = (format!("{dialog_id}-name"), format!("{dialog_id}-error"));
    let input = NodeRef::<html::Input>::new();
    let refused = RwSignal::new(None);
    // The name as the field had it before the reader edited it.
    let unedited = RwSignal::new(String::new());
    let mut known = String::new();
    effect(move || {
        let Some(input) = input.get() else { return };
        // Also with whoever joins, leaves or is away.
        let name = current(room);
        if name != known && unedited.with_untracked(|unedited| input.value() == *unedited) {
            input.set_value(&name);
            unedited.set(name.clone());
        }
        known = name;
    });
    let is_saved = RwSignal::new(false);
    say_if_late(is_saved, waits(room), room, toast);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = input.get_untracked() else { return };
        let value = input.value();
        if let Err(error) = change(room, &value) {
            let form = EnterForm { name: value.clone(), room_name: value, ..EnterForm::default() };
            refused.set(Some(text::refusal(Refusal { field, error, retry_ms: None }, &form)));
            return browser::focus_on(&input);
        }
        refused.set(None);
        // As it was typed until the log has it, perhaps in another spelling.
        unedited.set(value);
        browser::close_dialog(dialog_id);
        is_saved.set(true);
    };
    view! {
        <Dialog id=dialog_id heading>
            <form on:submit=submit>
                <div class="field">
                    <label for=input_id.clone()>{label}</label>
                    <input node_ref=input id=input_id dir="auto" autocomplete="off" aria-describedby=error_id.clone()
                        aria-invalid=move || refused.read().is_some().then_some("true")/>
                    <span id=error_id class="error" role="alert">{move || refused.get()}</span>
                </div>
                <div class="ways">
                    <button class="button primary">{text::save()}</button>
                    <button type="button" class="button" command="close" commandfor=dialog_id>{text::cancel()}</button>
                </div>
            </form>
        </Dialog>
    }
    .into_any()
}
