//! Picks the best record that a value's type allows, and the best error.
//!
//! The traits are rungs of a ladder. The macro calls the method on a value behind more references than the top rung
//! has; the compiler takes them off one by one until a rung's bounds hold.

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

use runtree_core::{Error, ErrorKind, Payload, Record};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// A value to be recorded.
#[derive(Debug)]
pub struct Value<'v, T: ?Sized>(pub &'v T);

macro_rules! rungs {
    ($($(#[$doc:meta])* $rung:ident)*) => {$(
        $(#[$doc])*
        pub trait $rung {
            /// Its JSON.
            fn value(&self) -> Json;
            /// Its record: a map as it is, anything else to be wrapped.
            fn record(&self) -> Record {
                keyed(self.value())
            }
        }
    )*};
}
rungs! {
    /// A payload says itself how it is recorded.
    ViaPayload
    /// A slice of payloads.
    ViaSlice
    /// What serde can write.
    ViaSerde
    /// What has a debug form.
    ViaDebug
    /// Anything has a type.
    ViaName
}

fn keyed(value: Json) -> Record {
    match value {
        Json::Object(map) => Record::map(map),
        other => Record::value(other),
    }
}

impl<T: Payload> ViaPayload for &&&&Value<'_, T> {
    fn value(&self) -> Json {
        self.0.record()
    }
    fn record(&self) -> Record {
        Record::of(self.0)
    }
}

impl<T: Payload> ViaSlice for &&&Value<'_, [T]> {
    fn value(&self) -> Json {
        self.0.iter().map(Payload::record).collect()
    }
}

impl<T: Serialize + ?Sized> ViaSerde for &&Value<'_, T> {
    fn value(&self) -> Json {
        serde_json::to_value(self.0).unwrap_or_else(|error| format!("not recordable: {error}").into())
    }
}

impl<T: Debug + ?Sized> ViaDebug for &Value<'_, T> {
    fn value(&self) -> Json {
        format!("{:?}", self.0).into()
    }
}

impl<T: ?Sized> ViaName for Value<'_, T> {
    fn value(&self) -> Json {
        type_name::<T>().into()
    }
}

/// An error to be recorded.
#[derive(Debug)]
pub struct Failed<'e, E>(pub &'e E);

macro_rules! error_rungs {
    ($($(#[$doc:meta])* $rung:ident)*) => {$(
        $(#[$doc])*
        pub trait $rung {
            /// The error as a run keeps it.
            fn error(&self) -> Error;
        }
    )*};
}
error_rungs! {
    /// Our own error, as it is.
    ViaRuntree
    /// An error of the standard kind, with its sources.
    ViaError
    /// A box of any error, as anyhow's, with its sources.
    ViaBoxedSync
    /// A box of an error that stays on its thread.
    ViaBoxed
    /// What has a text.
    ViaDisplay
    /// What has a debug form only.
    ViaErrorDebug
    /// Anything has a type.
    ViaErrorName
}

impl ViaRuntree for &&&&&&Failed<'_, Error> {
    fn error(&self) -> Error {
        self.0.clone()
    }
}

impl<E: StdError> ViaError for &&&&&Failed<'_, E> {
    fn error(&self) -> Error {
        // The error itself may borrow; its sources may not, and so can be looked into.
        let (own, source) = (self.0.to_string(), self.0.source());
        with_sources(own, source)
    }
}

impl<E: AsRef<dyn StdError + Send + Sync>> ViaBoxedSync for &&&&Failed<'_, E> {
    fn error(&self) -> Error {
        from_std(self.0.as_ref())
    }
}

impl<E: AsRef<dyn StdError>> ViaBoxed for &&&Failed<'_, E> {
    fn error(&self) -> Error {
        from_std(self.0.as_ref())
    }
}

impl<E: Display> ViaDisplay for &&Failed<'_, E> {
    fn error(&self) -> Error {
        Error::new(ErrorKind::Other, self.0.to_string())
    }
}

impl<E: Debug> ViaErrorDebug for &Failed<'_, E> {
    fn error(&self) -> Error {
        Error::new(ErrorKind::Other, format!("{:?}", self.0))
    }
}

impl<E> ViaErrorName for Failed<'_, E> {
    fn error(&self) -> Error {
        Error::new(ErrorKind::Other, type_name::<E>())
    }
}

fn from_std(error: &(dyn StdError + 'static)) -> Error {
    match error.downcast_ref::<Error>() {
        Some(own) => own.clone(),
        None => with_sources(error.to_string(), error.source()),
    }
}

/// One error out of a chain: all its texts, and the kind of the first of ours in it.
fn with_sources(mut text: String, mut source: Option<&(dyn StdError + 'static)>) -> Error {
    let mut kind = None;
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        kind = kind.or_else(|| error.downcast_ref::<Error>().map(Error::kind));
        source = error.source();
    }
    Error::new(kind.unwrap_or(ErrorKind::Other), text)
}

/// What a function of the user's makes of a value. It stands between the value and the trace, often to hide
/// something: if it panics, the value is withheld.
pub fn processed<T: Into<Json>>(process: impl FnOnce() -> T) -> Json {
    let withheld = |_| json!({"ls_error": "Processing failed; the value is withheld"});
    catch_unwind(AssertUnwindSafe(|| process().into())).unwrap_or_else(withheld)
}

/// As [`processed`], for a record.
pub fn processed_record<T: Into<Json>>(process: impl FnOnce() -> T) -> Record {
    keyed(processed(process))
}

/// As [`processed`], for the arguments of a function.
pub(super) fn processed_inputs(
    inputs: Map<String, Json>,
    process: impl FnOnce(Map<String, Json>) -> Map<String, Json>,
) -> Map<String, Json> {
    match processed(|| process(inputs)) {
        Json::Object(inputs) => inputs,
        _ => Map::new(),
    }
}
