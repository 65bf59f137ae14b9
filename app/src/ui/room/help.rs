//! What the keys do.

use leptos::prelude::*;

use crate::ui::kit::Dialog;
use crate::ui::text;

/// The dialog that `?` opens.
#[component]
pub(in crate::ui) fn Help() -> impl IntoView {
    let keys = |keys: &'static [&str]| keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view();
    view! {
        <Dialog id="help" heading=text::HELP_HEADING>
            <table>
                <tbody>
                    {text::HELP_KEYS.map(|(pressed, does)| view! { <tr><th scope="row">{keys(pressed)}</th><td>{does}</td></tr> })}
                </tbody>
            </table>
        </Dialog>
    }
}
