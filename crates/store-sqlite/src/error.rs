//! Conversion of SQLite errors to store errors.

use rusqlite::{Error, ErrorCode};
use store::BackendError;

/// A store error to which `?` converts an error of SQLite. It cannot convert one to `BackendError` itself, because both
/// types are of other crates.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) BackendError);

/// A damaged file or a row with an invalid value is `Corrupt`. Every other error may be temporary: `Unavailable`.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let damaged = match &error {
            Error::SqliteFailure(failure, _) => {
                matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            }
            Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::QueryReturnedNoRows => true,
            _ => false,
        };
        Self(if damaged { BackendError::corrupt(error) } else { BackendError::unavailable(error) })
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self(error)
    }
}

impl From<Failure> for BackendError {
    fn from(Failure(error): Failure) -> Self {
        error
    }
}
