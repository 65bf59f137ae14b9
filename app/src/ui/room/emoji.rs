//! The one emoji picker of the page: for the text in the composer, and for reactions to messages.

use protocol::EventId;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

use super::Picking;
use super::message::element_id;
use crate::live::browser;
use crate::live::signal::{Signal, derived};
use crate::live::store::RoomStore;
use crate::live::watch;
use crate::ui::text;
use crate::ui::tree::{El, el};

/// The picker's id, for buttons with `popovertarget`.
pub(super) const ID: &str = "emoji";
/// Emoji in a row. Every group fills its rows, so up and down keep their column through all of them.
const COLUMNS: usize = 8;

/// What each group is called, and its emoji with their names (CLDR short names, some of them shortened).
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

/// The picker. It opens when something is picked for, or by a button with `popovertarget`, for the composer then.
pub(super) fn view(
    store: RoomStore,
    picking: Signal<Option<Picking>>,
    insert: impl Fn(&str) + Copy + Send + Sync + 'static,
) -> El {
    // Whoever never opens it does not pay for its buttons.
    let mut was = false;
    let wanted = derived(move || {
        was |= picking.with(Option::is_some);
        was
    });
    watch(move || {
        if let (Some(what), Some(panel)) = (picking.get(), panel())
            && !browser::is_open(&panel)
        {
            let beside = match what {
                Picking::Composer => None,
                Picking::Reaction(message) => browser::by_id(&element_id(message)),
            };
            browser::open_popover(&panel, beside);
        }
    });
    let before_toggle = move |_: &Event| {
        if picking.with_untracked(Option::is_none) {
            picking.set(Some(Picking::Composer));
        }
    };
    let toggled = move |_: &Event| {
        let Some(panel) = panel() else { return };
        if !browser::is_open(&panel) {
            // The bar it was opened from may be gone.
            if let (Some(Picking::Reaction(message)), true) = (picking.get_untracked(), browser::is_focus_lost()) {
                browser::focus(&element_id(message));
            }
            picking.set(None);
        } else if let Ok(Some(first)) = panel.query_selector("button") {
            browser::focus_on(&first);
        }
    };
    let pick = move |event: &Event| {
        let (Some(chosen), Some(panel)) = (button(event), panel()) else { return };
        let emoji = chosen.text_content().unwrap_or_default();
        let what = picking.get_untracked();
        // First: closing gives the focus back.
        let _ = panel.hide_popover();
        match what {
            Some(Picking::Reaction(message)) => toggle(store, message, &emoji),
            _ => insert(&emoji),
        }
    };
    el("div")
        .attr("id", ID)
        .class("picker")
        .attr("popover", "auto")
        .attr("role", "dialog")
        .attr("aria-label", text::EMOJI)
        .on("beforetoggle", before_toggle)
        .on("toggle", toggled)
        .on("click", pick)
        .on("keydown", steer)
        .live(move || if wanted.get() { grid() } else { el("div") })
}

fn panel() -> Option<HtmlElement> {
    browser::by_id(ID)?.dyn_into().ok()
}

/// Tab goes from group to group, the arrows from emoji to emoji.
fn grid() -> El {
    el("div").children(GROUPS.iter().map(|(name, emoji)| {
        el("div").attr("role", "group").attr("aria-label", *name).children(named(emoji).enumerate().map(
            |(place, (emoji, name))| {
                el("button")
                    .attr("type", "button")
                    .attr("tabindex", if place == 0 { "0" } else { "-1" })
                    .attr("aria-label", name)
                    .attr("title", name)
                    .text(emoji)
            },
        ))
    }))
}

fn named(emoji: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    emoji.split(", ").filter_map(|named| named.split_once(' '))
}

/// Puts the emoji on the message, or takes it away when the reader had put it there.
fn toggle(store: RoomStore, message: EventId, emoji: &str) {
    let (Some(message), Ok(emoji)) = (store.message(message), emoji.parse()) else { return };
    let on = !message.reactions.iter().any(|reaction| reaction.own && reaction.emoji == emoji);
    store.react(message.id, emoji, on);
}

fn steer(event: &Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
    let (forward, steps) = match event.key().as_str() {
        "ArrowRight" => (true, 1),
        "ArrowLeft" => (false, 1),
        "ArrowDown" => (true, COLUMNS),
        "ArrowUp" => (false, COLUMNS),
        _ => return,
    };
    event.prevent_default();
    if let Some(there) = (0..steps).try_fold(button(event), |from, _| Some(neighbour(&from?, forward))).flatten() {
        browser::focus_on(&there);
    }
}

/// The emoji after or before this one, in the next or the last group if need be.
fn neighbour(from: &Element, forward: bool) -> Option<Element> {
    if forward {
        from.next_element_sibling().or_else(|| from.parent_element()?.next_element_sibling()?.first_element_child())
    } else {
        from.previous_element_sibling()
            .or_else(|| from.parent_element()?.previous_element_sibling()?.last_element_child())
    }
}

/// The emoji that an event is about.
fn button(event: &Event) -> Option<Element> {
    browser::closest(&browser::target(event)?, "button")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use protocol::Emoji;

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
}
