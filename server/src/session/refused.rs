//! Close codes and faults for errors of the store and the hub.

use protocol::{CloseCode, Code, Fault};
use store::BackendError;

use super::wire::Over;
use crate::hub::AttachError;

/// Time in milliseconds after which a client may retry an append that the store failed to take.
const STORE_RETRY_MS: u64 = 1_000;

/// Reason why a connection is not opened.
pub(super) enum Refused {
    Close(CloseCode),
    Over,
}

impl From<Over> for Refused {
    fn from(_: Over) -> Self {
        Self::Over
    }
}

impl From<CloseCode> for Refused {
    fn from(code: CloseCode) -> Self {
        Self::Close(code)
    }
}

impl From<AttachError> for Refused {
    fn from(error: AttachError) -> Self {
        Self::Close(match error {
            AttachError::NoSuchRoom => CloseCode::NoSuchRoom,
            AttachError::TooManyTabs => CloseCode::TooManyTabs,
            AttachError::Unavailable => CloseCode::EngineUnavailable,
        })
    }
}

impl From<BackendError> for Refused {
    fn from(error: BackendError) -> Self {
        Self::Close(match error {
            BackendError::NotFound => CloseCode::NoSuchRoom,
            error => close_code(&error),
        })
    }
}

/// Returns the code with which an open connection is closed after an error of the store. Logs errors that are the
/// store's fault.
pub(super) fn close_code(error: &BackendError) -> CloseCode {
    match error {
        BackendError::Reset => CloseCode::ContinuityLost,
        BackendError::NotFound => CloseCode::RoomEnded,
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the store failed a connection");
            CloseCode::EngineUnavailable
        }
    }
}

/// Returns the fault for the sender of an append that failed. Logs errors that are the store's fault.
pub(super) fn fault(error: &BackendError) -> Fault {
    match error {
        BackendError::NotFound => Code::CodeUnknown.into(),
        BackendError::Conflict => Code::NoSeat.into(),
        BackendError::TooOld => Code::TooOld.into(),
        BackendError::NoTarget => Code::NoTarget.into(),
        BackendError::NotAuthor => Code::NotAuthor.into(),
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the store refused an append");
            Fault { code: Code::Storage, retry_ms: Some(STORE_RETRY_MS) }
        }
    }
}
