//! The few things that every page is made of.

use leptos::prelude::*;

/// The flask: a vessel for something volatile.
#[component]
pub(super) fn Mark() -> impl IntoView {
    view! {
        <svg class="flask" viewBox="0 0 32 32" fill="none" aria-hidden="true">
            <defs>
                <linearGradient id="vapour" x1="4" y1="28" x2="28" y2="6" gradientUnits="userSpaceOnUse">
                    <stop stop-color="#ff4fa3"/>
                    <stop offset=".5" stop-color="#9b5cff"/>
                    <stop offset="1" stop-color="#4fd2ff"/>
                </linearGradient>
            </defs>
            <path d="M12.5 3h7M14 3v8.2L5.6 25.1A3 3 0 0 0 8.2 29.6h15.6a3 3 0 0 0 2.6-4.5L18 11.2V3" stroke="url(#vapour)"
                stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>
            <path d="M10.2 21.2h11.6l2.6 4.4a1.3 1.3 0 0 1-1.1 2H8.7a1.3 1.3 0 0 1-1.1-2z" fill="url(#vapour)"/>
            <circle cx="15" cy="17.2" r="1.3" fill="url(#vapour)"/>
            <circle cx="18" cy="14.2" r=".9" fill="url(#vapour)"/>
        </svg>
    }
}

/// A line drawing of 24 by 24, in the text's colour.
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
        }
    }
}

/// Draws an icon.
#[component]
pub(super) fn Glyph(
    /// Which.
    #[prop(into)]
    icon: Signal<Icon>,
) -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
            <path d=move || icon.get().path()/>
        </svg>
    }
}
