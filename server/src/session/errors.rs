//! Close codes and faults for errors of the store and the hub.

use protocol::{CloseCode, ErrorCode, Rejection};
use store::StoreError;

use super::framed_socket::Disconnected;
use crate::hub::AttachError;

/// Time in milliseconds after which a client may retry an append that the store failed to take.
const STORE_RETRY_MS: u64 = 1_000;

/// Reason why a connection is not opened.
pub(super) enum OpenError {
    Close(CloseCode),
    Disconnected,
}

impl From<Disconnected> for OpenError {
    fn from(_: Disconnected) -> Self {
        Self::Disconnected
    }
}

impl From<CloseCode> for OpenError {
    fn from(code: CloseCode) -> Self {
        Self::Close(code)
    }
}

impl From<AttachError> for OpenError {
    fn from(error: AttachError) -> Self {
        Self::Close(match error {
            AttachError::NoSuchRoom => CloseCode::NoSuchRoom,
            AttachError::NoSeat => CloseCode::NoSeat,
            AttachError::TooManyConnections => CloseCode::TooManyTabs,
            AttachError::Unavailable => CloseCode::StoreUnavailable,
        })
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Close(match error {
            StoreError::NotFound => CloseCode::NoSuchRoom,
            error => close_code(&error),
        })
    }
}

/// Returns the code with which an open connection is closed after an error of the store. Logs errors that are the
/// store's fault.
pub(super) fn close_code(error: &StoreError) -> CloseCode {
    match error {
        StoreError::Reset => CloseCode::ContinuityLost,
        StoreError::NotFound => CloseCode::RoomEnded,
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the store failed a connection");
            CloseCode::StoreUnavailable
        }
    }
}

/// Returns the fault for the sender of an append that failed. Logs errors that are the store's fault.
pub(super) fn fault(error: &StoreError) -> Rejection {
    match error {
        StoreError::NotFound => ErrorCode::CodeUnknown.into(),
        StoreError::Conflict => ErrorCode::NoSeat.into(),
        StoreError::TooOld => ErrorCode::TooOld.into(),
        StoreError::NoTarget => ErrorCode::NoTarget.into(),
        StoreError::NotAuthor => ErrorCode::NotAuthor.into(),
        StoreError::NotHost => ErrorCode::NotAllowed.into(),
        StoreError::HostOnly => ErrorCode::HostOnly.into(),
        StoreError::Full => ErrorCode::CapacityBad.into(),
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the store refused an append");
            Rejection { error: ErrorCode::Storage, retry_ms: Some(STORE_RETRY_MS) }
        }
    }
}
