//! The edits that make the rows that are shown those that are to be shown.

use std::ops::Range;
use std::sync::Arc;

use client::{Row, RowKey, RowState};

use super::blocks::{self, BlockId};

/// A row that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// The block it stands in.
    pub(super) block: BlockId,
    /// Key among all rows.
    pub(super) key: RowKey,
    /// Its content.
    pub(super) row: Arc<Row>,
}

/// A change of what is shown.
#[derive(Debug)]
pub(super) enum Edit {
    /// The blocks are these, in this order.
    Blocks(Vec<BlockId>),
    /// The rows of this block are these, in this order. Those that were shown before stay what they are, in whichever
    /// block they stood.
    Rows(BlockId, Vec<(RowKey, Arc<Row>)>),
    /// A row that was shown before, the nth of this block now, shows something else.
    Row(BlockId, usize, Arc<Row>),
}

/// Finds the edits, in the order in which they are to be made, and what is shown after them. It compares every row once
/// and copies none, because it runs for each message that comes, with up to 2,000 rows.
pub(super) fn reconcile(shown: &[Shown], rows: Vec<Row>) -> (Vec<Shown>, Vec<Edit>) {
    let keys: Vec<RowKey> = rows.iter().map(Row::key).collect();
    let places = places(shown, &keys);
    let block_of = |place: Option<usize>| place.and_then(|at| shown.get(at)).map(|shown| shown.block);
    let stand = places.iter().zip(&rows).map(|(place, row)| (block_of(*place), goes_along(row))).collect();
    let now: Vec<Shown> = (rows.into_iter().zip(keys).zip(&places).zip(blocks::assign(stand)))
        .map(|(((row, key), place), block)| {
            let same = place.and_then(|at| shown.get(at)).filter(|was| *was.row == row);
            Shown { block, key, row: same.map_or_else(|| Arc::new(row), |was| was.row.clone()) }
        })
        .collect();
    let edits = edits(shown, &now, &places);
    (now, edits)
}

fn edits(shown: &[Shown], now: &[Shown], places: &[Option<usize>]) -> Vec<Edit> {
    let (before, after) = (blocks_of(shown), blocks_of(now));
    let mut edits = Vec::new();
    if !before.iter().map(|(id, _)| id).eq(after.iter().map(|(id, _)| id)) {
        edits.push(Edit::Blocks(after.iter().map(|(id, _)| *id).collect()));
    }
    for (id, range) in after {
        let was = before.iter().find(|(before, _)| *before == id).map_or(0..0, |(_, was)| was.clone());
        let (rows, places) = (&now[range.clone()], &places[range]);
        if !places.iter().copied().eq(was.map(Some)) {
            edits.push(Edit::Rows(id, rows.iter().map(|shown| (shown.key, shown.row.clone())).collect()));
        }
        for (nth, (row, place)) in rows.iter().zip(places).enumerate() {
            if place.and_then(|at| shown.get(at)).is_some_and(|was| !Arc::ptr_eq(&was.row, &row.row)) {
                edits.push(Edit::Row(id, nth, row.row.clone()));
            }
        }
    }
    edits
}

/// Finds where each row was shown before. What comes at the end is found to be new at once; a page at the front takes one
/// look at all rows for each of its own.
fn places(shown: &[Shown], keys: &[RowKey]) -> Vec<Option<usize>> {
    let (mut next, mut passed) = (0, Vec::new());
    let find = |key: &RowKey| {
        if let Some(ahead) = shown[next..].iter().position(|shown| shown.key == *key) {
            passed.extend(next..next + ahead);
            next += ahead + 1;
            return Some(next - 1);
        }
        let moved = passed.iter().position(|at: &usize| shown[*at].key == *key)?;
        Some(passed.swap_remove(moved))
    };
    keys.iter().map(find).collect()
}

/// The blocks of these rows, and where each of them stands.
fn blocks_of(shown: &[Shown]) -> Vec<(BlockId, Range<usize>)> {
    let mut end = 0;
    let range = |rows: &[Shown]| {
        end += rows.len();
        rows.first().map(|first| (first.block, end - rows.len()..end))
    };
    shown.chunk_by(|one, next| one.block == next.block).filter_map(range).collect()
}

/// True for a row whose place is beside others, whichever they are: a day's beginning, and what is not in the log yet.
fn goes_along(row: &Row) -> bool {
    match row {
        Row::Day(_) | Row::Unread(_) => true,
        Row::Message(message) => {
            matches!(message.state, RowState::Pending { .. } | RowState::Held | RowState::Refused(_))
        }
        Row::Roster(_) => false,
    }
}
