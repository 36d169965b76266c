//! Text that is not shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Text that is not shown: a key, or the value of a header. It is wiped from memory when dropped.
///
/// ```
/// use runtree_tracing::environment::Secret;
///
/// let key = Secret::new("lsv2_x");
/// assert_eq!(format!("{key:?}"), "Secret(…)");
/// assert_eq!(key.expose(), "lsv2_x");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself: for a request's header, and for nothing that is kept or shown.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
