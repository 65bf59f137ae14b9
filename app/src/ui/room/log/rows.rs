//! The log's rows: each as it was, as long as it says what it said.

use std::collections::HashMap;
use std::sync::Arc;

use client::{Row, RowKey, RowState};

use super::super::message::{self, Written};
use crate::live::browser;
use crate::live::signal::Signal;
use crate::live::store::RoomStore;
use crate::ui::markup;
use crate::ui::tree::{ListedRow, Rows, blocks};

/// The rows, each drawn again only when it says something else than before, or while it counts time.
pub(super) fn drawn(store: RoomStore) -> impl Fn() -> Rows + Send + Sync {
    let before: Signal<Option<Drawn>> = Signal::default();
    move || {
        // The reader's day, once their clock is known.
        let seen = (store.local.get().then(browser::today), markup::has_come());
        let was = before.update(Option::take);
        // The first rows are those that the server wrote.
        let is_first = was.is_none();
        let Drawn { seen: was_seen, rows: mut known } = was.unwrap_or_default();
        let drawn: Vec<DrawnRow> = store.rows.with(|rows| {
            let block_of = |row: &Arc<Row>| Some(known.get(&row.key())?.listed.block);
            let blocks = blocks::assign(rows.iter().map(|row| (block_of(row), goes_along(row))).collect());
            let draw = |(row, block): (&Arc<Row>, _)| {
                let key = row.key();
                let old = known.remove(&key);
                let written = match &old {
                    Some(old) => old.written.still(row),
                    None if is_first => Written::all(row),
                    None => Written::default(),
                };
                let same = old.filter(|old| was_seen == seen && Arc::ptr_eq(&old.row, row) && !counts_time(row));
                let drawn = same.map_or_else(|| Arc::new(message::row(store, row, &written)), |old| old.listed.drawn);
                DrawnRow { row: row.clone(), written, listed: ListedRow { key, block, drawn } }
            };
            rows.iter().zip(blocks).map(draw).collect()
        });
        let rows = drawn.iter().map(|drawn| drawn.listed.clone()).collect();
        let known = drawn.into_iter().map(|drawn| (drawn.listed.key, drawn)).collect();
        before.set(Some(Drawn { seen, rows: known }));
        rows
    }
}

/// What is shown.
#[derive(Default)]
struct Drawn {
    /// What all rows depend on.
    seen: (Option<i64>, bool),
    rows: HashMap<RowKey, DrawnRow>,
}

struct DrawnRow {
    row: Arc<Row>,
    written: Written,
    listed: ListedRow,
}

/// Whether the row's place is beside others, whichever they are: a day's beginning, and what is not in the log yet.
fn goes_along(row: &Row) -> bool {
    match row {
        Row::Day(_) | Row::Unread(_) => true,
        Row::Message(message) => matches!(message.state, RowState::Pending { .. } | RowState::Refused(_)),
        Row::Line(_) => false,
    }
}

/// Whether what the row says depends on how long it has been there.
fn counts_time(row: &Row) -> bool {
    matches!(row, Row::Message(message) if matches!(message.state, RowState::Pending { .. } | RowState::Changing { .. }))
}
