//! Refused forms on their way back to the page they came from.
//!
//! Kept here for a minute instead of in a cookie: a refused message can be longer than a cookie may be, and nothing
//! typed is lost.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use app::api::Flash;
use tokio::time::Instant;

use crate::identity::Session;

const LIFETIME: Duration = Duration::from_secs(60);
/// Bounds what refused forms may hold in memory: 128 of at most 256 KiB each.
const MOST: usize = 128;

/// One refused form per session, taken once.
#[derive(Default)]
pub struct Flashes(Mutex<HashMap<Session, (Instant, Flash)>>);

impl Flashes {
    /// Keeps a refused form for its session's next page.
    pub fn put(&self, session: Session, flash: Flash) {
        let Ok(mut kept) = self.0.lock() else { return };
        let now = Instant::now();
        kept.retain(|_, (since, _)| now - *since < LIFETIME);
        if kept.len() >= MOST
            && let Some(oldest) = kept.iter().min_by_key(|(_, (since, _))| *since).map(|(session, _)| *session)
        {
            kept.remove(&oldest);
        }
        kept.insert(session, (now, flash));
    }

    /// The refused form of this session that goes back to this page, once.
    pub fn take(&self, session: Session, page: &str) -> Option<Flash> {
        let mut kept = self.0.lock().ok()?;
        if kept.get(&session)?.1.to != page {
            return None;
        }
        let (since, flash) = kept.remove(&session)?;
        (since.elapsed() < LIFETIME).then_some(flash)
    }
}
