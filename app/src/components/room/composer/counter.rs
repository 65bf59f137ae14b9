//! The space that is left for a long text.

use leptos::prelude::*;
use protocol::body::MAX_SCALARS;

use super::state::NEAR_LIMIT;
use crate::text;

/// The space that is left, near the limit.
#[component]
pub(super) fn Counter(
    /// Length of the text, from [`NEAR_LIMIT`] on.
    length: RwSignal<usize>,
) -> impl IntoView {
    let left = move || {
        let length = length.get();
        (length >= NEAR_LIMIT).then(|| text::space_left(MAX_SCALARS, length))
    };
    view! {
        <output class="counter" class:over=move || { length.get() > MAX_SCALARS }>
            {left}
        </output>
    }
}
