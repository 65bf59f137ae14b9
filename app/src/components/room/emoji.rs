//! The one emoji picker of the page: for the text in the composer, and for reactions to messages.

use leptos::prelude::*;
use leptos::{ev, html};
use web_sys::{Element, Event};

use super::log::row::element_id;
use super::{ComposerContext, EmojiTarget};
use crate::components::click::click;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::{Room, set_if_new};
use crate::text;

/// The picker's id, for buttons with `popovertarget`.
pub(super) const ID: &str = "emoji";
/// Emoji in a row. Every group fills its rows, so up and down keep their column through all of them.
const COLUMNS: usize = 8;

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

/// The picker. A button with `popovertarget` opens it for the composer, [`ComposerContext::emoji_target`] for a
/// reaction.
///
/// Its buttons are made when it first opens: `beforetoggle` comes before it is shown, and its listeners' microtasks,
/// which draw, run at the latest before `toggle`, which goes to the first button.
#[component]
pub(crate) fn EmojiPicker(
    /// Puts an emoji into the composer's text.
    insert: impl Fn(&str) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let (room, composer) = (expect_context::<Room>(), expect_context::<ComposerContext>());
    let panel = NodeRef::<html::Div>::new();
    let built = RwSignal::new(false);
    effect(move || {
        if let (Some(EmojiTarget::Reaction(message)), Some(panel)) =
            (composer.emoji_target.get(), panel.get_untracked())
            && !browser::is_open(&panel)
        {
            browser::open_popover(&panel, browser::by_id(&element_id(message)));
        }
    });
    let before_toggle = move |_: Event| {
        set_if_new(built, true);
        if composer.emoji_target.get_untracked().is_none() {
            composer.emoji_target.set(Some(EmojiTarget::Composer));
        }
    };
    let toggled = move |_| {
        // The event is a task of its own: the page may be gone.
        let Some(panel) = panel.try_get_untracked().flatten() else { return };
        if !browser::is_open(&panel) {
            // The bar it was opened from may be gone.
            if let (Some(EmojiTarget::Reaction(message)), true) =
                (composer.emoji_target.get_untracked(), has_lost_focus(&panel))
            {
                browser::focus(&element_id(message));
            }
            composer.emoji_target.set(None);
        } else if let Ok(Some(first)) = panel.query_selector("button") {
            browser::focus_on(&first);
        }
    };
    let pick = move |event: ev::MouseEvent| {
        let (Some(chosen), Some(panel)) = (button(&event), panel.get_untracked()) else { return };
        let emoji = chosen.text_content().unwrap_or_default();
        let what = composer.emoji_target.get_untracked();
        // First: closing gives the focus back.
        let _ = panel.hide_popover();
        match what {
            Some(EmojiTarget::Reaction(message)) => room.toggle_reaction(message, &emoji),
            _ => insert(&emoji),
        }
    };
    view! {
        <div
            id=ID
            node_ref=panel
            class="picker"
            popover="auto"
            role="dialog"
            aria-label=text::EMOJI
            on:beforetoggle=before_toggle
            on:toggle=toggled
            on:click=click(pick)
            on:keydown=move |event| steer(&event)
        >
            {move || built.get().then(grid)}
        </div>
    }
}

/// True when nothing on the page has the focus, or what is no longer shown in this panel: browsers take it from there
/// later.
fn has_lost_focus(panel: &Element) -> bool {
    browser::is_focus_lost() || document().active_element().is_some_and(|element| panel.contains(Some(&element)))
}

/// All emoji. Tab goes from group to group, the arrows from emoji to emoji.
fn grid() -> AnyView {
    let emoji_button = |(place, (emoji, name)): (usize, (&'static str, &'static str))| {
        let tabindex = if place == 0 { "0" } else { "-1" };
        view! {
            <button type="button" tabindex=tabindex aria-label=name title=name>
                {emoji}
            </button>
        }
        .into_any()
    };
    let group = |(name, emoji)| {
        view! {
            <div role="group" aria-label=name>
                {named(emoji).enumerate().map(emoji_button).collect_view()}
            </div>
        }
        .into_any()
    };
    GROUPS.into_iter().map(group).collect_view().into_any()
}

fn named(emoji: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    emoji.split(", ").filter_map(|named| named.split_once(' '))
}

fn steer(event: &ev::KeyboardEvent) {
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

    use protocol::Emoji;

    use super::*;

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
