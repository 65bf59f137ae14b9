//! Effects of one type.

use leptos::prelude::*;

/// `Effect::new` for an effect without a value; what it keeps from run to run is in its closure. A boxed one, because
/// leptos is compiled anew for each type of closure, and the browser's program has two dozen of them.
pub fn effect(run: impl FnMut() + 'static) {
    Effect::new(Box::new(run) as Box<dyn FnMut()>);
}
