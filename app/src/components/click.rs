//! Listeners of buttons.

use leptos::ev::MouseEvent;

/// A listener for `on:click`. All of them are of this one type, because leptos compiles what attaches a listener, and takes
/// over the element that has it, anew for each type of closure.
pub(crate) fn click(listener: impl FnMut(MouseEvent) + 'static) -> Box<dyn FnMut(MouseEvent)> {
    Box::new(listener)
}
