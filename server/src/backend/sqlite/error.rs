//! Conversion of SQLite errors to store errors.

use rusqlite::{Error, ErrorCode};

use crate::backend::BackendError;

/// A damaged file or a row with an invalid value is `Corrupt`. Every other error may be temporary: `Unavailable`.
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
