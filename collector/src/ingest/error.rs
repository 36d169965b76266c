//! Why a request's body cannot be read.

/// Why a request's body cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unread {
    /// It is not what it says it is.
    #[error("{0}")]
    Malformed(String),
    /// It is well formed and says what cannot be.
    #[error("{0}")]
    Invalid(String),
    /// It is larger than is taken.
    #[error("{0}")]
    TooLarge(String),
    /// It is of a sort that is not read here.
    #[error("{0}")]
    Unsupported(String),
    /// It came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The bodies that are being read leave no room for it.
    #[error("the collector has too many bodies to read; try again")]
    NoRoom,
}

impl Unread {
    /// The status that says it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Invalid(_) => 422,
            Self::TooLarge(_) => 413,
            Self::Unsupported(_) => 415,
            Self::TooSlow => 408,
            Self::NoRoom => 503,
        }
    }

    /// What parsing JSON said: 400 where it is no JSON, 422 where it is JSON of another shape.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        match error.is_data() {
            true => Self::Invalid(error.to_string()),
            false => Self::Malformed(format!("the body is not JSON: {error}")),
        }
    }
}
