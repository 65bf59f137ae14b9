//! Older pages, brought for a goal: one after the other, until the goal is on the page.

use client::{Row, RowKey};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::goal::Goal;
use crate::live::effect::effect;
use crate::live::room::Room;

/// Maximum number of older pages that are brought for one goal.
pub(super) const MAX_PAGES: u8 = 10;

/// Progress towards a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was asked for, or it was given up.
    #[default]
    Idle,
    /// This many pages were asked for.
    Asked(u8),
    /// It is over.
    Over(Outcome),
}

/// End of bringing older pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The goal is on the page.
    Here,
    /// Everything is on the page.
    Whole,
    /// [`MAX_PAGES`] came, and there is more.
    Partial,
    /// A page did not come.
    Failed,
}

/// Brings older pages for the goal, one goal after the other, until the reactive owner is cleaned up. Without a goal it
/// stops. `over` is called when one is reached, or cannot be.
pub(super) fn bring_for(
    room: Room,
    goal: RwSignal<Option<Goal>>,
    progress: RwSignal<Progress>,
    over: impl Fn(Goal, Outcome) + Copy + 'static,
) {
    let end = move |wanted, outcome| {
        progress.set(Progress::Over(outcome));
        goal.set(None);
        over(wanted, outcome);
    };
    let mut asked = (None, 0);
    effect(move || {
        let Some(wanted) = goal.get() else {
            asked = (None, 0);
            if matches!(progress.get_untracked(), Progress::Asked(_)) {
                progress.set(Progress::Idle);
            }
            return;
        };
        if asked.0 != Some(wanted) {
            asked = (Some(wanted), 0);
        }
        // With each page that came.
        let older = room.older.get();
        match (outcome(is_here(room, wanted), room.is_whole(), asked.1), older) {
            (Some(outcome), _) => untrack(|| end(wanted, outcome)),
            (None, Some(before)) => {
                asked.1 += 1;
                progress.set(Progress::Asked(asked.1));
                spawn_local(async move {
                    let is_wanted = || goal.try_get_untracked().flatten() == Some(wanted);
                    if !room.bring_older(before).await && is_wanted() {
                        end(wanted, Outcome::Failed);
                    }
                });
            }
            // The page has no space for more.
            (None, None) => untrack(|| end(wanted, Outcome::Partial)),
        }
    });
}

/// The end, if it is reached once so many pages were asked for.
fn outcome(is_here: bool, is_whole: bool, asked: u8) -> Option<Outcome> {
    match (is_here, is_whole) {
        (true, _) => Some(Outcome::Here),
        (false, true) => Some(Outcome::Whole),
        (false, false) => (asked >= MAX_PAGES).then_some(Outcome::Partial),
    }
}

fn is_here(room: Room, goal: Goal) -> bool {
    match goal {
        Goal::Message(id) => room.log.find(RowKey::Event(id)).is_some(),
        Goal::Day(wanted) => first_day(room).is_none_or(|first| first < wanted),
        Goal::Search | Goal::Save(_) => false,
    }
}

/// The day that the log begins with on the page. More of it may come before what is there.
fn first_day(room: Room) -> Option<i64> {
    let blocks = room.log.blocks.read_untracked();
    let first = blocks.first()?.rows.read_untracked().first().map(|handle| handle.row.get_untracked())?;
    match &*first {
        Row::Day(day) => Some(day.day),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_until_the_goal_is_here_and_at_most_ten() {
        assert_eq!(outcome(true, false, 0), Some(Outcome::Here));
        assert_eq!(outcome(false, true, 3), Some(Outcome::Whole));
        assert_eq!(outcome(false, false, 0), None);
        assert_eq!(outcome(false, false, MAX_PAGES - 1), None);
        assert_eq!(outcome(false, false, MAX_PAGES), Some(Outcome::Partial));
        assert_eq!(outcome(true, false, MAX_PAGES), Some(Outcome::Here), "by the last of them");
    }
}
