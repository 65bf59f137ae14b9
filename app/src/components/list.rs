//! Keyed lists.

use client::RowKey;
use leptos::prelude::*;

/// Key of an item in its list.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum ItemKey {
    /// A number.
    Number(i64),
    /// A row of the log.
    Row(RowKey),
    /// A text.
    Text(String),
}

/// An item of a list.
pub(crate) struct Item {
    key: ItemKey,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

impl Item {
    /// An item that is drawn by this when it is new in the list.
    pub(crate) fn new(key: ItemKey, draw: impl FnOnce() -> AnyView + Send + 'static) -> Self {
        Self { key, draw: Box::new(draw) }
    }
}

/// `<For>` for items of all kinds. leptos compiles it anew for each type of item, which are 8 to 14 KB of WASM.
#[component]
pub(crate) fn List(
    /// The items, in their order.
    each: Box<dyn Fn() -> Vec<Item> + Send>,
) -> impl IntoView {
    view! { <For each key=|item| item.key.clone() children=|item: Item| (item.draw)()/> }
}
