//! Compares what every user did and saw with the log, and reports each broken guarantee.

use std::collections::HashMap;

use protocol::{EventId, MemberId, Seq};

use super::fault::{Fault, Kind};
use super::history::{Fact, History, Said};
use super::truth::Truth;

mod connection;
mod page;
mod screen;
mod sender;
mod words;

/// All faults of one room.
pub fn check(truth: &Truth, histories: &[History]) -> Vec<Fault> {
    let book = Book::new(truth, histories);
    let mut faults = Faults::default();
    check_log(&book, &mut faults);
    words::check_log(&book, &mut faults);
    for history in histories {
        faults.who.clone_from(&history.who);
        sender::check(&book, history, &mut faults);
        connection::check(&book, history, &mut faults);
        screen::check(&book, history, &mut faults);
        words::check(&book, history, &mut faults);
        page::check(&book, history, &mut faults);
    }
    faults.found
}

/// Faults found so far, and the user whose history is being read.
#[derive(Default)]
struct Faults {
    who: String,
    found: Vec<Fault>,
}

impl Faults {
    /// Adds a fault of the log.
    fn log(&mut self, kind: Kind, words: String) {
        self.found.push(Fault { kind, words });
    }

    /// Adds a fault of the user whose history is being read.
    fn of(&mut self, kind: Kind, words: &str) {
        self.found.push(Fault { kind, words: format!("{}: {words}", self.who) });
    }
}

/// Index of the log and of all sent events.
struct Book<'a> {
    truth: &'a Truth,
    /// Index in the log of the first entry with each id.
    places: HashMap<EventId, usize>,
    said: HashMap<EventId, (MemberId, &'a Said)>,
    /// Texts that any connection delivered, by event.
    heard: HashMap<EventId, &'a str>,
}

impl<'a> Book<'a> {
    fn new(truth: &'a Truth, histories: &'a [History]) -> Self {
        let (mut places, mut said, mut heard) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (place, entry) in truth.log.iter().enumerate() {
            places.entry(entry.id).or_insert(place);
        }
        for history in histories {
            for fact in &history.facts {
                match fact {
                    Fact::Sent { id, said: what } => drop(said.insert(*id, (history.member, what))),
                    Fact::Heard { id, words: Some(words), .. } => drop(heard.insert(*id, words.as_str())),
                    _ => {}
                }
            }
        }
        Self { truth, places, said, heard }
    }

    fn place(&self, id: EventId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    fn seq(&self, place: usize) -> Seq {
        self.truth.log[place].seq
    }

    /// Number of entries up to this sequence number.
    fn up_to(&self, seq: Seq) -> usize {
        self.truth.log.partition_point(|entry| entry.seq <= seq)
    }

    /// True if the log's head ever had this sequence number.
    fn has(&self, seq: Seq) -> bool {
        seq == Seq(0) || self.truth.log.binary_search_by_key(&seq, |entry| entry.seq).is_ok()
    }
}

/// Checks that each id and each text is in the log once. A copy under another id is a duplicate too.
fn check_log(book: &Book<'_>, faults: &mut Faults) {
    let mut first: HashMap<&str, Seq> = HashMap::new();
    for (place, entry) in book.truth.log.iter().enumerate() {
        let (seq, id) = (entry.seq.0, entry.id);
        if book.place(id) != Some(place) {
            let before = book.place(id).map_or(0, |place| book.seq(place).0);
            faults.log(Kind::Doubled, format!("{id} is in the log at {before} and at {seq}"));
            continue;
        }
        let sent = book.said.get(&id).map(|(_, said)| *said);
        let words = sent.map_or_else(|| entry.words().or(book.heard.get(&id).copied()), Said::words);
        let Some(words) = words else { continue };
        if let Some(before) = first.get(words) {
            faults.log(Kind::Doubled, format!("the words {words:?} are in the log at {} and at {seq}", before.0));
        } else if sent.is_none() {
            faults.log(Kind::Invented, format!("nobody sent {words:?}, which the log has at {seq}"));
        }
        first.entry(words).or_insert(entry.seq);
    }
}
