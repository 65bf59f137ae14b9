//! The emoji that can be picked, and their names.

/// Name of each group, and its emoji with their names (CLDR short names, some of them shortened).
pub(super) const GROUPS: [(&str, &str); 6] = [
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

pub(super) fn named(emoji: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    emoji.split(", ").filter_map(|named| named.split_once(' '))
}

/// All emoji and their names.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    GROUPS.into_iter().flat_map(|(_, emoji)| named(emoji))
}

/// The emoji whose name has this in it.
pub(super) fn matching(query: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
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
