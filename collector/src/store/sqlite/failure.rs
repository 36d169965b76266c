//! What SQLite says went wrong, in the store's words.

use rusqlite::ErrorCode;

use super::super::StoreError;

pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => StoreError::TooSlow,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation) => StoreError::Invalid(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
