//! The way to bring others in: the room's link, to be read, copied, shared or photographed.

use leptos::prelude::*;
use protocol::RoomCode;

use crate::ui::kit::{Dialog, Icon};
use crate::ui::text;

/// The dialog that the header opens. The document's script (`ui/page.js`) completes the link and hears its buttons.
#[component]
pub(in crate::ui) fn Invite(
    /// The room's code.
    code: RoomCode,
) -> impl IntoView {
    let link = format!("/room/{code}");
    view! {
        <Dialog id="invite" heading=text::INVITE_HEADING>
            <img class="qr" src=format!("{link}/qr.svg") alt=text::QR width="216" height="216" loading="lazy"/>
            <p>{text::INVITE_MORE}</p>
            <input id="link" class="link" readonly aria-label=text::ROOM_LINK translate="no" value=link/>
            <div class="ways">
                <button type="button" class="button primary copy" data-copied=text::COPIED>
                    {Icon::Copy.drawing().view()}
                    {Icon::Done.drawing().view()}
                    {text::COPY_SHORT}
                    <span class="visually-hidden" role="status"></span>
                </button>
                <button type="button" class="button share" data-shares="">
                    {Icon::Share.drawing().view()}
                    {text::SHARE}
                </button>
            </div>
        </Dialog>
    }
}
