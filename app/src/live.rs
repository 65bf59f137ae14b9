//! The only bridge from the pure client to the browser: signals, the socket, timers, storage.
//!
//! It compiles on the server too, where pages are rendered and none of it runs: no Effect, no event.

pub mod address;
pub mod ask;
pub mod browser;
mod driver;
pub mod keeper;
pub mod notices;
pub mod signal;
mod socket;
pub mod store;

use reactive_graph::effect::{Effect, RenderEffect};
#[cfg(feature = "hydrate")]
use reactive_graph::owner::Owner;
use reactive_graph::owner::StoredValue;

/// Runs this in the browser, and again whenever a signal changes that it read.
pub fn watch(run: impl FnMut() + 'static) {
    // Boxed, and then in a function without type parameters: a closure in a generic function is a type of its own for
    // each of its instances, and everything that takes it is compiled once for each.
    watch_boxed(Box::new(run));
}

fn watch_boxed(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_| run());
}

/// The same, but the first time at once; what it makes lasts until it runs again.
pub fn draw(run: impl FnMut() + 'static) {
    draw_boxed(Box::new(run));
}

fn draw_boxed(mut run: Box<dyn FnMut()>) {
    // Kept by the owner.
    let _ = StoredValue::new_local(RenderEffect::new(move |_| run()));
}

/// Gets ready to run what the page needs, all of it as long as the page is there.
#[cfg(feature = "hydrate")]
pub fn begin<R>(page: impl FnOnce() -> R) -> R {
    // Fails only when it was done before.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let result = owner.with(page);
    std::mem::forget(owner);
    result
}
