//! Conversion of SQLite errors to store errors.

use rusqlite::{Error, ErrorCode};
use store::StoreError;

/// A store error to which `?` converts an error of SQLite. It cannot convert one to `StoreError` itself, because both
/// types are of other crates.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) StoreError);

impl Failure {
    /// Error of a statement that writes: whatever the reason, the transaction has to be rolled back, as it is for
    /// `Unavailable` alone.
    pub(crate) fn of_write(error: Error) -> Self {
        Self(StoreError::unavailable(error))
    }
}

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
        Self(if damaged { StoreError::corrupt(error) } else { StoreError::unavailable(error) })
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<Failure> for StoreError {
    fn from(Failure(error): Failure) -> Self {
        error
    }
}
