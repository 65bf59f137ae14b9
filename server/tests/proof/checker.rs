//! Reads what everybody did and saw, and says where a promise was broken.

use std::collections::{HashMap, HashSet};

use app::protocol::{EventId, Seq};

use super::history::{Entry, Fact, History};

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Said to be in the log, and not there.
    Lost { who: String, id: EventId },
    /// Sent, and then neither in the log nor on the screen, without a "not sent".
    Vanished { who: String, id: EventId },
    /// Twice in the log.
    DoubledInLog { id: EventId },
    /// Twice on one screen.
    DoubledOnScreen { who: String, id: EventId },
    /// The screen goes back in the log.
    OutOfOrder { who: String, seq: Seq, after: Seq },
    /// One person's messages are not in the log in the order they were sent.
    SendersOrder { who: String, id: EventId },
    /// The screen passes over this event.
    Hole { who: String, seq: Seq },
    /// The screen shows what is not in the log, or not in this place.
    Invented { who: String, id: EventId },
    /// The text is not the one that was sent.
    Altered { who: String, id: EventId },
    /// The screen said "not sent", and others have it.
    RefusedButStored { who: String, id: EventId },
    /// Everything is at rest, and this is still on its way.
    Unsettled { who: String, id: EventId },
    /// Everything is at rest, and a connected page does not show the log's end.
    Behind { who: String, shows: Seq },
}

/// What the faults are, counted under the three names that people ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) out_of_order: usize,
}

impl Count {
    pub(crate) fn of(faults: &[Fault]) -> Self {
        let mut count = Self::default();
        for fault in faults {
            match fault {
                Fault::Lost { .. }
                | Fault::Vanished { .. }
                | Fault::Hole { .. }
                | Fault::Altered { .. }
                | Fault::Unsettled { .. }
                | Fault::Behind { .. } => count.lost += 1,
                Fault::DoubledInLog { .. } | Fault::DoubledOnScreen { .. } | Fault::RefusedButStored { .. } => {
                    count.doubled += 1;
                }
                Fault::OutOfOrder { .. } | Fault::SendersOrder { .. } | Fault::Invented { .. } => {
                    count.out_of_order += 1;
                }
            }
        }
        count
    }
}

/// All broken promises of one room. `log` is in its order.
pub(crate) fn check(log: &[Entry], histories: &[History]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut places: HashMap<EventId, usize> = HashMap::new();
    for (place, entry) in log.iter().enumerate() {
        if places.insert(entry.id, place).is_some() {
            faults.push(Fault::DoubledInLog { id: entry.id });
        }
    }
    let bodies = sent(histories);
    for history in histories {
        Screen { who: &history.who, log, places: &places, bodies: &bodies, faults: &mut faults }.check(history);
        check_sender(history, &places, &mut faults);
    }
    faults
}

fn sent(histories: &[History]) -> HashMap<EventId, &str> {
    let facts = histories.iter().flat_map(|history| &history.facts);
    facts
        .filter_map(|fact| match fact {
            Fact::Sent { id, body } => Some((*id, body.as_str())),
            _ => None,
        })
        .collect()
}

/// What became of everything this person sent.
fn check_sender(history: &History, places: &HashMap<EventId, usize>, faults: &mut Vec<Fault>) {
    let who = || history.who.clone();
    let (mut acked, mut refused, mut discarded) = (HashSet::new(), HashSet::new(), HashSet::new());
    for fact in &history.facts {
        match fact {
            Fact::Acked { id } => drop(acked.insert(*id)),
            Fact::Refused { id, .. } => drop(refused.insert(*id)),
            Fact::Discarded { id } => drop(discarded.insert(*id)),
            _ => {}
        }
    }
    let mut last = None;
    for fact in &history.facts {
        let Fact::Sent { id, .. } = fact else { continue };
        let (id, place) = (*id, places.get(id));
        let unsent = history.unsent.contains(&id);
        match place {
            None if acked.contains(&id) => faults.push(Fault::Lost { who: who(), id }),
            None if !unsent && !refused.contains(&id) => faults.push(Fault::Vanished { who: who(), id }),
            Some(_) if discarded.contains(&id) || (unsent && refused.contains(&id)) => {
                faults.push(Fault::RefusedButStored { who: who(), id });
            }
            _ => {}
        }
        if unsent && history.live && !refused.contains(&id) {
            faults.push(Fault::Unsettled { who: who(), id });
        }
        if let Some(place) = place {
            if last.is_some_and(|last| place < last) && !refused.contains(&id) {
                faults.push(Fault::SendersOrder { who: who(), id });
            }
            last = last.max(Some(place));
        }
    }
}

/// One screen against the log.
struct Screen<'a> {
    who: &'a str,
    log: &'a [Entry],
    places: &'a HashMap<EventId, usize>,
    bodies: &'a HashMap<EventId, &'a str>,
    faults: &'a mut Vec<Fault>,
}

impl Screen<'_> {
    fn check(&mut self, history: &History) {
        let mut last: Option<usize> = None;
        let mut shown = HashSet::new();
        for fact in &history.facts {
            match fact {
                Fact::Reset => {
                    last = None;
                    shown.clear();
                }
                Fact::Doubled { id } => self.fault(|who| Fault::DoubledOnScreen { who, id: *id }),
                Fact::Shown { seq, id, body } => {
                    if !shown.insert(*id) {
                        self.fault(|who| Fault::DoubledOnScreen { who, id: *id });
                    } else if let Some(place) = self.place(*seq, *id) {
                        self.follow(last, place);
                        self.compare(*id, body.as_deref());
                        last = last.max(Some(place));
                    }
                }
                _ => {}
            }
        }
        let shows = last.map_or(Seq(0), |place| self.log[place].seq);
        if history.live && self.log.last().is_some_and(|end| end.seq != shows) {
            self.fault(|who| Fault::Behind { who, shows });
        }
    }

    fn place(&mut self, seq: Seq, id: EventId) -> Option<usize> {
        let place = self.places.get(&id).copied().filter(|place| self.log[*place].seq == seq);
        if place.is_none() {
            self.fault(|who| Fault::Invented { who, id });
        }
        place
    }

    fn follow(&mut self, last: Option<usize>, place: usize) {
        let Some(last) = last else { return };
        if place <= last {
            let (seq, after) = (self.log[place].seq, self.log[last].seq);
            self.fault(|who| Fault::OutOfOrder { who, seq, after });
        }
        for missing in last + 1..place {
            let seq = self.log[missing].seq;
            self.fault(|who| Fault::Hole { who, seq });
        }
    }

    fn compare(&mut self, id: EventId, body: Option<&str>) {
        if let (Some(sent), Some(shown)) = (self.bodies.get(&id), body)
            && *sent != shown
        {
            self.fault(|who| Fault::Altered { who, id });
        }
    }

    fn fault(&mut self, fault: impl FnOnce(String) -> Fault) {
        self.faults.push(fault(self.who.to_owned()));
    }
}
