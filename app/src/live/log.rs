//! The log as signals: which blocks there are, which rows a block holds, what a row shows. Each is a signal of its own,
//! so that a change runs the effects of its own level and no other.

use std::sync::Arc;

use client::{MessageRow, Row, RowKey, RowState};
use leptos::prelude::*;
use protocol::EventId;

/// What tells a block from the others: older ones have lower numbers.
pub type BlockId = i64;

/// A place in the log. The key stays while what it shows changes.
#[derive(Clone)]
pub struct RowHandle {
    /// What tells it from all other rows.
    pub key: RowKey,
    /// What it shows.
    pub row: ArcRwSignal<Arc<Row>>,
}

/// Rows that the browser lays out, or skips, together.
#[derive(Clone)]
pub struct Block {
    /// What tells it from the others.
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
}

impl Log {
    pub(super) fn new() -> Self {
        Self { blocks: RwSignal::default(), newest: RwSignal::default() }
    }

    /// Shows these rows, with as few changes as there are.
    pub(super) fn draw(self, rows: Vec<Row>) {
        // TODO(B1): reconcile. This stand-in rewrites everything.
        let newest = rows.iter().rev().find_map(|row| match row {
            Row::Message(message) => Some(message.id),
            _ => None,
        });
        let handles = rows.into_iter().map(|row| RowHandle { key: row.key(), row: ArcRwSignal::new(Arc::new(row)) });
        self.blocks.set(vec![Block { id: 0, rows: ArcRwSignal::new(handles.collect()) }]);
        super::room::set_if_new(self.newest, newest);
    }

    /// The handle of a row that is shown.
    #[must_use]
    pub fn find(self, key: RowKey) -> Option<RowHandle> {
        self.blocks.with_untracked(|blocks| {
            let mut found = blocks.iter().rev().filter_map(|block| {
                block.rows.with_untracked(|rows| rows.iter().rev().find(|row| row.key == key).cloned())
            });
            found.next()
        })
    }

    /// A message that is shown, as it is now.
    #[must_use]
    pub fn message(self, id: EventId) -> Option<MessageRow> {
        let handle = self.find(RowKey::Event(id))?;
        match &**handle.row.read_untracked() {
            Row::Message(message) => Some(message.clone()),
            _ => None,
        }
    }

    /// The messages that are shown, the newest first, until `stop` gives something.
    pub fn find_back<T>(self, mut stop: impl FnMut(&MessageRow) -> Option<T>) -> Option<T> {
        self.blocks.with_untracked(|blocks| {
            blocks.iter().rev().find_map(|block| {
                block.rows.with_untracked(|rows| {
                    rows.iter().rev().find_map(|handle| match &**handle.row.read_untracked() {
                        Row::Message(message) => stop(message),
                        _ => None,
                    })
                })
            })
        })
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
