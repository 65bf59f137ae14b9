//! Which rows stand together in a block.
//!
//! A browser asks of everything it may skip whether it is near the screen, at every frame. Asked row by row, that and
//! what follows from it was half of what a new message cost in a log of 1,000; asked block by block it is little.

/// Most rows of a block, but for those that come between others: a tall screen's worth, so that few blocks are near the
/// screen and few are to be asked.
const FULL: usize = 50;

/// A block among its neighbours.
pub(crate) type BlockId = i32;

/// The blocks of rows that are to be shown in this order, ascending. Each row says in which block it is already, and
/// whether it goes along with those around it. One that does not stays in its block, so that rows that come at either end
/// change no other block than the one they join.
pub(crate) fn assign(rows: Vec<(Option<BlockId>, bool)>) -> impl Iterator<Item = BlockId> {
    let stays = |(block, along): &(Option<BlockId>, bool)| if *along { None } else { *block };
    let first = rows.iter().position(|row| stays(row).is_some());
    // Those that go along and stand right before it go along with it.
    let known = first.map_or(0, |first| first - rows.iter().take(first).rev().take_while(|row| row.1).count());
    let end = rows.iter().rposition(|row| stays(row).is_some()).map_or(0, |last| last + 1);
    let begin = first.and_then(|first| stays(rows.get(first)?));
    let (mut current, mut held) = (begin.unwrap_or_default(), 0);
    rows.into_iter().enumerate().map(move |(at, row)| {
        let block = match (stays(&row), begin) {
            (Some(block), _) => current.max(block),
            (None, Some(begin)) if at < known => begin - 1 - ((known - 1 - at) / FULL) as BlockId,
            (None, _) if at >= end && held >= FULL => current + 1,
            (None, _) => current.max(begin.unwrap_or_default()),
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

    const DAY: usize = usize::MAX;
    const DRAFT: usize = usize::MAX - 1;

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
                // A day begins above them, and something waits to be sent below.
                let listed: Vec<usize> = [DAY].iter().chain(&rows).chain(&[DRAFT]).copied().collect();
                let asked = listed.iter().map(|row| (before.get(row).copied(), [DAY, DRAFT].contains(row)));
                let ids: Vec<BlockId> = assign(asked.collect()).collect();
                prop_assert_eq!(ids.len(), listed.len());
                prop_assert!(ids.is_sorted());
                if !moved {
                    for (row, id) in listed.iter().zip(&ids).filter(|(row, _)| ![DAY, DRAFT].contains(row)) {
                        prop_assert_eq!(before.get(row).unwrap_or(id), id);
                    }
                    for block in ids.chunk_by(|a, b| a == b) {
                        prop_assert!(block.len() <= FULL + between + 2);
                    }
                } else {
                    between = rows.len();
                }
                before = listed.into_iter().zip(ids).collect();
            }
        }
    }
}
