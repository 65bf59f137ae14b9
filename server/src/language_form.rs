//! Form with which a reader chooses a language.

use app::Language;
use axum::Form;
use axum::extract::State;
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect};
use serde::Deserialize;

use crate::language;
use crate::rooms::{HOME, PRIVACY, own_page};
use crate::state::AppState;

/// Queries of this site's pages, which a change of the language leaves as they are.
const QUERIES: [&str; 2] = ["?left", "?leave"];

/// Fields of the form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Choice {
    language: String,
    /// Address of the page that the form stood on.
    from: String,
}

/// Keeps the reader's choice, and goes back to the page of the form.
pub async fn choose(State(state): State<AppState>, Form(choice): Form<Choice>) -> impl IntoResponse {
    let chosen = Language::of_tag(&choice.language);
    let cookie =
        chosen.map(|chosen| (header::SET_COOKIE, language::cookie(chosen, state.origins.is_https()).to_string()));
    (AppendHeaders(cookie), Redirect::to(&own_address(&choice.from)))
}

/// Returns the address that the form goes back to: a page of this site, with its query where it is one that pages have.
fn own_address(from: &str) -> String {
    if from == PRIVACY {
        return from.to_owned();
    }
    let query = QUERIES.into_iter().find(|query| from.ends_with(query)).unwrap_or_default();
    let page = own_page(from.strip_suffix(query).unwrap_or(from));
    if page == HOME { page } else { page + query }
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn form_goes_back_to_its_page_with_the_query_that_it_had() {
        for (from, to) in [
            ("/room/KXQ4-7M2P", "/room/KXQ4-7M2P"),
            ("/room/kxq47m2p?left", "/room/KXQ4-7M2P?left"),
            ("/room/KXQ4-7M2P?leave", "/room/KXQ4-7M2P?leave"),
            ("/room/KXQ4-7M2P?left?leave", "/"),
            ("/room/KXQ4-7M2P?other", "/"),
            ("/privacy", "/privacy"),
            ("/?left", "/"),
            ("//evil.example/?left", "/"),
            ("?left", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_address(from), to, "{from:?}");
        }
    }
}
