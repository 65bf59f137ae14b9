//! Drawings. The document holds the sprite, once and outside of what is hydrated; pages point into it.

use leptos::prelude::*;

/// A line drawing of the sprite. Where it is always the same one, write `<svg aria-hidden="true"><use href="#i-send"/></svg>`
/// instead: literal markup is one constant for leptos.
#[component]
pub(crate) fn Icon(
    /// Its address in the sprite, such as `#i-send`.
    href: &'static str,
) -> impl IntoView {
    view! { <svg aria-hidden="true"><use href=href/></svg> }
}

/// An icon and its words. Where there is no space for them, styles hide the words from the eye only.
#[component]
pub(crate) fn LabelledIcon(
    /// The icon's address in the sprite.
    icon: &'static str,
    /// The words.
    label: &'static str,
    /// Tooltip of the whole.
    #[prop(optional)]
    title: Option<&'static str>,
) -> impl IntoView {
    view! { <span title=title><Icon href=icon/><span class="label">{label}</span></span> }
}

/// The flask: a vessel for something volatile. Drawn in place and not from the sprite, since its parts move when a room
/// ends (`.evaporates`).
#[component]
pub(crate) fn Logo() -> impl IntoView {
    view! {
        <svg class="flask" viewBox="0 0 32 32" aria-hidden="true">
            <g fill="url(#vapour)" stroke="none">
                <path fill="none" stroke="url(#vapour)" stroke-width="2.4" d="M12.5 3h7M14 3v8.2L5.6 25.1A3 3 0 0 0 8.2 29.6h15.6a3 3 0 0 0 2.6-4.5L18 11.2V3"/>
                <path d="M10.2 21.2h11.6l2.6 4.4a1.3 1.3 0 0 1-1.1 2H8.7a1.3 1.3 0 0 1-1.1-2z"/>
                <circle cx="15" cy="17.2" r="1.3"/>
                <circle cx="17" cy="13.8" r=".9"/>
            </g>
        </svg>
    }
}

/// The symbols that an [`Icon`] points at, and the gradient of the [`Logo`].
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn Sprite() -> impl IntoView {
    let symbol = |(id, path)| view! { <symbol id=id viewBox="0 0 24 24"><path d=path/></symbol> };
    view! {
        <svg class="sprite" aria-hidden="true">
            <linearGradient id="vapour" x1="4" y1="28" x2="28" y2="6" gradientUnits="userSpaceOnUse">
                <stop stop-color="#ff4fa3"/>
                <stop stop-color="#9b5cff" offset=".5"/>
                <stop stop-color="#4fd2ff" offset="1"/>
            </linearGradient>
            {ICONS.map(symbol).collect_view()}
        </svg>
    }
}

/// Line drawings of 24 by 24, in the text's colour: id and path.
#[cfg(feature = "ssr")]
const ICONS: [(&str, &str); 24] = [
    (
        "i-copy",
        "M9 11.5A2.5 2.5 0 0 1 11.5 9h6a2.5 2.5 0 0 1 2.5 2.5v6a2.5 2.5 0 0 1-2.5 2.5h-6A2.5 2.5 0 0 1 9 17.5zM5 15V6a2 2 0 0 1 2-2h9",
    ),
    ("i-done", "M5 12.5l4.5 4.5L19 7.5"),
    (
        "i-people",
        "M12.5 8a3.5 3.5 0 1 1-7 0a3.5 3.5 0 1 1 7 0M2.5 20a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
    ),
    ("i-leave", "M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4M15 8l4 4-4 4M19 12H9"),
    ("i-send", "M12 19V5M6 11l6-6 6 6"),
    ("i-smile", "M20.5 12a8.5 8.5 0 1 1-17 0a8.5 8.5 0 1 1 17 0M8.5 14.2a4.2 4.2 0 0 0 7 0M9 9.5v.1M15 9.5v.1"),
    ("i-reply", "M10 7L4.5 12.5L10 18M5 12.5h9.5a5 5 0 0 1 5 5V19"),
    ("i-edit", "M4 20l1-4L16.5 4.5a2 2 0 0 1 3 3L8 19l-4 1zM14 7l3 3"),
    ("i-delete", "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5"),
    ("i-qr", "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v6h-6M18 17h2"),
    ("i-bell", "M18 9a6 6 0 0 0-12 0c0 6-2.5 7-2.5 7h17S18 15 18 9M10 20a2.2 2.2 0 0 0 4 0"),
    (
        "i-bell-off",
        "M18 9a6 6 0 0 0-9.5-4.9M6.2 7.8C6.2 14.5 3.5 16 3.5 16H15.5M18.8 13.9C18.3 12.8 18 11.2 18 9M10 20a2.2 2.2 0 0 0 4 0M3.5 3.5l17 17",
    ),
    (
        "i-ignore",
        "M10.6 6.1A9.6 9.6 0 0 1 12 6c6 0 9.5 6 9.5 6a16 16 0 0 1-2.4 3.1M6.3 7.6A16 16 0 0 0 2.5 12S6 18 12 18a9.7 9.7 0 0 0 4.6-1.2M9.9 9.9a3 3 0 0 0 4.2 4.2M3.5 3.5l17 17",
    ),
    ("i-auto", "M20 12a8 8 0 1 1-16 0a8 8 0 1 1 16 0M12 4v16M12 8.5h7M12 12h8M12 15.5h7"),
    (
        "i-sun",
        "M16 12a4 4 0 1 1-8 0a4 4 0 1 1 8 0M12 3v1M12 20v1M3 12h1M20 12h1M5.6 5.6l.7.7M17.7 17.7l.7.7M18.4 5.6l-.7.7M6.3 17.7l-.7.7",
    ),
    ("i-moon", "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z"),
    (
        "i-language",
        "M3.5 6h9M8 3.5V6M11 6c-.7 4-3.3 7.3-7 9M5.5 9c1.4 2.6 3.4 4.6 6 6M12 20.5l4.5-11 4.5 11M13.6 17h5.8",
    ),
    ("i-lock", "M5 11h14v9H5zM8 11V8a4 4 0 0 1 8 0v3"),
    ("i-more", "M6 12a1 1 0 1 1-2 0a1 1 0 1 1 2 0M13 12a1 1 0 1 1-2 0a1 1 0 1 1 2 0M20 12a1 1 0 1 1-2 0a1 1 0 1 1 2 0"),
    ("i-search", "M17.5 11a6.5 6.5 0 1 1-13 0a6.5 6.5 0 1 1 13 0M15.8 15.8L20 20"),
    ("i-up", "M6 15l6-6l6 6"),
    ("i-down", "M6 9l6 6l6-6"),
    ("i-close", "M6 6l12 12M18 6L6 18"),
    ("i-share", "M12 15V4M8 7.5l4-4l4 4M7 12H5v8h14v-8h-2"),
];

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every `#i-…` that is written in the files of this directory.
    fn named(directory: &Path, names: &mut BTreeSet<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, names);
            } else if path.file_name().unwrap() != "icon.rs" {
                let source = fs::read_to_string(&path).unwrap();
                let hrefs = source.split("\"#").skip(1).filter_map(|rest| rest.split('"').next());
                names.extend(hrefs.filter(|href| href.starts_with("i-")).map(ToOwned::to_owned));
            }
        }
    }

    #[test]
    fn sprite_holds_every_icon_that_pages_use() {
        let mut missing = BTreeSet::new();
        named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut missing);
        assert!(!missing.is_empty());
        missing.retain(|name| ICONS.iter().all(|(id, _)| id != name));
        assert!(missing.is_empty(), "{missing:?}");
    }
}
