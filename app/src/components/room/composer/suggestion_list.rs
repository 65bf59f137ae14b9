//! The list of names in the page: opened and drawn by the tools, once they are here.

use leptos::prelude::*;
use web_sys::HtmlTextAreaElement;

use super::editor::Editor;
use super::mention::Mention;
use crate::components::room::tools::{TOOLS, hydrated_tools};

/// The place of the list above the box.
#[component]
pub(super) fn SuggestionList(
    /// The box.
    editor: Editor,
) -> impl IntoView {
    let tools = hydrated_tools();
    view! { {move || tools.get().map(|tools| (tools.suggestions)(editor))} }
}

impl Mention {
    /// Opens the list exactly while what stands before the caret asks for it.
    pub(super) fn update(self, field: &HtmlTextAreaElement, text: &str) {
        if let Some(tools) = TOOLS.get() {
            (tools.suggest)(self, field, text);
        }
    }
}
