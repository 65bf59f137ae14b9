//! The decision which of a room's tabs gives notice of a message, without the browser.
//!
//! Each tab has a number of its own. A tab that would ring claims the message and tells the others; after
//! [`CLAIM_MS`] it rings if it has heard no lower number. Who rings tells so under the number 0, and so does a tab that is
//! looked at. While what a tab says reaches the others within half of that time, every message is decided once, in
//! whatever order it comes to the tabs.

use std::mem;

use protocol::EventId;

/// Time between a claim and its decision, in milliseconds.
pub(super) const CLAIM_MS: u64 = 250;
/// The number under which a message is told to be dealt with.
pub(super) const DONE: u32 = 0;
/// Maximum number of claims of others that are remembered: as many messages as a room keeps.
const MAX_HEARD: usize = 1_000;

/// Claims of one tab, and what it has heard of the others'.
#[derive(Debug)]
pub(super) struct Claims {
    number: u32,
    /// Own claims, and when each is decided.
    pending: Vec<(EventId, u64)>,
    heard: Vec<(EventId, u32)>,
}

impl Claims {
    /// A tab of this number; it is not [`DONE`].
    pub(super) fn new(number: u32) -> Self {
        Self { number, pending: Vec::new(), heard: Vec::new() }
    }

    /// Claims these messages, in the log's order, and returns those to tell the others of. They are decided when `due`.
    pub(super) fn claim(&mut self, mut messages: Vec<EventId>, due: u64) -> Vec<EventId> {
        messages.retain(|message| !self.is_lost(*message));
        self.pending.extend(messages.iter().map(|message| (*message, due)));
        messages
    }

    /// Notes the claim of another tab, or that messages are dealt with.
    pub(super) fn hear(&mut self, number: u32, messages: &[EventId]) {
        self.heard.extend(messages.iter().map(|message| (*message, number)));
        let excess = self.heard.len().saturating_sub(MAX_HEARD);
        self.heard.drain(..excess);
    }

    /// Decides what is due. This tab rings for what it returns, once for all of them.
    pub(super) fn decide(&mut self, now: u64) -> Vec<EventId> {
        let mut won = Vec::new();
        for (message, due) in mem::take(&mut self.pending) {
            if due > now {
                self.pending.push((message, due));
            } else if !self.is_lost(message) {
                won.push(message);
            }
        }
        self.hear(DONE, &won);
        won
    }

    fn is_lost(&self, message: EventId) -> bool {
        self.heard.iter().any(|(heard, number)| *heard == message && *number < self.number)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;
    use proptest::prelude::*;

    const TABS: usize = 4;
    const MESSAGES: usize = 5;
    /// Maximum delay between two tabs.
    const DELAY_MS: u64 = CLAIM_MS / 2 - 1;

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Step {
        /// A message comes to a tab.
        Comes(usize, usize),
        /// A tab hears another one.
        Heard(usize, u32, Vec<EventId>),
        /// A timer of a tab fires.
        Timer(usize),
    }

    /// A browser with tabs of a room, and a clock.
    struct Browser {
        tabs: Vec<Claims>,
        /// The tab that is looked at.
        looked_at: Option<usize>,
        delays: Vec<u64>,
        steps: BinaryHeap<Reverse<(u64, usize, Step)>>,
        count: usize,
        rung: Vec<EventId>,
    }

    fn id(message: usize) -> EventId {
        EventId::mint(1, [message as u8; 10])
    }

    impl Browser {
        fn delay(&mut self, most: u64) -> u64 {
            self.count += 1;
            self.delays[self.count % self.delays.len()] % (most + 1)
        }

        fn at(&mut self, time: u64, step: Step) {
            self.count += 1;
            self.steps.push(Reverse((time, self.count, step)));
        }

        fn tell(&mut self, from: usize, now: u64, number: u32, messages: &[EventId]) {
            for to in (0..self.tabs.len()).filter(|to| *to != from) {
                let time = now + self.delay(DELAY_MS);
                self.at(time, Step::Heard(to, number, messages.to_vec()));
            }
        }

        /// Runs until nothing happens any more. Timers are up to a second late, as in a hidden tab.
        fn run(&mut self) {
            while let Some(Reverse((now, _, step))) = self.steps.pop() {
                match step {
                    Step::Comes(tab, message) if self.looked_at == Some(tab) => {
                        self.tell(tab, now, DONE, &[id(message)])
                    }
                    Step::Comes(tab, message) => {
                        let number = self.tabs[tab].number;
                        let claimed = self.tabs[tab].claim(vec![id(message)], now + CLAIM_MS);
                        self.tell(tab, now, number, &claimed);
                        let time = now + CLAIM_MS + self.delay(1_000);
                        self.at(time, Step::Timer(tab));
                    }
                    Step::Heard(tab, number, messages) => self.tabs[tab].hear(number, &messages),
                    Step::Timer(tab) => {
                        let won = self.tabs[tab].decide(now);
                        self.tell(tab, now, DONE, &won);
                        self.rung.extend(won);
                    }
                }
            }
        }
    }

    fn browser(numbers: Vec<u32>, delays: Vec<u64>) -> Browser {
        let tabs = numbers.into_iter().map(Claims::new).collect();
        Browser { tabs, looked_at: None, delays, steps: BinaryHeap::new(), count: 0, rung: Vec::new() }
    }

    fn numbers() -> impl Strategy<Value = Vec<u32>> {
        (1..=TABS).prop_flat_map(|count| Just((1..=count as u32).collect::<Vec<_>>()).prop_shuffle())
    }

    proptest! {
        #[test]
        fn one_tab_rings_for_each_message(
            numbers in numbers(),
            delays in prop::collection::vec(0_u64..5_000, 1..40),
            times in prop::collection::vec(0_u64..1_500, TABS * MESSAGES),
        ) {
            let mut browser = browser(numbers, delays);
            for (place, time) in times.into_iter().enumerate() {
                let (tab, message) = (place % TABS, place / TABS);
                if tab < browser.tabs.len() {
                    browser.at(time, Step::Comes(tab, message));
                }
            }
            browser.run();
            browser.rung.sort_unstable();
            prop_assert_eq!(browser.rung, (0..MESSAGES).map(id).collect::<Vec<_>>());
        }

        #[test]
        fn no_tab_rings_for_what_comes_to_the_one_that_is_looked_at(
            numbers in numbers(),
            delays in prop::collection::vec(0_u64..5_000, 1..40),
            times in prop::collection::vec(0_u64..DELAY_MS, TABS),
        ) {
            let mut browser = browser(numbers, delays);
            browser.looked_at = Some(0);
            for (tab, time) in times.into_iter().enumerate().take(browser.tabs.len()) {
                browser.at(time, Step::Comes(tab, 0));
            }
            browser.run();
            prop_assert!(browser.rung.is_empty());
        }
    }

    #[test]
    fn a_tab_that_is_late_rings_once_for_all_that_came() {
        let mut claims = Claims::new(1);
        claims.claim(vec![id(0), id(1)], 250);
        claims.claim(vec![id(2)], 900);
        assert_eq!(claims.decide(900), [id(0), id(1), id(2)]);
        assert!(claims.claim(vec![id(2)], 1_200).is_empty());
    }

    #[test]
    fn claims_of_others_are_forgotten_beyond_the_maximum() {
        let mut claims = Claims::new(7);
        for nth in 0..MAX_HEARD + 10 {
            claims.hear(1, &[EventId::mint(nth as u64, [0; 10])]);
        }
        assert_eq!(claims.heard.len(), MAX_HEARD);
    }
}
