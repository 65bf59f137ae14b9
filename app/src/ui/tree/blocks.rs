//! Which rows stand together in a block.
//!
//! A browser asks of everything it may skip whether it is near the screen, at every frame. Asked row by row, that and
//! what follows from it was half of what a new message cost in a log of 1,000; asked block by block it is little.

/// Most rows of a block, but for those that come between others: a tall screen's worth, so that few blocks are near the
/// screen and few are to be asked.
const FULL: usize = 50;

/// A block among its neighbours.
pub(crate) type BlockId = i32;

/// The blocks of rows that are to be shown in this order, ascending. Each row says in which block it is already: there it
/// stays, so that rows that come at either end change no other block than the one they join.
pub(crate) fn assign(mut rows: Vec<Option<BlockId>>) -> impl Iterator<Item = BlockId> {
    let known = rows.iter().position(Option::is_some).unwrap_or(0);
    let (ahead, rest) = rows.split_at_mut(known);
    if let Some(first) = rest.first().copied().flatten() {
        for (block, rows) in (1..).zip(ahead.rchunks_mut(FULL)) {
            rows.fill(Some(first - block));
        }
    }
    let end = rows.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let (mut current, mut held) = (rows.first().copied().flatten().unwrap_or_default(), 0);
    rows.into_iter().enumerate().map(move |(at, id)| {
        let block = match id {
            Some(id) => current.max(id),
            None if at >= end && held >= FULL => current + 1,
            None => current,
        };
        held = if block == current { held + 1 } else { 1 };
        current = block;
        block
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use proptest::prelude::*;

    /// What a log does to its rows.
    #[derive(Clone, Debug)]
    enum Step {
        Append(usize),
        Prepend(usize),
        Insert(usize),
        Remove(usize),
        Move(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..120_usize).prop_map(Step::Append),
            (1..120_usize).prop_map(Step::Prepend),
            any::<usize>().prop_map(Step::Insert),
            any::<usize>().prop_map(Step::Remove),
            any::<(usize, usize)>().prop_map(|(from, to)| Step::Move(from, to)),
        ]
    }

    proptest! {
        #[test]
        fn blocks_stand_in_order_and_rows_stay_in_theirs(steps in prop::collection::vec(step(), 1..40)) {
            let (mut rows, mut before, mut next, mut between) = (Vec::<usize>::new(), HashMap::new(), 0, 0);
            for step in steps {
                let moved = matches!(step, Step::Move(..));
                let mut fresh = |count| { next += count; next - count..next };
                match step {
                    Step::Append(count) => rows.extend(fresh(count)),
                    Step::Prepend(count) => drop(rows.splice(0..0, fresh(count))),
                    Step::Insert(at) => { between += 1; rows.insert(at % (rows.len() + 1), fresh(1).start) }
                    Step::Remove(at) => if !rows.is_empty() { rows.remove(at % rows.len()); },
                    Step::Move(from, to) => if !rows.is_empty() {
                        let row = rows.remove(from % rows.len());
                        rows.insert(to % (rows.len() + 1), row);
                    },
                }
                let ids: Vec<BlockId> = assign(rows.iter().map(|row| before.get(row).copied()).collect()).collect();
                prop_assert_eq!(ids.len(), rows.len());
                prop_assert!(ids.is_sorted());
                if !moved {
                    for (row, id) in rows.iter().zip(&ids) {
                        prop_assert_eq!(before.get(row).unwrap_or(id), id);
                    }
                    for block in ids.chunk_by(|a, b| a == b) {
                        prop_assert!(block.len() <= FULL + between);
                    }
                } else {
                    between = rows.len();
                }
                before = rows.iter().copied().zip(ids).collect();
            }
        }
    }
}
