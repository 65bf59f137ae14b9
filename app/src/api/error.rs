//! The error of a call whose function did not run, or whose answer did not come.

use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::encoding::JsonText;

/// The error of the server functions.
///
/// Not leptos' `ServerFnError`: its client reads the body of every status from 400 on as an error, and the rule of
/// origins refuses a form with a 403 whose body says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// Refusal of a form before any function saw it.
    pub refused: Option<Refusal>,
    /// Technical description, for who writes programs.
    #[serde(default)]
    pub error: String,
}

impl FromServerFnError for CallError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self { refused: None, error: error.to_string() }
    }
}
