//! Language of a page. The server chooses it for each request, and the browser takes it from the document, so that both
//! halves draw the same.

include!(concat!(env!("OUT_DIR"), "/language.rs"));

impl Language {
    /// The language that a page is drawn in: of the document in the browser, of the request in the server.
    #[cfg(feature = "hydrate")]
    #[must_use]
    pub(crate) fn current() -> Self {
        Self::ALL.get(usize::from(CURRENT.load(Ordering::Relaxed))).copied().unwrap_or_default()
    }

    /// The language that a page is drawn in: of the document in the browser, of the request in the server.
    #[cfg(not(feature = "hydrate"))]
    #[must_use]
    pub(crate) fn current() -> Self {
        leptos::prelude::use_context().unwrap_or_default()
    }

    /// True where lines begin at the right.
    pub(crate) fn is_rtl(self) -> bool {
        self.direction() == "rtl"
    }

    /// The language of this name, in upper or lower case, as it is or with a region: `de-AT` is German.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let is_named = |name: &str| Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(name));
        is_named(tag).or_else(|| is_named(tag.split('-').next()?))
    }
}

#[cfg(feature = "hydrate")]
use std::sync::atomic::{AtomicU8, Ordering};

/// Place of the document's language among all.
#[cfg(feature = "hydrate")]
static CURRENT: AtomicU8 = AtomicU8::new(0);

/// Takes the language of the document, before anything is drawn.
#[cfg(feature = "hydrate")]
pub(crate) fn adopt() {
    let tag = leptos::prelude::document().document_element().and_then(|root| root.get_attribute("lang"));
    let language = tag.and_then(|tag| Language::of_tag(&tag)).unwrap_or_default();
    CURRENT.store(language as u8, Ordering::Relaxed);
}

#[cfg(not(feature = "hydrate"))]
impl Language {
    /// Runs this as for a page in the language.
    pub(crate) fn run<T>(self, run: impl FnOnce() -> T) -> T {
        use leptos::prelude::{Owner, provide_context};
        Owner::new().with(|| {
            provide_context(self);
            run()
        })
    }
}
