//! The few things that every page is made of.

use std::borrow::Cow;

#[cfg(feature = "ssr")]
use leptos::prelude::*;

use super::text;
use super::tree::{El, el};

/// The flask: a vessel for something volatile.
pub(super) fn mark() -> El {
    let stop = |colour: &'static str| el("stop").attr("stop-color", colour);
    let vapour = el("linearGradient")
        .attr("id", "vapour")
        .attr("x1", "4")
        .attr("y1", "28")
        .attr("x2", "28")
        .attr("y2", "6")
        .attr("gradientUnits", "userSpaceOnUse")
        .child(stop("#ff4fa3"))
        .child(stop("#9b5cff").attr("offset", ".5"))
        .child(stop("#4fd2ff").attr("offset", "1"));
    let filled = |tag: &'static str| el(tag).attr("fill", "url(#vapour)");
    let bubble = |x: &'static str, y: &'static str, radius: &'static str| {
        filled("circle").attr("cx", x).attr("cy", y).attr("r", radius)
    };
    el("svg")
        .class("flask")
        .attr("viewBox", "0 0 32 32")
        .attr("fill", "none")
        .attr("aria-hidden", "true")
        .child(el("defs").child(vapour))
        .child(
            el("path")
                .attr("d", "M12.5 3h7M14 3v8.2L5.6 25.1A3 3 0 0 0 8.2 29.6h15.6a3 3 0 0 0 2.6-4.5L18 11.2V3")
                .attr("stroke", "url(#vapour)")
                .attr("stroke-width", "2.4")
                .attr("stroke-linecap", "round")
                .attr("stroke-linejoin", "round"),
        )
        .child(filled("path").attr("d", "M10.2 21.2h11.6l2.6 4.4a1.3 1.3 0 0 1-1.1 2H8.7a1.3 1.3 0 0 1-1.1-2z"))
        .child(bubble("15", "17.2", "1.3"))
        .child(bubble("17", "13.8", ".9"))
}

/// A line drawing of 24 by 24, in the text's colour.
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "some are on pages that only the server renders"))]
#[derive(Clone, Copy)]
pub(super) enum Icon {
    /// Two sheets.
    Copy,
    /// A tick.
    Done,
    /// Two people.
    People,
    /// A door and an arrow.
    Leave,
    /// An arrow upwards.
    Send,
    /// A face.
    Smile,
    /// An arrow back.
    Reply,
    /// A pencil.
    Edit,
    /// A bin.
    Delete,
    /// A QR code.
    Qr,
    /// A bell.
    Bell,
    /// A bell that is crossed out.
    BellOff,
    /// A circle, half light and half dark.
    Auto,
    /// A sun.
    Sun,
    /// A moon.
    Moon,
    /// A lock.
    Lock,
    /// Three dots.
    More,
    /// A cross.
    Close,
    /// An arrow out of a box.
    Share,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Copy => {
                "M9 11.5A2.5 2.5 0 0 1 11.5 9h6a2.5 2.5 0 0 1 2.5 2.5v6a2.5 2.5 0 0 1-2.500 2.500h-6A2.5 2.500 0 0 1 9 17.500zM5 15V6a2 2 0 0 1 2-2h9"
            }
            Self::Done => "M5 12.5l4.500 4.500L19 7.500",
            Self::People => {
                "M12.500 8a3.500 3.500 0 1 1-7 0a3.500 3.500 0 1 1 7 0M2.500 20a6.500 6.500 0 0 1 13 0M16 4.800a3.500 3.500 0 0 1 0 6.400M18 14.500a6.500 6.500 0 0 1 3.500 5.500"
            }
            Self::Leave => "M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4M15 8l4 4-4 4M19 12H9",
            Self::Send => "M12 19V5M6 11l6-6 6 6",
            Self::Smile => {
                "M20.500 12a8.500 8.500 0 1 1-17 0a8.500 8.500 0 1 1 17 0M8.500 14.200a4.200 4.200 0 0 0 7 0M9 9.500v.1M15 9.500v.1"
            }
            Self::Reply => "M10 7L4.500 12.500L10 18M5 12.500h9.500a5 5 0 0 1 5 5V19",
            Self::Edit => "M4 20l1-4L16.500 4.500a2 2 0 0 1 3 3L8 19l-4 1zM14 7l3 3",
            Self::Delete => "M4.500 7h15M9.500 7V4.500h5V7M6.500 7l1 13h9l1-13M10 11v5.500M14 11v5.500",
            Self::Qr => "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v6h-6M18 17h2",
            Self::Bell => "M18 9a6 6 0 0 0-12 0c0 6-2.500 7-2.500 7h17S18 15 18 9M10 20a2.200 2.200 0 0 0 4 0",
            Self::BellOff => {
                "M18 9a6 6 0 0 0-9.500-4.900M6.200 7.800C6.200 14.500 3.500 16 3.500 16H15.500M18.800 13.900C18.300 12.800 18 11.200 18 9M10 20a2.200 2.200 0 0 0 4 0M3.500 3.500l17 17"
            }
            Self::Auto => "M20 12a8 8 0 1 1-16 0a8 8 0 1 1 16 0M12 4v16M12 8.500h7M12 12h8M12 15.500h7",
            Self::Sun => {
                "M16 12a4 4 0 1 1-8 0a4 4 0 1 1 8 0M12 3v1M12 20v1M3 12h1M20 12h1M5.600 5.600l.7.7M17.700 17.700l.7.7M18.400 5.600l-.7.7M6.300 17.700l-.7.7"
            }
            Self::Moon => "M20 14.500A8 8 0 1 1 9.500 4a6.500 6.500 0 0 0 10.500 10.500z",
            Self::Lock => "M5 11h14v9H5zM8 11V8a4 4 0 0 1 8 0v3",
            Self::More => {
                "M6 12a1 1 0 1 1-2 0a1 1 0 1 1 2 0M13 12a1 1 0 1 1-2 0a1 1 0 1 1 2 0M20 12a1 1 0 1 1-2 0a1 1 0 1 1 2 0"
            }
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::Share => "M12 15V4M8 7.500l4-4l4 4M7 12H5v8h14v-8h-2",
        }
    }

    /// The icon as a piece of a page.
    pub(super) fn drawing(self) -> El {
        el("svg")
            .attr("viewBox", "0 0 24 24")
            .attr("fill", "none")
            .attr("stroke", "currentColor")
            .attr("stroke-width", "2")
            .attr("stroke-linecap", "round")
            .attr("stroke-linejoin", "round")
            .attr("aria-hidden", "true")
            .child(el("path").attr("d", self.path()))
    }
}

/// The head of a page with one card: the way home, and the look.
pub(super) fn top() -> El {
    el("header")
        .class("top")
        .child(el("a").class("mark").attr("href", "/").attr("rel", "external").child(mark()).text(text::PRODUCT))
        .child(look())
}

/// A dialog with a heading and a way to close it.
#[cfg(feature = "ssr")]
#[component]
pub(super) fn Dialog(
    /// What opens it names this.
    id: &'static str,
    /// What it is called.
    heading: &'static str,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let heading_id = format!("{id}-heading");
    view! {
        <dialog id=id closedby="any" aria-labelledby=heading_id>
            <h2 id=heading_id.clone()>{heading}</h2>
            {children()}
            // The last, so that the focus goes to what the dialog is for when there is such a thing.
            {tool()
                .class("button icon close")
                .attr("command", "close")
                .attr("commandfor", id)
                .attr("aria-label", text::CLOSE)
                .child(Icon::Close.drawing())
                .view()}
        </dialog>
    }
}

/// The button for the look of all pages. The document's script hears it and says at the root which look it is; styles
/// show the one of three signs that says so.
pub(super) fn look() -> El {
    let looks = [
        ("auto", Icon::Auto, text::LOOK_AUTO),
        ("light", Icon::Sun, text::LOOK_LIGHT),
        ("dark", Icon::Moon, text::LOOK_DARK),
    ];
    tool()
        .class("button icon look scripted")
        .attr("data-look", "")
        .children(looks.map(|(look, icon, words)| sign(icon, words).class(look).attr("title", words)))
}

/// A button that sends no form.
pub(super) fn tool() -> El {
    el("button").attr("type", "button")
}

/// An icon and its words. Where there is no space for them, styles hide the words from the eye only.
pub(super) fn sign(icon: Icon, words: impl Into<Cow<'static, str>>) -> El {
    el("span").child(icon.drawing()).child(el("span").class("label").text(words))
}
