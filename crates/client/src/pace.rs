//! Pacing of redraws for messages of others.
//!
//! In a flood, a frame for every message would leave no time for keys. So what comes soon after a drawing waits and is
//! drawn with what comes next, and right after a key its own frame goes first. Times are monotonic milliseconds.

/// Minimum time between two drawings: ten a second still look like talk.
const MIN_INTERVAL_MS: u64 = 100;
/// Minimum time after a key: its frame at 60 Hz, with what it takes to paint it. The sooner updates are drawn then, the
/// likelier the browser is at rest at the next key, some 100 ms later where somebody types fast: at rest it gives a
/// frame at once, and otherwise at the next beat of its clock.
const AFTER_KEY_MS: u64 = 24;
/// Time after a key until which a drawing begins: it takes up to 40 ms on a slow processor with a thousand messages, and
/// should be over at the next key.
const KEY_WINDOW_MS: u64 = 64;
/// Time after a key in which another one is expected: it is longer between two keys of somebody who types slowly.
const NEXT_KEY_MS: u64 = 200;
/// Maximum time from an update to its drawing, however fast somebody types.
const MAX_DELAY_MS: u64 = 250;

/// Decides when pending updates are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct DrawPacer {
    last_drawn: Option<u64>,
    waiting_since: Option<u64>,
    is_urgent: bool,
}

impl DrawPacer {
    /// Notes an update that is not drawn yet.
    pub fn note_update(&mut self, now: u64) {
        self.waiting_since.get_or_insert(now);
    }

    /// Notes an update that must be drawn at once, with all pending ones.
    pub fn note_urgent(&mut self, now: u64) {
        self.note_update(now);
        self.is_urgent = true;
    }

    /// Notes that all updates are drawn.
    pub fn note_drawn(&mut self, now: u64) {
        *self = Self { last_drawn: Some(now), waiting_since: None, is_urgent: false };
    }

    /// Time of the next drawing, where the last key was pressed at `key`; `None` while no update is pending.
    #[must_use]
    pub fn due(&self, key: Option<u64>) -> Option<u64> {
        let came = self.waiting_since?;
        if self.is_urgent {
            return Some(came);
        }
        let paced = self.last_drawn.map_or(came, |drawn| drawn + MIN_INTERVAL_MS);
        let ready = came.max(paced);
        let due = match key {
            Some(key) if ready <= key + KEY_WINDOW_MS => ready.max(key + AFTER_KEY_MS),
            // Just before the next key. It has a window of its own.
            Some(key) => ready.max(key + NEXT_KEY_MS),
            None => ready,
        };
        Some(due.min(came + MAX_DELAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urgent_update_is_drawn_with_waiting_ones() {
        let mut pace = DrawPacer::default();
        pace.note_drawn(1_000);
        pace.note_update(1_010);
        assert_eq!(pace.due(None), Some(1_100));
        pace.note_urgent(1_020);
        assert!(pace.due(Some(1_010)) <= Some(1_020));
        pace.note_drawn(1_020);
        assert_eq!(pace.due(None), None);
    }

    #[test]
    fn update_after_a_pause_is_drawn_at_once() {
        let mut pace = DrawPacer::default();
        assert_eq!(pace.due(None), None);
        pace.note_update(1_000);
        assert_eq!(pace.due(Some(800)), Some(1_000));
        pace.note_drawn(1_000);
        assert_eq!(pace.due(Some(800)), None);
    }

    #[test]
    fn update_while_somebody_types_is_drawn_right_after_a_key() {
        let mut pace = DrawPacer::default();
        pace.note_update(1_000);
        assert_eq!(pace.due(Some(990)), Some(1_014));
        assert_eq!(pace.due(Some(950)), Some(1_000));
        assert_eq!(pace.due(Some(900)), Some(1_100), "the next key is expected");
        assert_eq!(pace.due(Some(1_025)), Some(1_049), "it is here");
    }

    proptest! {
        /// One second of updates and key presses, in steps of a millisecond.
        #[test]
        fn updates_wait_for_keys_but_at_most_the_maximum(came in prop::collection::vec(any::<bool>(), 1_000), keys in prop::collection::vec(0..1_000_u64, 0..30)) {
            let (mut pace, mut waiting, mut drawn) = (DrawPacer::default(), None, Vec::new());
            for now in 0..1_000 {
                let key = keys.iter().copied().filter(|key| *key <= now).max();
                if came[now as usize] {
                    pace.note_update(now);
                    waiting = waiting.or(Some(now));
                }
                if let Some(due) = pace.due(key) && due <= now {
                    let waited = now - waiting.take().unwrap();
                    prop_assert!(waited <= MAX_DELAY_MS);
                    if waited < MAX_DELAY_MS {
                        prop_assert!(key.is_none_or(|key| now >= key + AFTER_KEY_MS));
                        prop_assert!(drawn.last().is_none_or(|last| now >= last + MIN_INTERVAL_MS));
                    }
                    pace.note_drawn(now);
                    drawn.push(now);
                }
            }
            prop_assert!(waiting.is_none_or(|since| 1_000 - since <= MAX_DELAY_MS));
        }
    }
}
