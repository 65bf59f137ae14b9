//! The emoji as buttons, and the field that finds them.

use leptos::prelude::*;

use super::{ID, SEARCH_ID, first, recent};
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::set_if_new;
use crate::text;

/// Name of each group, and its emoji with their names (CLDR short names, some of them shortened).
const GROUPS: [(&str, &str); 6] = [
    (
        "Smileys",
        "😀 grinning, 😄 happy, 😁 beaming, 😆 squinting laugh, 😅 laughing with sweat, 😂 tears of joy, 🤣 rolling on the floor, 😊 blushing, \
         🙂 slight smile, 🙃 upside-down, 😉 wink, 😍 heart eyes, 🥰 in love, 😘 blowing a kiss, 😋 yum, 😜 winking tongue, \
         🤔 thinking, 🤨 raised eyebrow, 😐 neutral, 🙄 rolling eyes, 😏 smirk, 😎 sunglasses, 🤓 nerd, 🥳 partying, \
         😬 grimacing, 😮 surprised, 😴 sleeping, 😢 crying, 😭 sobbing, 😡 angry, 🤯 mind blown, 🫠 melting",
    ),
    (
        "Hands and hearts",
        "👍 thumbs up, 👎 thumbs down, 👌 OK hand, ✌️ victory, 🤞 crossed fingers, 👋 waving, 👏 clapping, 🙌 raised hands, \
         🙏 folded hands, 🤝 handshake, 💪 strong arm, 👀 eyes, 🫡 saluting, 🤷 shrug, 🤦 facepalm, 🫶 heart hands, \
         ❤️ red heart, 🧡 orange heart, 💛 yellow heart, 💚 green heart, 💙 blue heart, 💜 purple heart, 💔 broken heart, 💯 hundred points",
    ),
    (
        "Animals and nature",
        "🐶 dog, 🐱 cat, 🦊 fox, 🐻 bear, 🐼 panda, 🐸 frog, 🐵 monkey, 🦄 unicorn, \
         🐝 bee, 🦋 butterfly, 🐙 octopus, 🐢 turtle, 🌱 seedling, 🌸 blossom, 🌈 rainbow, ☀️ sun",
    ),
    (
        "Food and drink",
        "🍎 apple, 🍌 banana, 🍓 strawberry, 🥑 avocado, 🍕 pizza, 🍔 burger, 🍟 fries, 🌮 taco, \
         🍣 sushi, 🍪 cookie, 🎂 birthday cake, 🍫 chocolate, ☕ coffee, 🍵 tea, 🍺 beer, 🥂 clinking glasses",
    ),
    (
        "Fun and places",
        "🎉 party popper, 🎈 balloon, 🎁 present, 🏆 trophy, ⚽ football, 🏀 basketball, 🎮 video game, 🎲 die, \
         🎸 guitar, 🎵 music, 🎬 film, 🚀 rocket, 🚗 car, 🚲 bicycle, 🏠 house, 🏖️ beach",
    ),
    (
        "Objects and signs",
        "🔥 fire, ✨ sparkles, ⭐ star, ⚡ lightning, 💡 light bulb, 💻 laptop, 📱 phone, 📌 pin, \
         🔒 lock, 🧪 test tube, 🐛 bug, ⏰ alarm clock, ✅ done, ❌ cross, ❓ question, ⚠️ warning",
    ),
];

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
                placeholder=text::SEARCH_EMOJI
                aria-label=text::SEARCH_EMOJI
                autocomplete="off"
                on:input=move |event| set_if_new(query, Some(event_target_value(&event)))
            />
            <p role="status">{move || is_missing().then_some(text::NO_EMOJI)}</p>
        </div>
    }
    .into_any()
}

/// The emoji of this name; without one all of them, the recent ones first. Tab goes from group to group, the arrows from
/// emoji to emoji.
fn grid(query: &str) -> AnyView {
    if !query.trim().is_empty() {
        let found: Vec<_> = matching(query).collect();
        return (!found.is_empty()).then(|| group(text::FOUND, found)).into_any();
    }
    let recent = recent::all();
    let all = GROUPS.into_iter().map(|(name, emoji)| group(name, named(emoji).collect()));
    let recent = (!recent.is_empty()).then(|| group(text::RECENT, recent));
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

fn named(emoji: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    emoji.split(", ").filter_map(|named| named.split_once(' '))
}

/// All emoji and their names.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.into_iter().flat_map(|(_, emoji)| named(emoji))
}

/// The emoji whose name has this in it.
fn matching(query: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let query = query.trim().to_lowercase();
    all().filter(move |(_, name)| name.to_lowercase().contains(&query))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::Emoji;

    use super::*;

    /// Emoji in a row of the widest picker.
    const COLUMNS: usize = 8;

    #[test]
    fn every_group_fills_its_rows_with_named_emoji() {
        let mut seen = BTreeSet::new();
        for (group, emoji) in GROUPS {
            let count = emoji.split(", ").count();
            assert_eq!(named(emoji).count(), count, "{group}: one has no name");
            assert_eq!(count % COLUMNS, 0, "{group} has {count}");
            for (emoji, name) in named(emoji) {
                assert!(emoji.parse::<Emoji>().is_ok(), "{emoji} can be no reaction");
                assert!(!name.is_empty() && name.trim() == name, "{emoji}: {name:?}");
                assert!(seen.insert(emoji) && seen.insert(name), "{emoji} or {name:?} is there twice");
            }
        }
    }

    #[test]
    fn emoji_are_found_by_any_part_of_their_name() {
        let found = |query| matching(query).map(|(emoji, _)| emoji).collect::<String>();
        assert_eq!(found("Test TUBE "), "🧪");
        assert_eq!(found("ok h"), "👌");
        assert_eq!(found("no such thing"), "");
    }
}
