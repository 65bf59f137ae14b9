//! The list of keyboard shortcuts.

use leptos::prelude::*;

use crate::components::dialog::Dialog;
use crate::text;

/// The dialog that `?` opens.
#[component]
pub(super) fn Help() -> impl IntoView {
    let key = |key: &&'static str| view! { <kbd>{*key}</kbd> };
    let row = move |(keys, does): (&'static [&'static str], &'static str)| {
        view! { <tr><th scope="row">{keys.iter().map(key).collect_view()}</th><td>{does}</td></tr> }
    };
    view! {
        <Dialog id="help" heading=text::HELP_HEADING>
            <table><tbody>{text::HELP_KEYS.map(row).collect_view()}</tbody></table>
        </Dialog>
    }
}
