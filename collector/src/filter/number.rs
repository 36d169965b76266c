//! Numbers as filters and stored JSON have them.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

/// A number. Whole ones are exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Without a fraction, as far as 64 bits reach.
    Whole(i64),
    /// Any other; it is finite.
    Real(f64),
}

impl Number {
    /// Reads a number as JSON writes it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let may_begin = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if !may_begin || !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
            return None;
        }
        let real = || text.parse().ok().filter(|real: &f64| real.is_finite()).map(Self::Real);
        text.parse().ok().map(Self::Whole).or_else(real)
    }

    /// The number that a JSON value is.
    pub(super) fn of(value: &Value) -> Option<Self> {
        value.as_i64().map(Self::Whole).or_else(|| value.as_f64().map(Self::Real))
    }

    /// As a float; large whole numbers lose their last digits.
    pub(super) fn as_real(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }

    /// Which is greater, by their exact values, as databases compare them.
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Some(one.cmp(&other)),
            (Self::Real(one), Self::Real(other)) => one.partial_cmp(&other),
            (Self::Whole(whole), Self::Real(real)) => mixed(whole, real),
            (Self::Real(real), Self::Whole(whole)) => mixed(whole, real).map(Ordering::reverse),
        }
    }
}

fn mixed(whole: i64, real: f64) -> Option<Ordering> {
    // 2⁶³ and what is beyond are greater than all whole numbers, so they need no exact look.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if real.is_nan() {
        return None;
    }
    if real >= BEYOND {
        return Some(Ordering::Less);
    }
    if real < -BEYOND {
        return Some(Ordering::Greater);
    }
    let cut = real.trunc();
    Some(whole.cmp(&(cut as i64)).then(cut.total_cmp(&real)))
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => whole.fmt(f),
            // As JSON has it, so that a text is the same wherever it was written.
            Self::Real(real) => Value::from(*real).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_real_compare_by_what_they_are() {
        let order = |one, other| Number::read(one).unwrap().order(Number::read(other).unwrap());
        for (one, other, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("1", "1.5", Ordering::Less),
            ("-1", "-1.5", Ordering::Greater),
            ("0", "-0.0", Ordering::Equal),
            ("9223372036854775807", "9223372036854775808", Ordering::Less),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("-9223372036854775808", "-9223372036854775808.0", Ordering::Equal),
            ("-9223372036854775808", "-1e300", Ordering::Greater),
        ] {
            assert_eq!(order(one, other), Some(expected), "{one} {other}");
            assert_eq!(order(other, one), Some(expected.reverse()), "{other} {one}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", "1e", "--1", "inf", "NaN", "1e400", " 1", "+1", "0x10", "1_000", "1-2"] {
            assert_eq!(Number::read(text), None, "{text}");
        }
    }
}
