//! The log as signals: which blocks there are, which rows a block holds, what a row shows. Each is a signal of its own,
//! so that a change runs the effects of its own level and no other.

use std::collections::VecDeque;
use std::sync::Arc;

use client::{MessageRow, Row, RowKey, RowState};
use leptos::prelude::*;
use protocol::EventId;

use super::signal::set_if_new;

mod blocks;
mod reconcile;

pub use blocks::BlockId;
use reconcile::{Edit, Shown, reconcile};

/// A place in the log. The key stays while what it shows changes.
#[derive(Clone)]
pub struct RowHandle {
    /// Key among all rows.
    pub key: RowKey,
    /// Its content.
    pub row: ArcRwSignal<Arc<Row>>,
}

/// Rows that the browser lays out, or skips, together.
#[derive(Clone)]
pub struct Block {
    /// Key among all blocks.
    pub id: BlockId,
    /// Its rows, oldest first.
    pub rows: ArcRwSignal<Vec<RowHandle>>,
}

/// Everything said. A handle: every copy is the same log.
#[derive(Clone, Copy)]
pub struct Log {
    /// Its blocks, oldest first.
    pub blocks: RwSignal<Vec<Block>>,
    /// The last message, sent or not; `None` while nobody said anything. It changes when something new came at the end.
    pub newest: RwSignal<Option<EventId>>,
    /// Content of the signals, to compare with.
    shown: StoredValue<Vec<Shown>>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { blocks: RwSignal::default(), newest: RwSignal::default(), shown: StoredValue::default() }
    }

    /// Shows these rows, with as few changes as there are. Does nothing once the page is gone.
    pub(super) fn draw(self, rows: Vec<Row>) {
        let Some(mut shown) = self.shown.try_write_value() else { return };
        let (now, edits) = reconcile(&shown, rows);
        *shown = now;
        drop(shown);
        self.apply(edits);
        set_if_new(self.newest, self.find_back(|message| Some(message.id)));
    }

    fn apply(self, edits: Vec<Edit>) {
        let mut blocks = self.blocks.get_untracked();
        let mut movable = movable(&blocks, &edits);
        for edit in edits {
            match edit {
                Edit::Blocks(ids) => {
                    let block = |id| find(&blocks, id).unwrap_or_else(|| Block { id, rows: ArcRwSignal::default() });
                    blocks = ids.into_iter().map(block).collect();
                    self.blocks.set(blocks.clone());
                }
                Edit::Rows(id, rows) => {
                    if let Some(block) = find(&blocks, id) {
                        block.rows.set(rows.into_iter().map(|(key, row)| handle(&mut movable, key, row)).collect());
                    }
                }
                Edit::Row(id, nth, row) => {
                    let rows = find(&blocks, id).map(|block| block.rows);
                    if let Some(handle) = rows.and_then(|rows| rows.read_untracked().get(nth).cloned()) {
                        handle.row.set(row);
                    }
                }
            }
        }
    }

    /// The handle of a row that is shown.
    #[must_use]
    pub fn find(self, key: RowKey) -> Option<RowHandle> {
        let find = |block: &Block| block.rows.read_untracked().iter().rev().find(|row| row.key == key).cloned();
        self.blocks.read_untracked().iter().rev().find_map(find)
    }

    /// A message that is shown, as it is now.
    #[must_use]
    pub fn message(self, id: EventId) -> Option<MessageRow> {
        self.find_back(|message| (message.id == id).then(|| message.clone()))
    }

    /// The messages that are shown, the newest first, until `stop` gives something.
    pub fn find_back<T>(self, mut stop: impl FnMut(&MessageRow) -> Option<T>) -> Option<T> {
        self.shown.try_read_value()?.iter().rev().find_map(|shown| match &*shown.row {
            Row::Message(message) => stop(message),
            _ => None,
        })
    }

    /// Number of messages that are shown and in the log.
    #[must_use]
    pub fn count(self) -> usize {
        let mut count = 0;
        self.find_back(|message| {
            let is_stored = matches!(message.state, RowState::Sent | RowState::Changing { .. });
            count += usize::from(is_stored && message.body.is_some());
            None::<()>
        });
        count
    }

    /// The reader's last message; `None` when it cannot be changed, because it is not in the log yet. What was refused is
    /// none.
    #[must_use]
    pub fn last_own(self) -> Option<MessageRow> {
        let last = self.find_back(|message| {
            let counts = !matches!(message.state, RowState::Refused(_)) && message.own && message.body.is_some();
            counts.then(|| message.clone())
        });
        last.filter(|last| matches!(last.state, RowState::Sent | RowState::Changing { .. }))
    }
}

/// The handles that may get another place: those of blocks that go, and of blocks that get other rows.
fn movable(blocks: &[Block], edits: &[Edit]) -> VecDeque<RowHandle> {
    let changes = |block: &&Block| {
        edits.iter().any(|edit| match edit {
            Edit::Blocks(ids) => !ids.contains(&block.id),
            Edit::Rows(id, _) => *id == block.id,
            Edit::Row(..) => false,
        })
    };
    blocks.iter().filter(changes).flat_map(|block| block.rows.get_untracked()).collect()
}

fn find(blocks: &[Block], id: BlockId) -> Option<Block> {
    blocks.iter().find(|block| block.id == id).cloned()
}

/// The row's handle: the one it has, or its first.
fn handle(movable: &mut VecDeque<RowHandle>, key: RowKey, row: Arc<Row>) -> RowHandle {
    let kept = movable.iter().position(|handle| handle.key == key).and_then(|at| movable.remove(at));
    kept.unwrap_or_else(|| RowHandle { key, row: ArcRwSignal::new(row) })
}

#[cfg(test)]
mod tests;
