//! The error of a call whose function did not run, or whose answer did not come.

use leptos::server_fn::Decodes as _;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use super::encoding::JsonText;
use super::types::Refusal;

/// The error of the server functions.
///
/// Not leptos' `ServerFnError`: its client reads the body of every status from 400 on as an error, and the rule of
/// origins refuses a form with a 403 whose body says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// Refusal of a form before any function saw it.
    pub refused: Option<Refusal>,
    /// Cause, for the page to say what can be done.
    #[serde(skip)]
    pub cause: Cause,
    /// Technical description, for who writes programs.
    #[serde(default)]
    pub error: String,
}

/// Cause of a failed call, as far as its caller can do something about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The server answered that it cannot do this.
    #[default]
    Server,
    /// No answer came.
    Network,
    /// The answer cannot be read: it is of another release, or not of this server.
    Release,
}

impl FromServerFnError for CallError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let cause = match error {
            ServerFnErrorErr::Request(_) => Cause::Network,
            ServerFnErrorErr::Deserialization(_) => Cause::Release,
            _ => Cause::Server,
        };
        Self { refused: None, cause, error: error.to_string() }
    }

    /// Reads the body of an error, which may also be a proxy's page: that says nothing about the release.
    fn de(body: leptos::server_fn::Bytes) -> Self {
        JsonText::decode(body).unwrap_or_else(|error| Self { error, ..Self::default() })
    }
}
