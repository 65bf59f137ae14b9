//! Composer of messages. Text leaves the box only when it is in the outbox.

use leptos::ev;
use leptos::prelude::*;
use protocol::EventId;

use super::context::{ComposerContext, Mode};
use super::emoji::{self, EmojiPicker};
use crate::api::Flash;
use crate::components::click::click;
use crate::live::room::Room;
use crate::text;

mod about;
mod counter;
pub(super) mod editor;
mod keys;
pub(super) mod mention;
mod state;
mod suggestion_list;
pub(super) mod suggestions;
pub(super) mod transfer;
mod typing;

use about::AboutLine;
use counter::Counter;
use editor::Editor;
use suggestion_list::SuggestionList;
use transfer::NoteLine;
use typing::{RulesLine, TypingLine};

/// The box, and everything around it.
///
/// Its form is a plain one: with script a message goes over the socket, so there is neither a server action to dispatch
/// nor an `ActionForm`; without script the browser posts it.
#[component]
pub(crate) fn Composer(
    /// The id of the message that a page without script sends.
    post_id: EventId,
    /// A refused message.
    flash: Option<Flash>,
) -> impl IntoView {
    let (room, composer) = (expect_context::<Room>(), expect_context::<ComposerContext>());
    let editor = Editor::new(room, composer, post_id, flash.as_ref());
    // Only the server has it, and the program does not write this field: what it sends early is not this message.
    let kept_id = flash.as_ref().and_then(|flash| flash.id).filter(|_| cfg!(feature = "ssr"));
    let form_id = kept_id.unwrap_or(post_id);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        editor.send();
    };
    view! {
        <div class="foot">
            <TypingLine/>
            <p id="body-error" class="error" role="alert">
                {move || editor.error.get()}
            </p>
            <RulesLine/>
            <NoteLine editor/>
            <form
                id="composer"
                class="composer"
                method="post"
                action="/api/post_message"
                data-connecting=text::connecting()
                data-room=room.id.to_string()
                inert=move || room.leaving.get()
                on:submit=submit
                on:click=click(move |_| editor.mention.close())
            >
                <AboutLine cancel=move || editor.cancel()/>
                <SuggestionList editor/>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <input type="hidden" name="id" value=form_id.to_string()/>
                <button
                    type="button"
                    class="button icon"
                    popovertarget=emoji::ID
                    aria-label=text::emoji()
                    title=text::emoji()
                >
                    <svg aria-hidden="true"><use href="#i-smile"/></svg>
                </button>
                <Field editor flash/>
                <Counter length=editor.length/>
                <SendButton/>
            </form>
            <Hint/>
            <EmojiPicker insert=Callback::new(move |emoji: String| editor.insert(&emoji, None))/>
        </div>
    }
}

/// The box. It keeps its own text: nothing is written back to it but what the reader asks for.
#[component]
fn Field(
    /// Handle of the box.
    editor: Editor,
    /// A refused message.
    flash: Option<Flash>,
) -> impl IntoView {
    let Editor { room, composer, error, mention, .. } = editor;
    let is_new = move || matches!(*composer.mode.read(), Mode::New);
    let (mends, typed) = (flash.is_some(), flash.map(|flash| flash.body).unwrap_or_default());
    view! {
        <textarea
            id="body"
            node_ref=editor.field
            name="body"
            rows="1"
            placeholder=text::whats_new()
            aria-label=text::message()
            dir="auto"
            enterkeyhint="send"
            autocomplete="off"
            autofocus=mends
            disabled=move || room.leaving.get()
            aria-haspopup="listbox"
            aria-autocomplete="list"
            aria-controls=move || mention.list_id()
            aria-activedescendant=move || mention.active_id()
            aria-describedby=move || if is_new() { "body-error" } else { "about body-error" }
            aria-invalid=move || error.read().is_some().then_some("true")
            on:keydown=move |event| editor.key(&event)
            on:input=move |_| editor.input()
            on:blur=move |_| mention.close()
        >
            {between_tags(typed)}
        </textarea>
    }
}

/// Text as it has to stand between a `textarea`'s tags. leptos writes this element's children as they are, like a
/// script's, and does not hydrate them. So on the way into HTML the text is escaped here, behind the line break that
/// parsers leave out there.
fn between_tags(text: String) -> String {
    if cfg!(feature = "ssr") { format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;")) } else { text }
}

/// The button that sends, or saves a change.
#[component]
fn SendButton() -> impl IntoView {
    let composer = expect_context::<ComposerContext>();
    let edits = move || matches!(*composer.mode.read(), Mode::Edit(_));
    view! {
        <button class="button primary send" aria-label=move || if edits() { text::save() } else { text::send() }>
            <svg aria-hidden="true">
                <use href=move || if edits() { "#i-done" } else { "#i-send" }/>
            </svg>
        </button>
    }
}

/// The line below the box: the keys, a way to new messages without script, and what becomes of all words.
#[component]
fn Hint() -> impl IntoView {
    let room = expect_context::<Room>();
    view! {
        <p class="hint">
            <span class="keys">
                {text::keys().into_iter().map(|(key, does)| view! { <kbd>{key}</kbd> {does} }.into_any()).collect_view()}
                <button type="button" command="show-modal" commandfor="help">
                    {text::all_keys()}
                </button>
            </span>
            <a class="refresh" href=format!("/room/{}", room.code) rel="external">
                {text::refresh()}
            </a>
            <span>{text::gone()}</span>
        </p>
    }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_page_stays_text() {
        assert_eq!(between_tags("</textarea><b> &lt;".to_owned()), "\n&lt;/textarea>&lt;b> &amp;lt;");
        assert_eq!(between_tags("\nsecond line".to_owned()), "\n\nsecond line");
    }
}
