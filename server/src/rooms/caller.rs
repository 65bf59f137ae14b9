//! Caller of a request: the session, and the return of a refused form.

use app::api::{EnterForm, Field, Flash, Refusal};
use axum::http::{HeaderValue, Method, StatusCode, header};
use protocol::{ErrorCode, EventId};

use super::{RequestRooms, refusal};
use crate::flash::InlineFlash;
use crate::identity::Session;
use crate::request::{renders_page, wants_page};

impl RequestRooms {
    /// Returns the session whose cookie came with the request.
    pub(super) fn session(&self) -> Option<Session> {
        self.state.identity.session(&self.parts.headers)
    }

    /// Creates a session and gives it to the browser with the response; at most one per request.
    fn create_session(&self) -> Session {
        *self.begun.get_or_init(|| {
            let (session, cookie) = self.state.identity.create_session(&self.parts.headers);
            if let Some(cookie) = cookie {
                self.response.append_header(header::SET_COOKIE, cookie);
            }
            session
        })
    }

    /// Creates a session for a browser that gets a form and has none, so that the form comes back with its cookie. A
    /// request of another site's page comes without the cookie too, but does not overwrite it: browsers ignore a
    /// `SameSite` cookie in the response to such a request (RFC 6265bis section 5.7).
    pub(super) fn ensure_session(&self) {
        if self.session().is_none() {
            self.create_session();
        }
    }

    /// Returns the session that takes a seat. A page's form without one shows that the browser did not send the page's
    /// cookie back: the seat would be lost with the next request, and the next try would take another one. A program,
    /// which sends no `Origin`, need not have loaded a page, and gets a new session.
    pub(super) fn session_for_seat(&self) -> Result<Session, Refusal> {
        match self.session() {
            Some(session) => Ok(session),
            None if self.is_page() => Err(refusal(Field::Code, ErrorCode::Cookie)),
            None => Ok(self.create_session()),
        }
    }

    /// Returns true if a browser's page sent the request: only browsers send `Origin`.
    pub(super) fn is_page(&self) -> bool {
        self.parts.headers.contains_key(header::ORIGIN)
    }

    pub(super) fn wants_page(&self) -> bool {
        wants_page(&self.parts.headers)
    }

    pub(super) fn renders_page(&self) -> bool {
        renders_page(&self.parts.uri)
    }

    /// Sets the status of a response that is a page. A call by script finds the result in the value: its client takes
    /// any status from 400 on for a failure.
    pub(super) fn page_status(&self, status: StatusCode) {
        if self.renders_page() {
            self.response.set_status(status);
        }
    }

    /// Redirects with 303 (RFC 9110 section 15.4.4): the form was accepted, and another page follows.
    pub(super) fn redirect(&self, to: &str) {
        if let Ok(to) = HeaderValue::from_str(to) {
            self.response.set_status(StatusCode::SEE_OTHER);
            self.response.insert_header(header::LOCATION, to);
        }
    }

    /// Refuses a form. For a browser without script it goes back to its page, with everything that was typed, and with
    /// the id that the message keeps.
    pub(super) fn refuse(
        &self,
        refused: Refusal,
        form: EnterForm,
        (body, id): (String, Option<EventId>),
        to: &str,
    ) -> Refusal {
        self.state.metrics.rejected(refused.error);
        tracing::info!(field = ?refused.field, error = ?refused.error, "form refused");
        if self.wants_page() {
            self.return_form(Flash { refused, to: to.to_owned(), form, body, id });
        } else if refused.error == ErrorCode::Cookie {
            // Sends the cookie, so that a retry can include it.
            self.create_session();
        }
        refused
    }

    /// Redirects to the form's page, which then shows the form. If the form cannot be kept until then, because there is
    /// no session to fetch it or too many are kept, the page is the response.
    fn return_form(&self, flash: Flash) {
        let to = flash.to.clone();
        let kept = match self.session() {
            Some(session) => self.state.flashes.put(session, flash).map_err(|flash| *flash),
            None => Err(flash),
        };
        match kept {
            Ok(()) => self.redirect(&to),
            Err(flash) => {
                if let Some(in_place) = self.parts.extensions.get::<InlineFlash>() {
                    in_place.put(flash);
                }
            }
        }
    }

    /// Removes and returns the refused form for this page: it is shown once. `None` for HEAD, whose response shows
    /// nothing, and for a call by script, which gets its refusals as values.
    pub(super) fn flash(&self, page: &str) -> Option<Flash> {
        if self.parts.method == Method::HEAD || !self.renders_page() {
            return None;
        }
        let in_place = self.parts.extensions.get::<InlineFlash>().and_then(|refused| refused.take(page));
        in_place.or_else(|| self.state.flashes.take(self.session()?, page))
    }
}
