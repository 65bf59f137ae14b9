//! Values that tell whoever has read them when they change.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use reactive_graph::graph::untrack;
use reactive_graph::owner::StoredValue;
use reactive_graph::signal::ArcTrigger;
use reactive_graph::traits::{GetValue, Notify, Track};

use super::watch;

/// A value, and what tells of its changes: a handle, which lasts as long as the owner under which it was made.
///
/// leptos' own signals are compiled anew, with all that belongs to them, for every type of value; on a page with thirty
/// types that was a tenth of the program. This is one of its triggers beside a value whose type only reading and writing
/// know.
pub struct Signal<T> {
    place: StoredValue<Place>,
    holds: PhantomData<fn() -> T>,
}

#[derive(Clone)]
struct Place {
    value: Arc<dyn Any + Send + Sync>,
    changed: ArcTrigger,
}

impl<T> Clone for Signal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Signal<T> {}

impl<T: Default + Send + Sync + 'static> Default for Signal<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Send + Sync + 'static> Signal<T> {
    /// Holds this value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { place: place(Arc::new(RwLock::new(value))), holds: PhantomData }
    }

    /// Reads the value. What draws or watches runs again when it changes.
    pub fn with<R>(self, read: impl FnOnce(&T) -> R) -> R {
        self.track();
        self.with_untracked(read)
    }

    /// Reads the value once.
    pub fn with_untracked<R>(self, read: impl FnOnce(&T) -> R) -> R {
        read(&cell(&self.place.get_value()).read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value. What draws or watches runs again when it changes.
    #[must_use]
    pub fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// The value at this moment.
    #[must_use]
    pub fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    /// What draws or watches runs again when the value changes.
    pub fn track(self) {
        self.place.get_value().changed.track();
    }

    /// Changes the value, and tells of it.
    pub fn update<R>(self, change: impl FnOnce(&mut T) -> R) -> R {
        let place = self.place.get_value();
        let result = change(&mut cell(&place).write().unwrap_or_else(PoisonError::into_inner));
        place.changed.notify();
        result
    }

    /// Holds this value from now on.
    pub fn set(self, value: T) {
        self.update(|held| *held = value);
    }

    /// Holds this value from now on, and tells of it only when it is another one.
    pub fn set_if_new(self, value: T)
    where
        T: PartialEq,
    {
        if self.with_untracked(|held| *held != value) {
            self.set(value);
        }
    }
}

/// A signal that follows others: computed again as often as one changes that was read for it.
#[must_use]
pub fn derived<T: PartialEq + Send + Sync + 'static>(mut compute: impl FnMut() -> T + 'static) -> Signal<T> {
    let signal = Signal::new(untrack(&mut compute));
    watch(move || signal.set_if_new(compute()));
    signal
}

fn place(value: Arc<dyn Any + Send + Sync>) -> StoredValue<Place> {
    StoredValue::new(Place { value, changed: ArcTrigger::new() })
}

fn cell<T: 'static>(place: &Place) -> &RwLock<T> {
    let Some(cell) = place.value.downcast_ref() else { unreachable!("it was made for this type") };
    cell
}
