//! What the page asks of the server beside the socket: the functions of `api`, called as their forms call them.
//!
//! The functions' own clients would do the same with much more code, of which each function has its own copy.

use gloo_net::http::Request;
use protocol::{RoomCode, Seq, codec};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use crate::api::{OlderPage, Refusal};

/// The answer to a form.
#[derive(Deserialize)]
pub struct Answer {
    /// The room that was entered.
    pub code: Option<RoomCode>,
    /// Why nothing was done.
    pub refused: Option<Refusal>,
}

/// Asks to be let into a room. `None` when there is no answer.
pub async fn to_enter(fields: &[(&str, String)]) -> Option<Answer> {
    post("/api/enter", fields).await
}

/// Asks to be let go; whether that was done.
pub async fn to_leave(code: RoomCode) -> bool {
    let answer: Option<Answer> = post("/api/leave_room", &[("code", code.to_string())]).await;
    answer.is_some_and(|answer| answer.refused.is_none())
}

/// Asks for the page of events before this place. `None` when there is no answer.
pub async fn for_older_page(code: RoomCode, before: Seq) -> Option<OlderPage> {
    let page: Option<Option<OlderPage>> =
        post("/api/older_page", &[("code", code.to_string()), ("before", before.0.to_string())]).await;
    page.flatten()
}

async fn post<T: DeserializeOwned>(path: &str, fields: &[(&str, String)]) -> Option<T> {
    let form = UrlSearchParams::new().ok()?;
    for (name, text) in fields {
        form.append(name, text);
    }
    let request = Request::post(path).header("Accept", "application/json").body(JsValue::from(form)).ok()?;
    // 403 says that the page's address is another one than the server's, and says it as a refusal.
    let answer = request.send().await.ok().filter(|answer| answer.ok() || answer.status() == 403)?;
    codec::decode(&answer.text().await.ok()?).ok()
}
