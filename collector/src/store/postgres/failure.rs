//! What Postgres says went wrong, in the store's words.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::super::StoreError;

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// Two transactions were in each other's way; what was undone is to be done again.
    Again(String),
    /// The connection ended; whether a commit under way was made is not known. With another one it may work.
    Lost(String),
    /// It would fail again.
    Final(StoreError),
}

/// What the parts of this store answer each other.
pub(super) type Result<T> = std::result::Result<T, Failure>;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Again(reason) | Failure::Lost(reason) => Self::Unavailable(reason),
            Failure::Final(error) => error,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let text = match error.as_db_error() {
            Some(told) => told.to_string(),
            None => with_sources(&error),
        };
        let Some(code) = error.code() else { return Self::Lost(text) };
        // A row that refers to what was removed meanwhile, or is there meanwhile, is looked at again.
        const AGAIN: [SqlState; 4] = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::FOREIGN_KEY_VIOLATION,
            SqlState::UNIQUE_VIOLATION,
        ];
        // The server was told to end, or ends the connection.
        const LOST: [SqlState; 2] = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN];
        if AGAIN.contains(code) {
            return Self::Again(text);
        }
        if LOST.contains(code) {
            return Self::Lost(text);
        }
        Self::Final(match code.code() {
            "57014" => StoreError::TooSlow,
            "XX001" | "XX002" => StoreError::Damaged(text),
            code if ["22", "23", "54"].contains(&&code[..2]) => StoreError::Invalid(text),
            _ => StoreError::Unavailable(text),
        })
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            // None could be made, which is not tried again at once.
            PoolError::Backend(error) => match error.into() {
                Self::Lost(reason) | Self::Again(reason) => StoreError::Unavailable(reason).into(),
                other => other,
            },
            PoolError::Timeout(_) => StoreError::Unavailable("all connections to the database are busy".into()).into(),
            other => StoreError::Unavailable(with_sources(&other)).into(),
        }
    }
}

/// What an error says, and what is behind it.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
