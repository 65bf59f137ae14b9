//! Refused forms, kept until the page they came from shows them again.
//!
//! They are kept in memory instead of in a cookie, because a refused message can be longer than a cookie may be. A form
//! that cannot be kept is shown in the response to its own request ([`InlineFlash`]), so none is evicted to make room
//! for another: however many forms strangers send, nobody loses what they typed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::api::Flash;
use moka::sync::Cache;

use crate::identity::Session;

/// Time that a refused form is kept for its page, which a browser requests at once.
pub const LIFETIME: Duration = Duration::from_secs(60);
/// Bytes that a kept form counts beside its texts. The form and its cache entry take half of that, measured with empty
/// forms; the rest is for texts whose allocation is larger than their length.
const ENTRY: usize = 1024;

/// Refused forms: at most one per session, each shown once.
pub struct Flashes {
    kept: Cache<Session, Flash>,
    max_bytes: u64,
}

impl Flashes {
    /// Keeps none yet. `max_bytes` is the total size of those that are kept.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder().time_to_live(LIFETIME).weigher(|_, flash: &Flash| bytes(flash));
        Self { kept: cache.build(), max_bytes }
    }

    /// Keeps a refused form, so that the session's next page can show it. Replaces the form that was kept before.
    ///
    /// # Errors
    /// Returns the form if keeping it would exceed the maximum of all.
    pub fn put(&self, session: Session, flash: Flash) -> Result<(), Box<Flash>> {
        // Removes expired forms, and counts those that were just put.
        self.kept.run_pending_tasks();
        if self.kept.weighted_size() + u64::from(bytes(&flash)) > self.max_bytes {
            return Err(Box::new(flash));
        }
        self.kept.insert(session, flash);
        Ok(())
    }

    /// Removes and returns the session's refused form, if it belongs to this page.
    pub fn take(&self, session: Session, page: &str) -> Option<Flash> {
        self.kept.get(&session).filter(|flash| flash.to == page)?;
        self.kept.remove(&session)
    }
}

/// Request extension for a refused form that is shown in the response to its own request.
#[derive(Clone, Default)]
pub struct InlineFlash(Arc<Mutex<Option<Flash>>>);

impl InlineFlash {
    /// Requests the form's page as the response, instead of a redirect to it.
    pub fn put(&self, flash: Flash) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(flash);
        }
    }

    /// Returns the path of the page that was requested as the response, if any.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        Some(self.0.lock().ok()?.as_ref()?.to.clone())
    }

    /// Removes and returns the form, if it belongs to this page.
    #[must_use]
    pub fn take(&self, page: &str) -> Option<Flash> {
        self.0.lock().ok()?.take_if(|flash| flash.to == page)
    }
}

/// Returns the bytes that keeping a form takes.
fn bytes(flash: &Flash) -> u32 {
    let form = &flash.form;
    let texts =
        [&flash.to, &flash.body, &form.name, &form.code, &form.capacity, &form.room_name, &form.intent, &form.from];
    u32::try_from(ENTRY + texts.iter().map(|text| text.len()).sum::<usize>()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use app::api::{EnterForm, Field, Refusal};
    use axum::http::HeaderMap;
    use clap::Parser as _;
    use protocol::ErrorCode;

    use super::*;
    use crate::config::Config;
    use crate::identity::Identity;
    use store::Keys;

    /// 127 of the longest that a request may carry, or 32 000 empty ones.
    const MAX_BYTES: u64 = 32 * 1024 * 1024;

    fn session() -> Session {
        let keys = Keys { signing: [1; 64], member: [2; 32] };
        Identity::new(&Config::parse_from(["flasky"]), &keys).create_session(&HeaderMap::new()).0
    }

    fn flash(body: String) -> Flash {
        let refused = Refusal { field: Field::Body, error: ErrorCode::TooLong, retry_ms: None };
        Flash { refused, to: "/".to_owned(), form: EnterForm::default(), body, id: None }
    }

    #[test]
    fn form_is_refused_instead_of_evicting_another() {
        const BYTES: usize = 256 * 1024;
        let (flashes, ana) = (Flashes::new(MAX_BYTES), session());
        flashes.put(ana, flash("a long letter".to_owned())).unwrap();
        let strangers = (0..1_000).filter(|_| flashes.put(session(), flash("x".repeat(BYTES))).is_ok());
        assert_eq!(strangers.count(), MAX_BYTES as usize / BYTES - 1, "more are kept than there is room for");
        let refused = flashes.put(session(), flash("y".repeat(BYTES))).unwrap_err();
        assert_eq!(refused.body.len(), BYTES, "a form that is not kept is returned");
        assert_eq!(flashes.take(ana, "/room/KXQ4-7M2P"), None, "it belongs to another page");
        assert_eq!(flashes.take(ana, "/").unwrap().body, "a long letter");
        assert_eq!(flashes.take(ana, "/"), None, "it is shown once");
    }

    #[test]
    fn empty_forms_count_towards_the_limit() {
        let flashes = Flashes::new(MAX_BYTES);
        let kept = (0..40_000).take_while(|_| flashes.put(session(), flash(String::new())).is_ok()).count();
        assert!((30_000..=32 * 1024).contains(&kept), "{kept} empty forms are kept");
    }

    #[test]
    fn only_the_latest_form_of_a_session_is_kept() {
        let (flashes, ana) = (Flashes::new(MAX_BYTES), session());
        for n in 0..1_000 {
            flashes.put(ana, flash(format!("{n} {}", "x".repeat(64 * 1024)))).unwrap();
        }
        assert!(flashes.take(ana, "/").unwrap().body.starts_with("999 "));
    }
}
