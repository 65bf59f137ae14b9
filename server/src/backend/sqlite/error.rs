//! What SQLite's errors mean to a caller.

use rusqlite::{Error, ErrorCode};

use crate::backend::BackendError;

/// A damaged file or a row that holds what it cannot hold is `Corrupt`, everything else may pass: `Unavailable`.
impl From<Error> for BackendError {
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
        if damaged { Self::corrupt(error) } else { Self::unavailable(error) }
    }
}
