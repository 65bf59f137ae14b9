//! The list of keyboard shortcuts.

use leptos::prelude::*;

use crate::components::click::click;
use crate::components::dialog::Dialog;
use crate::live::browser;
use crate::live::effect::effect;
use crate::text;

/// The dialog that `?` opens in the log, and a button elsewhere.
pub(super) fn dialog() -> AnyView {
    let has_log_keys = RwSignal::new(true);
    effect(move || has_log_keys.set(browser::has_log_keys()));
    let toggle = move |_| {
        has_log_keys.update(|on| *on = !*on);
        browser::set_log_keys(has_log_keys.get_untracked());
    };
    let key = |key: &'static str| view! { <kbd>{key}</kbd> }.into_any();
    let row = move |(keys, does): (Vec<&'static str>, &'static str)| {
        view! { <tr><th scope="row">{keys.into_iter().map(key).collect_view()}</th><td>{does}</td></tr> }.into_any()
    };
    let report = browser::by_id("report-link").map(|_| {
        view! { <a href="/privacy#report" target="_blank" rel="external">{text::privacy_report()}</a> }.into_any()
    });
    view! {
        <Dialog id="help" heading=text::help_heading()>
            // It has the focus first, so that the list begins at its top.
            <table tabindex="0" aria-labelledby="help-heading"><tbody>{text::help_keys().into_iter().map(row).collect_view()}</tbody></table>
            <label class="hydrated">
                <input type="checkbox" prop:checked=move || has_log_keys.get() on:click=click(toggle)/>
                {text::log_keys()}
            </label>
            {report}
        </Dialog>
    }
    .into_any()
}
