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

/// Older pages that were asked for.
#[derive(Default)]
struct Asked {
    /// The goal that they are for.
    goal: Option<Goal>,
    /// Their number.
    pages: u8,
    /// Saves that another goal came before.
    interrupted: Vec<Goal>,
}

impl Asked {
    /// Begins with another goal, or goes on with this one. Returns the number of pages that were asked for it.
    fn begin(&mut self, wanted: Goal) -> u8 {
        if self.goal != Some(wanted) {
            self.interrupted.extend(self.goal.filter(|before| matches!(before, Goal::Save(_))));
            self.interrupted.retain(|save| *save != wanted);
            (self.goal, self.pages) = (Some(wanted), 0);
        }
        self.pages
    }

    /// Gives the goal up. Returns the save that it came before: only giving up a save is about saves.
    fn give_up(&mut self) -> Option<Goal> {
        let next = self.goal.take().filter(|goal| !matches!(goal, Goal::Save(_))).and_then(|_| self.interrupted.pop());
        if next.is_none() {
            *self = Self::default();
        }
        next
    }
}

/// Brings older pages for the goal, one goal after the other, until the reactive owner is cleaned up. Without a goal it
/// stops. `over` is called when one is reached, or cannot be. Saving goes on after a goal that came before its end: it
/// was promised, and nobody waits in front of it.
pub(super) fn bring_for(
    room: Room,
    goal: RwSignal<Option<Goal>>,
    progress: RwSignal<Progress>,
    over: impl Fn(Goal, Outcome) + Copy + 'static,
) {
    let asked = StoredValue::new(Asked::default());
    let end = move |wanted, outcome| {
        progress.set(Progress::Over(outcome));
        let next = asked.try_update_value(|asked| {
            asked.goal = None;
            asked.interrupted.pop()
        });
        goal.set(next.flatten());
        over(wanted, outcome);
    };
    effect(move || {
        let Some(wanted) = goal.get() else {
            if let Some(save) = asked.try_update_value(Asked::give_up).flatten() {
                return goal.set(Some(save));
            }
            if matches!(progress.get_untracked(), Progress::Asked(_)) {
                progress.set(Progress::Idle);
            }
            return;
        };
        let pages = asked.try_update_value(|asked| asked.begin(wanted)).unwrap_or_default();
        // With each page that came.
        let older = room.older.get();
        match (outcome(is_here(room, wanted), room.is_whole(), pages), older) {
            (Some(outcome), _) => untrack(|| end(wanted, outcome)),
            (None, Some(before)) => {
                asked.update_value(|asked| asked.pages += 1);
                progress.set(Progress::Asked(pages + 1));
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
    use super::super::goal::Form;
    use super::*;

    #[test]
    fn interrupted_save_is_kept_once_and_nothing_else_is() {
        let (save, other, day) = (Goal::Save(Form::Markdown), Goal::Save(Form::Plain), Goal::Day(1));
        let mut asked = Asked::default();
        assert_eq!(asked.begin(Goal::Search), 0);
        asked.pages = 3;
        assert_eq!(asked.begin(Goal::Search), 3);
        assert_eq!(asked.begin(save), 0, "each goal has its own pages");
        assert_eq!(asked.interrupted, []);
        asked.begin(day);
        asked.begin(other);
        assert_eq!(asked.interrupted, [save]);
        asked.begin(save);
        assert_eq!(asked.interrupted, [other]);
        asked.begin(day);
        assert_eq!(asked.give_up(), Some(save), "the day is given up, and no save");
        asked.begin(save);
        assert_eq!((asked.give_up(), asked.interrupted), (None, Vec::new()));
    }

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
