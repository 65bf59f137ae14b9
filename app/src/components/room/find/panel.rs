//! The panel that searches the talk, goes to a day and saves. It stands beside the log, which goes on below it.

use leptos::ev;
use leptos::prelude::*;

use super::bring::{MAX_PAGES, Outcome, Progress, bring_for};
use super::density::compact_box;
use super::goal::{Form, Goal, Seek};
use super::label_messages;
use super::reach::reach;
use super::search::Search;
use crate::components::click::click;
use crate::components::dialog::give_back_focus;
use crate::components::icon::Icon;
use crate::components::room::log::ids::element_id;
use crate::components::room::toast::Toast;
use crate::live::browser;
use crate::live::effect::effect;
use crate::live::room::Room;
use crate::live::signal::set_if_new;
use crate::text;

/// The panel's id.
const ID: &str = "find";
/// Id of the field for the words.
const WORDS_ID: &str = "find-words";
/// Id of the field for the day.
const DAY_ID: &str = "find-day";

/// Opens the panel below the header, and goes to its field, whose words are looked for again. What is scrolled to stands
/// below the panel.
pub(in crate::components::room) fn open() {
    if let (Some(panel), Some(log)) = (browser::by_id(ID), browser::by_id("log")) {
        browser::set_custom_property(&panel, "--top", &format!("{}px", browser::top_of(&log)));
        browser::show_dialog(ID);
        browser::set_scroll_padding("log", browser::height_of(&panel));
        browser::select(WORDS_ID);
    }
}

/// State of the panel. A handle.
#[derive(Clone, Copy)]
struct Panel {
    search: Search,
    goal: RwSignal<Option<Goal>>,
    progress: RwSignal<Progress>,
}

/// The panel, closed, and what goes through the whole talk.
pub(in crate::components::room) fn panel() -> AnyView {
    let (room, toast, Seek(goal)) = (expect_context::<Room>(), expect_context::<Toast>(), expect_context());
    let panel = Panel { search: Search::new(room), goal, progress: RwSignal::new(Progress::default()) };
    label_messages(room);
    bring_for(room, goal, panel.progress, move |goal, outcome| reach(room, toast, goal, outcome));
    // What a reply answers is looked for without the panel.
    effect(move || {
        if let (Progress::Asked(pages), Some(Goal::Message(_))) = (panel.progress.get(), goal.get_untracked()) {
            toast.show(&text::looking_back(pages.into(), MAX_PAGES.into()));
        }
    });
    view! {
        <dialog id=ID aria-label=text::find() on:close=move |_| panel.closed() on:keydown=move |event| panel.pressed(&event)>
            {panel.words()}
            <p role="status">{move || panel.status()}</p>
            {move || panel.bringing()}
            {panel.day()}
            {panel.saving()}
            {compact_box()}
        </dialog>
    }
    .into_any()
}

impl Panel {
    /// Looks for the words of the field, which keeps them while the panel is closed.
    fn typed(self, query: String) {
        if *self.search.query.read_untracked() == query {
            return;
        }
        self.search.look_for(query);
        // After ten pages it stays at these.
        let has_enough = self.progress.get_untracked() == Progress::Over(Outcome::Partial);
        if self.goal.get_untracked().is_none() && !has_enough {
            self.goal.set(Some(Goal::Search));
        }
    }

    fn pressed(self, event: &ev::KeyboardEvent) {
        if browser::is_composing(event) {
            return;
        }
        let in_words = browser::target(event).is_some_and(|target| target.id() == WORDS_ID);
        match event.key().as_str() {
            "Escape" => self.close(),
            "Enter" if in_words => self.search.step(!event.shift_key()),
            "ArrowUp" if in_words => self.search.step(true),
            "ArrowDown" if in_words => self.search.step(false),
            _ => return,
        }
        event.prevent_default();
    }

    /// Closes it; the focus goes to the message that it showed, or back to what opened it.
    fn close(self) {
        let shown = self.search.shown.get_untracked();
        browser::close_dialog(ID);
        match shown {
            Some(id) => browser::focus(&element_id(id)),
            None => give_back_focus(),
        }
    }

    fn closed(self) {
        browser::set_scroll_padding("log", 0);
        self.search.look_for(String::new());
        if self.goal.get_untracked() == Some(Goal::Search) {
            self.goal.set(None);
        }
    }

    /// The field for words, and the ways through what was found.
    fn words(self) -> AnyView {
        let button = move |icon, name, press: fn(Self)| {
            view! {
                <button type="button" class="button icon" aria-label=name title=name on:click=click(move |_| press(self))>
                    <Icon href=icon/>
                </button>
            }
            .into_any()
        };
        view! {
            <div class="find">
                <input
                    type="search"
                    id=WORDS_ID
                    aria-label=text::search()
                    placeholder=text::search()
                    autocomplete="off"
                    on:input=move |event| self.typed(event_target_value(&event))
                    on:focus=move |event| self.typed(event_target_value(&event))
                />
                {button("#i-up", text::older_match(), |panel| panel.search.step(true))}
                {button("#i-down", text::newer_match(), |panel| panel.search.step(false))}
                {button("#i-close", text::close(), Self::close)}
            </div>
        }
        .into_any()
    }

    /// Number of messages that were found, and whether all of the talk was looked through.
    fn status(self) -> String {
        let progress = self.progress.get();
        let found = match (self.search.place(), self.search.query.read().trim()) {
            (_, "") => return String::new(),
            (Some(place), _) => text::match_of(place + 1, self.search.found.read().len()),
            (None, _) if matches!(progress, Progress::Asked(_)) => String::new(),
            (None, _) => text::no_match().to_owned(),
        };
        let more = match progress {
            Progress::Over(Outcome::Partial) => text::not_whole(),
            Progress::Over(Outcome::Failed) => text::not_loaded(),
            _ => "",
        };
        format!("{found} {more}").trim().to_owned()
    }

    /// Older pages on their way, and what stops them.
    fn bringing(self) -> Option<AnyView> {
        let Progress::Asked(pages) = self.progress.get() else { return None };
        let words = text::looking_back(pages.into(), MAX_PAGES.into());
        let cancel = click(move |_| self.goal.set(None));
        Some(
            view! {
                <div class="find">
                    <progress max=MAX_PAGES.to_string() value=pages.to_string() aria-label=words></progress>
                    <button type="button" class="button" on:click=cancel>{text::cancel()}</button>
                </div>
            }
            .into_any(),
        )
    }

    /// The way to a day.
    fn day(self) -> AnyView {
        let go = move |event: ev::SubmitEvent| {
            event.prevent_default();
            if let Some(day) = browser::day_of(DAY_ID) {
                set_if_new(self.goal, Some(Goal::Day(day)));
            }
        };
        view! {
            <form class="find" on:submit=go>
                <label for=DAY_ID>{text::day_field()}</label>
                <input type="date" id=DAY_ID required/>
                <button class="button">{text::go()}</button>
            </form>
        }
        .into_any()
    }

    /// The talk as a file.
    fn saving(self) -> AnyView {
        let button = move |name, form| {
            let save = click(move |_| set_if_new(self.goal, Some(Goal::Save(form))));
            view! { <button type="button" class="button" on:click=save>{name}</button> }.into_any()
        };
        view! {
            <div class="find" role="group" aria-label=text::save_talk()>
                <span>{text::save()}</span>
                {button(text::save_markdown(), Form::Markdown)}
                {button(text::save_text(), Form::Plain)}
            </div>
        }
        .into_any()
    }
}
