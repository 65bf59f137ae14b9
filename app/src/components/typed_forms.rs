//! Typed fields of forms, kept for as long as the document is there.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, FormData, HtmlFormElement};

use crate::api::EnterForm as Fields;
use crate::live::browser;

/// The fields of each form by the page it stands on. A page that is shown anew in the same document is drawn anew; a
/// browser that loads it from its page cache would have kept them. A context.
#[derive(Clone, Copy, Default)]
pub(crate) struct TypedForms(StoredValue<Vec<Fields>>);

impl TypedForms {
    /// Keeps what the form of this event holds now.
    pub(crate) fn keep(self, event: &Event) {
        if let Some(fields) = typed_fields(event) {
            self.forget(&fields.from);
            self.0.update_value(|forms| forms.push(fields));
        }
    }

    /// Forgets the form of this page.
    pub(crate) fn forget(self, page: &str) {
        self.0.update_value(|forms| forms.retain(|fields| fields.from != page));
    }

    /// Fills the empty fields of this page's form.
    pub(crate) fn restore(self, page: &str, form: &HtmlFormElement) {
        let kept = self.0.with_value(|forms| forms.iter().find(|fields| fields.from == page).cloned());
        let Some(fields) = kept else { return };
        let Fields { name, code, capacity, room_name, .. } = fields;
        for (name, text) in [("name", name), ("code", code), ("capacity", capacity), ("room_name", room_name)] {
            if let Some(field) = browser::field(form, name) {
                browser::fill_if_empty(&field, &text);
            }
        }
    }
}

/// The fields of the form that an event is about, as typed.
pub(crate) fn typed_fields(event: &Event) -> Option<Fields> {
    let form = browser::closest(&browser::target(event)?, "form")?.dyn_into::<HtmlFormElement>().ok()?;
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
