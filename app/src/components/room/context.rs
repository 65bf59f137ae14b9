//! State of the composer that the log changes, too.

use client::MessageRow;
use leptos::prelude::*;
use protocol::EventId;

/// Mode of the composer, and target of the emoji picker. A context.
#[derive(Clone, Copy)]
pub(crate) struct ComposerContext {
    /// Mode of the composer.
    pub(crate) mode: RwSignal<Mode>,
    /// Target of the emoji picker; `None` while it is closed.
    pub(crate) emoji_target: RwSignal<Option<EmojiTarget>>,
}

/// Mode of the composer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mode {
    /// A message.
    New,
    /// An answer to this message.
    Reply(Box<MessageRow>),
    /// A change of this message.
    Edit(Box<MessageRow>),
}

/// Target of an emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmojiTarget {
    /// The text in the composer.
    Composer,
    /// A reaction to this message.
    Reaction(EventId),
}
