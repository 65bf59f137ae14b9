//! The way to bring others in: the room's link, to be read, copied, shared or photographed.

use leptos::html;
use leptos::prelude::*;

use crate::components::copy_link::{CopyButton, ShareButton, link};
use crate::components::dialog::Dialog;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::text;

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
        <Dialog id="invite" heading=text::INVITE_HEADING>
            <img class="qr" src=format!("/room/{code}/qr.svg") alt=text::QR width="216" height="216" loading="lazy"/>
            <p>{text::INVITE_MORE}</p>
            <input node_ref=field id="link" class="link" readonly aria-label=text::ROOM_LINK translate="no"/>
            <div class="ways">
                <CopyButton code/>
                <ShareButton code/>
            </div>
        </Dialog>
    }
}
