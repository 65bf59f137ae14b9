//! What comes to life: the server writes it, with what it is made of; the browser makes it of the same and takes over
//! what was written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tree::El;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
use super::tree::el;

/// A piece of a page that comes to life, as what it is made of.
pub(super) trait Island: Serialize + DeserializeOwned {
    /// Tells it from the others.
    const NAME: &'static str;

    /// Begins it, and draws it as often as a signal changes that it reads.
    fn begin(self) -> impl Fn() -> El + Send + Sync + 'static;
}

/// An island's element.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
const TAG: &str = "flasky-island";

/// The island as the server writes it.
#[cfg(feature = "ssr")]
pub(super) fn island<T: Island>(made_of: T) -> El {
    let given = serde_json::to_string(&made_of).unwrap_or_default();
    el(TAG).attr("data-island", T::NAME).attr("data-made-of", given).live(made_of.begin())
}

/// Brings the islands of this kind to life; false when one is made of something else than it should be.
#[cfg(feature = "hydrate")]
#[must_use]
pub(super) fn wake<T: Island>() -> bool {
    use crate::live::browser;
    let islands = browser::find_everywhere(&format!("{TAG}[data-island={}]", T::NAME));
    islands.iter().all(|element| {
        let made_of = browser::given::<T>(element, "data-made-of");
        made_of.map(|made_of| el(TAG).live(made_of.begin()).adopt(element)).is_some()
    })
}
