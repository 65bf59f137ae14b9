//! Records the frames of one connection after another, whatever the client makes of them.

use protocol::{Delivered, Event, EventKind, Position, Seq, ServerFrame, Snapshot};

use super::history::Fact;
use super::truth::words;

#[derive(Debug, Default)]
pub struct Ear {
    asked: Option<Position>,
    /// Sequence number of the newest event on this connection.
    at: Option<Seq>,
    /// Head of the log at the welcome; `None` once the replay is over.
    replays: Option<Seq>,
}

impl Ear {
    /// Begins a connection that says hello with this position.
    pub fn asks(&mut self, position: Option<Position>) {
        *self = Self { asked: position, ..Self::default() };
    }

    /// Adds the facts of a frame.
    pub fn hear(&mut self, frame: &ServerFrame, facts: &mut Vec<Fact>) {
        match frame {
            ServerFrame::Welcome(welcome) => {
                let (asked, recovered) = (self.asked, welcome.recovered);
                self.at = asked.filter(|_| recovered).map(|asked| asked.seq);
                self.replays = Some(welcome.position.seq);
                facts.push(Fact::Welcomed { asked, head: welcome.position, recovered });
            }
            ServerFrame::Events { events, more, .. } => {
                events.iter().for_each(|delivered| self.hear_event(delivered, facts));
                if !more && let Some(head) = self.replays.take() {
                    facts.push(Fact::Replayed { upto: self.at.map_or(head, |at| at.max(head)) });
                }
            }
            ServerFrame::Rejected { id, error, .. } if error.is_retryable() => {
                facts.push(Fact::Deferred { id: *id, error: *error });
            }
            _ => {}
        }
    }

    fn hear_event(&mut self, delivered: &Delivered, facts: &mut Vec<Fact>) {
        let Delivered::Event(event) = delivered else { return };
        facts.extend(heard(event));
        match self.at {
            Some(at) if event.seq <= at => return,
            Some(at) if event.prev != at => facts.push(Fact::Gap { at, prev: event.prev, seq: event.seq }),
            _ => {}
        }
        self.at = Some(event.seq);
    }
}

/// Adds the facts of a page that was just served.
pub fn load(page: &Snapshot, facts: &mut Vec<Fact>) {
    facts.push(Fact::Welcomed { asked: None, head: page.position, recovered: false });
    facts.extend(page.events.iter().filter_map(heard));
}

fn heard(event: &Event) -> Option<Fact> {
    let has_words = matches!(event.kind, EventKind::Message { .. } | EventKind::Edited { .. });
    let words = words(&event.kind).map(str::to_owned);
    has_words.then_some(Fact::Heard { seq: event.seq, id: event.id, words })
}
