//! The only bridge from the pure client to the browser: signals, the socket, timers, storage.
//!
//! It compiles on the server too, where pages are rendered and none of it runs: no Effect, no event.

pub mod ask;
pub mod browser;
mod driver;
pub mod keeper;
pub mod notices;
mod socket;
pub mod store;

/// Runs this in the browser, and again whenever a signal changes that it read. One function of the program however many
/// kinds of closures it is given.
pub fn watch(run: impl FnMut() + 'static) {
    let mut run: Box<dyn FnMut()> = Box::new(run);
    leptos::prelude::Effect::new(move |_| run());
}
