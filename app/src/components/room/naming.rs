//! Dialogs that change a name: the reader's, and the room's for its host.

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

/// A name that can be changed.
struct Naming {
    dialog_id: &'static str,
    field: Field,
    heading: &'static str,
    label: &'static str,
    /// The name as it is now.
    current: fn(Room) -> String,
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
    let own = Naming {
        dialog_id: RENAME_ID,
        field: Field::Name,
        heading: text::rename(),
        label: text::your_name(),
        current: own_name,
        change: |room, typed| room.rename(typed).inspect(|()| browser::save_name(typed)),
    };
    let rooms = Naming {
        dialog_id: NAME_ROOM_ID,
        field: Field::RoomName,
        heading: text::name_room(),
        label: text::room_name(),
        current: |room| room.name.with(ToString::to_string),
        change: |room, typed| room.name_room(typed),
    };
    view! { {dialog(own)} {dialog(rooms)} }.into_any()
}

/// The reader's name, without its number.
fn own_name(room: Room) -> String {
    let members = room.members.read();
    let own = members.iter().find(|seated| seated.member == room.me);
    own.map(|seated| seated.name.name.to_string()).unwrap_or_default()
}

fn dialog(naming: Naming) -> AnyView {
    let Naming { dialog_id, field, heading, label, current, change } = naming;
    let (room, toast) = (expect_context::<Room>(), expect_context::<Toast>());
    let (input_id, error_id) = (format!("{dialog_id}-name"), format!("{dialog_id}-error"));
    let input = NodeRef::<html::Input>::new();
    let refused = RwSignal::new(None);
    effect(move || {
        let name = current(room);
        if let Some(input) = input.get() {
            input.set_value(&name);
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = input.get_untracked() else { return };
        let typed = input.value();
        let is_same = typed.trim() == untrack(|| current(room));
        if let Err(error) = if is_same { Ok(()) } else { change(room, &typed) } {
            let form = EnterForm { name: typed.clone(), room_name: typed, ..EnterForm::default() };
            refused.set(Some(text::refusal(Refusal { field, error }, &form)));
            return browser::focus_on(&input);
        }
        refused.set(None);
        browser::close_dialog(dialog_id);
        if !is_same && room.status.get_untracked() != Status::Live {
            toast.show(text::named_later());
        }
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
