//! The list of keyboard shortcuts.

use leptos::prelude::*;

use crate::components::dialog::Dialog;
use crate::text;

/// The dialog that `?` opens.
#[component]
pub(super) fn Help() -> impl IntoView {
    let key = |key: &&'static str| view! { <kbd>{*key}</kbd> }.into_any();
    let row = move |(keys, does): (&'static [&'static str], &'static str)| {
        view! { <tr><th scope="row">{keys.iter().map(key).collect_view()}</th><td>{does}</td></tr> }.into_any()
    };
    view! {
        <Dialog id="help" heading=text::HELP_HEADING>
            <table><tbody>{text::HELP_KEYS.into_iter().map(row).collect_view()}</tbody></table>
        </Dialog>
    }
}
