//! A whole field: sent, hidden, or what a function makes of it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::failure::{Failed, caught};

type Function = dyn Fn(Map<String, Value>) -> Map<String, Value> + Send + Sync;

/// What happens to a field as a whole.
#[derive(Clone, Default)]
pub(super) enum Hide {
    #[default]
    Nothing,
    All,
    By(Arc<Function>),
}

impl Hide {
    pub(super) fn does_something(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Changes `value`, a map; anything else stands under `key` first, as a run's record does.
    pub(super) fn apply(&self, value: &mut Value, key: &str, allow_unprocessed: bool) -> Result<(), Failed> {
        match self {
            Self::Nothing => {}
            Self::All => *value = Value::Object(Map::new()),
            Self::By(function) => {
                let unprocessed = allow_unprocessed.then(|| value.clone());
                let map = match value.take() {
                    Value::Object(map) => map,
                    other => Map::from_iter([(key.to_owned(), other)]),
                };
                *value = match (caught(|| function(map)), unprocessed) {
                    (Ok(map), _) => Value::Object(map),
                    (Err(Failed), Some(unprocessed)) => unprocessed,
                    (Err(Failed), None) => return Err(Failed),
                };
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Hide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "as it is",
            Self::All => "hidden",
            Self::By(_) => "by a function",
        })
    }
}
