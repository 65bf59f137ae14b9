//! The ways to bring others in: the room's link, to be read, copied, shared or photographed.

use leptos::html;
use leptos::prelude::*;
use protocol::RoomCode;

use crate::components::copy_link::{CopyButton, ShareButton, link};
use crate::components::dialog::Dialog;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

/// Id of the dialog that fills the screen.
const PROJECTOR_ID: &str = "projector";

/// The dialog that the header opens.
#[component]
pub(super) fn Invite() -> impl IntoView {
    let code = expect_context::<Room>().code;
    let field = NodeRef::<html::Input>::new();
    effect(move || {
        if let Some(field) = field.get() {
            field.set_value(&link(code));
        }
    });
    view! {
        <Dialog id="invite" heading=text::invite_heading()>
            <QrPicture code/>
            <p>{text::invite_more()}</p>
            <input node_ref=field id="link" class="link" readonly aria-label=text::room_link() translate="no"/>
            <div class="ways">
                <CopyButton code/>
                <QrButton label=text::full_screen()/>
                <ShareButton code/>
            </div>
        </Dialog>
    }
}

/// The dialog that fills the screen, for a projector or a phone that is held up.
#[component]
pub(super) fn Projector() -> impl IntoView {
    let code = expect_context::<Room>().code;
    let address = NodeRef::<html::P>::new();
    effect(move || {
        if let Some(address) = address.get() {
            // Without its scheme, as people read an address aloud.
            address.set_text_content(link(code).split_once("://").map(|(_, address)| address));
        }
    });
    view! {
        <Dialog id=PROJECTOR_ID heading=text::scan()>
            <QrPicture code/>
            <p class="large" translate="no">{code.to_string()}</p>
            <p node_ref=address class="address" translate="no"></p>
        </Dialog>
    }
}

/// The next step in a room where nobody else is, and nothing said.
#[component]
pub(super) fn Invitation() -> impl IntoView {
    let code = expect_context::<Room>().code;
    view! {
        <div class="invitation" role="group" aria-label=text::invite_heading()>
            <p class="large" translate="no">{code.to_string()}</p>
            <div class="ways">
                <CopyButton code/>
                <QrButton label=text::show_qr()/>
                <ShareButton code/>
            </div>
        </div>
    }
}

/// Opens the [`Projector`].
#[component]
fn QrButton(
    /// The words on it.
    label: &'static str,
) -> impl IntoView {
    view! {
        <button type="button" class="button scripted" command="show-modal" commandfor=PROJECTOR_ID>
            <svg aria-hidden="true"><use href="#i-qr"/></svg>
            {label}
        </button>
    }
}

/// The room's link as a picture.
#[component]
fn QrPicture(code: RoomCode) -> impl IntoView {
    view! { <img class="qr" src=format!("/room/{code}/qr.svg") alt=text::qr() width="216" height="216" loading="lazy"/> }
}
