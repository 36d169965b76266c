//! Values that servers write in more than one way.

use runtree_core::RunType;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

/// Null reads as the default.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An object whose nulls read as fields that are missing.
pub(super) fn without_nulls<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let mut map: Map<String, Value> = or_default(deserializer)?;
    map.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(map)).map_err(D::Error::custom)
}

/// A decimal, as a number or as text.
pub(super) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    };
    number.map(Some).ok_or_else(|| D::Error::custom("expected a number, or a number as text"))
}

/// A count, as an integer or as a float.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let whole = || number.as_f64().filter(|float| *float >= 0.0).map(|float| float.round() as u64);
    let count = number.as_u64().or_else(whole);
    count.map(Some).ok_or_else(|| D::Error::custom(format!("expected a count, found {number}")))
}

/// One value, or a list of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Some<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(Option::<Some<T>>::deserialize(deserializer)?.map(|some| match some {
        Some::Many(many) => many,
        Some::One(one) => vec![one],
    }))
}

/// A type of run; one that is not known reads as chain, so that one new word does not hide a whole page.
pub(super) fn run_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RunType, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(RunType::parse(&text.to_lowercase()).unwrap_or_default())
}
