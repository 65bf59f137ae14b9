//! The emoji as buttons, and the field that finds them.

use leptos::prelude::*;

use super::picker::{ID, SEARCH_ID, first};
use super::recent;
use super::table::{groups, matching, named};
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::signal::set_if_new;
use crate::text;

/// The content of the open picker.
pub(in crate::components::room) fn content(query: RwSignal<Option<String>>) -> AnyView {
    // In a picker that was opened before this came. Otherwise it is not open yet, and gets the focus then.
    effect(|| {
        let panel = browser::by_id(ID).filter(browser::is_open);
        if let Some(first) = panel.and_then(|panel| first(&panel)) {
            browser::focus_on(&first);
        }
    });
    view! {
        {search(query)}
        {move || query.get().map(|query| grid(&query))}
    }
    .into_any()
}

/// The field that finds emoji by their names.
fn search(query: RwSignal<Option<String>>) -> AnyView {
    let is_missing = move || query.read().as_ref().is_some_and(|query| matching(query).next().is_none());
    view! {
        <div class="search">
            <input
                type="search"
                id=SEARCH_ID
                placeholder=text::search_emoji()
                aria-label=text::search_emoji()
                autocomplete="off"
                on:input=move |event| set_if_new(query, Some(event_target_value(&event)))
            />
            <p role="status">{move || is_missing().then_some(text::no_emoji())}</p>
        </div>
    }
    .into_any()
}

/// The emoji of this name; without one all of them, the recent ones first. Tab goes from group to group, the arrows from
/// emoji to emoji.
fn grid(query: &str) -> AnyView {
    if !query.trim().is_empty() {
        let found: Vec<_> = matching(query).collect();
        return (!found.is_empty()).then(|| group(text::found_emoji(), found)).into_any();
    }
    let recent = recent::all();
    let all = groups().into_iter().map(|(name, emoji)| group(name, named(emoji).collect()));
    let recent = (!recent.is_empty()).then(|| group(text::recent_emoji(), recent));
    recent.into_iter().chain(all).collect_view().into_any()
}

fn group(name: &'static str, emoji: Vec<(&'static str, &'static str)>) -> AnyView {
    let emoji_button = |(place, (emoji, name)): (usize, (&'static str, &'static str))| {
        let tabindex = if place == 0 { "0" } else { "-1" };
        view! {
            <button type="button" tabindex=tabindex aria-label=name title=name>
                {emoji}
            </button>
        }
        .into_any()
    };
    view! {
        <div role="group" aria-label=name>
            {emoji.into_iter().enumerate().map(emoji_button).collect_view()}
        </div>
    }
    .into_any()
}
