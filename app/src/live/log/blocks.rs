//! Assignment of rows to blocks.
//!
//! A browser asks of everything it may skip whether it is near the screen, at every frame. Asked row by row, that and
//! what follows from it was half of what a new message cost in a log of 1,000; asked block by block it is little.

/// Most rows of a block, but for an older page and for rows that come between others: a tall screen's worth, so that
/// few blocks are near the screen and few are to be asked.
const FULL: usize = 50;

/// Key of a block: older ones have lower numbers.
pub type BlockId = i64;

/// Assigns a block to each of the rows that are to be shown in this order; the blocks ascend. A row says in which block
/// it stands already, and whether it goes along with those around it. One that does not stays in its block, so that
/// rows that come at either end change no other block than the one they join. All that come before the others are one
/// block: where two come before the others at once, `<For>` moves every block there is.
pub(super) fn assign(rows: Vec<(Option<BlockId>, bool)>) -> Vec<BlockId> {
    let stays = |(block, along): &(Option<BlockId>, bool)| if *along { None } else { *block };
    let first = rows.iter().position(|row| stays(row).is_some());
    // Those that go along and stand right before the first go along with it.
    let front = first.map_or(0, |first| first - rows[..first].iter().rev().take_while(|row| row.1).count());
    let end = rows.iter().rposition(|row| stays(row).is_some()).map_or(0, |last| last + 1);
    let begin = rows.iter().find_map(stays).unwrap_or_default();
    let (mut current, mut held) = (begin, 0);
    let assign = |(at, row): (usize, &(Option<BlockId>, bool))| {
        let least = current.max(begin);
        let block = match *row {
            _ if at < front => begin - 1,
            (Some(block), false) => block.max(least),
            // Where it was, if those around it leave it there.
            (Some(block), true) => block.min(rows[at..].iter().find_map(stays).unwrap_or(block)).max(least),
            (None, _) if at >= end && held >= FULL => least + 1,
            (None, _) => least,
        };
        held = if block == current { held + 1 } else { 1 };
        current = block;
        block
    };
    rows.iter().enumerate().map(assign).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use proptest::prelude::*;

    const DAY: usize = usize::MAX;
    const DRAFT: usize = usize::MAX - 1;
    const PAGE: usize = 120;

    /// Change of a log's rows.
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
            (1..PAGE).prop_map(Step::Append),
            (1..PAGE).prop_map(Step::Prepend),
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
                let ids: Vec<BlockId> = assign(asked.collect());
                prop_assert_eq!(ids.len(), listed.len());
                prop_assert!(ids.is_sorted());
                if !moved {
                    for (row, id) in listed.iter().zip(&ids).filter(|(row, _)| ![DAY, DRAFT].contains(row)) {
                        prop_assert_eq!(before.get(row).unwrap_or(id), id);
                    }
                    for block in ids.chunk_by(|a, b| a == b) {
                        prop_assert!(block.len() <= FULL.max(PAGE) + between + 2);
                    }
                    let first = before.values().min();
                    let older = ids.chunk_by(|a, b| a == b).filter(|block| first.is_some_and(|first| block[0] < *first));
                    prop_assert!(older.count() <= 1, "two blocks in front at once");
                } else {
                    between = rows.len();
                }
                before = listed.into_iter().zip(ids).collect();
            }
        }
    }

    fn assigned(rows: &[(Option<BlockId>, bool)]) -> Vec<BlockId> {
        assign(rows.to_vec())
    }

    #[test]
    fn first_rows_fill_blocks_from_the_oldest_on() {
        let ids = assigned(&[(None, false); 2 * FULL + 1]);
        assert_eq!([ids[0], ids[FULL - 1], ids[FULL], ids[2 * FULL]], [0, 0, 1, 2]);
    }

    #[test]
    fn older_page_is_one_block_however_long() {
        let page = [(None, false); 3 * FULL];
        let ids = assigned(&[&page[..], &[(Some(4), false), (Some(5), false)]].concat());
        assert!(ids[..page.len()].iter().all(|id| *id == 3));
    }

    #[test]
    fn row_that_goes_along_stays_in_its_block_while_it_can() {
        let row = |block| (Some(block), false);
        let along = |block| (Some(block), true);
        assert_eq!(assigned(&[row(1), along(2), row(2)]), [1, 2, 2]);
        assert_eq!(assigned(&[row(1), along(1), row(2)]), [1, 1, 2]);
        assert_eq!(assigned(&[row(2), along(1), row(2)]), [2, 2, 2]);
        assert_eq!(assigned(&[row(1), along(3), row(2)]), [1, 2, 2]);
        assert_eq!(assigned(&[row(1), along(2)]), [1, 2]);
        // A day that begins in an older page now.
        assert_eq!(assigned(&[along(1), (None, false), row(1)]), [0, 0, 1]);
        assert_eq!(assigned(&[(None, true), (None, false), along(1), row(1)]), [0, 0, 1, 1]);
    }
}
