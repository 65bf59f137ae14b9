//! Refused forms on their way back to the page they came from.
//!
//! Kept in memory instead of in a cookie: a refused message can be longer than a cookie may be, and nothing typed is
//! lost. A form that cannot be kept is shown in the answer to its own request ([`InPlace`]), so nothing is ever evicted
//! to make room: no number of strangers' forms costs anybody what they typed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::api::Flash;
use moka::sync::Cache;

use crate::identity::Session;

/// Seconds a refused form waits for its page, which a browser asks for at once.
const LIFETIME: Duration = Duration::from_secs(60);
/// Maximum total of kept forms in bytes: 127 of the longest that a request may carry, and 32 000 empty ones.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes of a kept form beside its texts: the form and the cache's record of it take half of that, measured with empty
/// ones, and each text may be allocated longer than it is.
const ENTRY: usize = 1024;

/// At most one refused form per session, shown once.
pub struct Flashes(Cache<Session, Flash>);

impl Default for Flashes {
    fn default() -> Self {
        let cache = Cache::builder().time_to_live(LIFETIME).weigher(|_, flash: &Flash| bytes(flash));
        Self(cache.build())
    }
}

impl Flashes {
    /// Keeps a refused form for its session's next page, in place of an earlier one.
    ///
    /// # Errors
    /// With the form, when it would exceed [`MAX_BYTES`].
    pub fn put(&self, session: Session, flash: Flash) -> Result<(), Box<Flash>> {
        // Removes what has expired, and counts what was just put.
        self.0.run_pending_tasks();
        if self.0.weighted_size() + u64::from(bytes(&flash)) > MAX_BYTES {
            return Err(Box::new(flash));
        }
        self.0.insert(session, flash);
        Ok(())
    }

    /// Removes and returns the refused form of this session that goes back to this page.
    pub fn take(&self, session: Session, page: &str) -> Option<Flash> {
        self.0.get(&session).filter(|flash| flash.to == page)?;
        self.0.remove(&session)
    }
}

/// A refused form that is shown in the answer to its own request: the request's extension.
#[derive(Clone, Default)]
pub struct InPlace(Arc<Mutex<Option<Flash>>>);

impl InPlace {
    /// Asks for the form's page in the place of a redirect to it.
    pub fn put(&self, flash: Flash) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(flash);
        }
    }

    /// Path of the page to answer with, if one was asked for.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        Some(self.0.lock().ok()?.as_ref()?.to.clone())
    }

    /// Removes and returns the form, for this page.
    #[must_use]
    pub fn take(&self, page: &str) -> Option<Flash> {
        self.0.lock().ok()?.take_if(|flash| flash.to == page)
    }
}

/// Bytes that keeping a form takes.
fn bytes(flash: &Flash) -> u32 {
    let form = &flash.form;
    let texts = [&flash.to, &flash.body, &form.name, &form.code, &form.capacity, &form.intent, &form.from];
    u32::try_from(ENTRY + texts.iter().map(|text| text.len()).sum::<usize>()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use app::api::{EnterForm, Field, Refusal};
    use axum::http::HeaderMap;
    use clap::Parser as _;
    use protocol::Code;

    use super::*;
    use crate::backend::Keys;
    use crate::config::Config;
    use crate::identity::Identity;

    fn session() -> Session {
        let keys = Keys { signing: [1; 64], member: [2; 32] };
        Identity::new(&Config::parse_from(["flasky"]), &keys).begin(&HeaderMap::new()).0
    }

    fn flash(body: String) -> Flash {
        let refused = Refusal { field: Field::Body, code: Code::TooLong };
        Flash { refused, to: "/".to_owned(), form: EnterForm::default(), body }
    }

    #[test]
    fn no_form_is_evicted_for_another_one() {
        const BYTES: usize = 256 * 1024;
        let (flashes, ana) = (Flashes::default(), session());
        flashes.put(ana, flash("a long letter".to_owned())).unwrap();
        let strangers = (0..1_000).filter(|_| flashes.put(session(), flash("x".repeat(BYTES))).is_ok());
        assert_eq!(strangers.count(), MAX_BYTES as usize / BYTES - 1, "more are kept than there is room for");
        let refused = flashes.put(session(), flash("y".repeat(BYTES))).unwrap_err();
        assert_eq!(refused.body.len(), BYTES, "what is not kept is not lost");
        assert_eq!(flashes.take(ana, "/room/KXQ4-7M2P"), None, "it goes back to its own page");
        assert_eq!(flashes.take(ana, "/").unwrap().body, "a long letter");
        assert_eq!(flashes.take(ana, "/"), None, "once");
    }

    #[test]
    fn empty_forms_count_too() {
        let flashes = Flashes::default();
        let kept = (0..40_000).take_while(|_| flashes.put(session(), flash(String::new())).is_ok()).count();
        assert!((30_000..=32 * 1024).contains(&kept), "{kept} empty forms are kept");
    }

    #[test]
    fn a_session_keeps_one_form() {
        let (flashes, ana) = (Flashes::default(), session());
        for n in 0..1_000 {
            flashes.put(ana, flash(format!("{n} {}", "x".repeat(64 * 1024)))).unwrap();
        }
        assert!(flashes.take(ana, "/").unwrap().body.starts_with("999 "));
    }
}
