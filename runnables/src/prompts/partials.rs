//! Variables whose values are known beforehand.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use runtree_core::{Field, Fields, Payload};

/// Variables whose values are known beforehand, or made anew each time.
#[derive(Clone, Default)]
pub(super) struct Partials(IndexMap<String, Partial>);

#[derive(Clone)]
enum Partial {
    Value(Field),
    Made(Arc<dyn Fn() -> Field + Send + Sync>),
}

impl Partials {
    pub(super) fn set(&mut self, name: String, value: impl Payload) {
        self.0.insert(name, Partial::Value(Field::new(value)));
    }

    pub(super) fn set_with<T: Payload>(&mut self, name: String, make: impl Fn() -> T + Send + Sync + 'static) {
        self.0.insert(name, Partial::Made(Arc::new(move || Field::new(make()))));
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The input, and what is known beforehand; the input counts more.
    pub(super) fn fill<'a>(&self, input: &'a Fields) -> Cow<'a, Fields> {
        if self.0.is_empty() {
            return Cow::Borrowed(input);
        }
        let mut values = input.clone();
        for (name, partial) in &self.0 {
            if !input.contains_key(name) {
                values.insert(name, partial.value());
            }
        }
        Cow::Owned(values)
    }
}

impl Partial {
    fn value(&self) -> Field {
        match self {
            Self::Value(value) => value.clone(),
            Self::Made(make) => make(),
        }
    }
}

impl fmt::Debug for Partials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
