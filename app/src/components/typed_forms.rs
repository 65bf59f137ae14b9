//! Typed fields of forms, kept for as long as the document is there, and for the one in another language.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, FormData, HtmlFormElement};

use crate::api::EnterForm as Fields;
use crate::live::{browser, tab_storage};

/// The fields of each form by the page it stands on. A page that is shown anew in the same document is drawn anew; a
/// browser that loads it from its page cache would have kept them. A context.
#[derive(Clone, Copy, Default)]
pub(crate) struct TypedForms(StoredValue<Vec<Fields>>);

impl TypedForms {
    /// Keeps what the form of this event holds now.
    pub(crate) fn keep(self, event: &Event) {
        if let Some(fields) = browser::target(event).as_ref().and_then(typed_fields) {
            // Newer than what a document before may have left.
            tab_storage::clear_form();
            self.remember(fields);
        }
    }

    fn remember(self, fields: Fields) {
        self.0.update_value(|forms| {
            forms.retain(|kept| kept.from != fields.from);
            forms.push(fields);
        });
    }

    /// Keeps what the form on the page holds now for the document that follows in this tab. Also what the server wrote
    /// there, or what was typed before the program was here.
    pub(crate) fn keep_over_load(self) {
        if let Some(fields) = browser::by_id("name").as_ref().and_then(typed_fields) {
            tab_storage::set_form(&fields);
        }
    }

    /// Forgets the form of this page.
    pub(crate) fn forget(self, page: &str) {
        self.0.update_value(|forms| forms.retain(|fields| fields.from != page));
        tab_storage::clear_form();
    }

    /// Fills the empty fields of this page's form. What the document before kept goes before what the server has written
    /// into them. Returns true if fields were kept, even empty ones.
    pub(crate) fn restore(self, page: &str, form: &HtmlFormElement) -> bool {
        let stored = tab_storage::take_form(page);
        let is_stored = stored.is_some();
        let kept = || self.0.with_value(|forms| forms.iter().find(|fields| fields.from == page).cloned());
        let Some(fields) = stored.or_else(kept) else { return false };
        self.remember(fields.clone());
        let Fields { name, code, capacity, room_name, .. } = fields;
        for (name, text) in [("name", name), ("code", code), ("capacity", capacity), ("room_name", room_name)] {
            if let Some(field) = browser::field(form, name) {
                if is_stored && field.value() == field.default_value() {
                    field.set_value("");
                }
                browser::fill_if_empty(&field, &text);
            }
        }
        true
    }
}

/// The fields of the form that this element is or stands in, as typed.
pub(crate) fn typed_fields(element: &Element) -> Option<Fields> {
    let form = browser::closest(element, "form")?.dyn_into::<HtmlFormElement>().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let text = |name| data.get(name).as_string().unwrap_or_default();
    Some(Fields {
        name: text("name"),
        code: text("code"),
        capacity: text("capacity"),
        room_name: text("room_name"),
        intent: String::new(),
        from: text("from"),
    })
}
