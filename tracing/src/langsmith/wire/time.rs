//! Times as they stand in JSON.

use std::fmt;

use runtree_core::Moment;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Reads ISO 8601 with `Z`, an offset or neither, which is UTC. What is finer than a microsecond is cut off.
pub(super) fn parse(text: &str) -> Option<Moment> {
    let text = text.trim();
    let utc = text.strip_suffix(['Z', 'z']);
    let (date, time) = utc.unwrap_or(text).split_once(['T', 't', ' '])?;
    let (time, offset) = match time.find(['+', '-']) {
        Some(at) if utc.is_none() => (time[..at].trim_end(), offset(&time[at..])?),
        Some(_) => return None,
        None => (time, 0),
    };
    let (clock, fraction) = time.split_once(['.', ',']).unwrap_or((time, ""));
    let fraction = fraction.get(..6).unwrap_or(fraction);
    let dotted = format!("{}T{}{fraction}Z", date.replace('-', ""), clock.replace(':', ""));
    let local = i128::from(Moment::from_dotted(&dotted)?.as_micros());
    u64::try_from(local - i128::from(offset)).ok().and_then(within_years)
}

/// A time that has a text: none after the year 9999 could be read back.
fn within_years(micros: u64) -> Option<Moment> {
    const END: u64 = 253_402_300_800_000_000;
    (micros < END).then(|| Moment::from_micros(micros))
}

/// The microseconds that `+02:00`, `-0530` or `+02` is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    let digits = text.get(1..)?.replace(':', "");
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(2);
    let hours: i64 = hours.parse().ok()?;
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    let micros = (hours * 60 + minutes) * 60_000_000;
    Some(if text.starts_with('-') { -micros } else { micros })
}

struct Time;

impl Visitor<'_> for Time {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time since 1970, as ISO 8601 or in milliseconds")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: Error>(self, millis: u64) -> Result<Moment, E> {
        let moment = millis.checked_mul(1000).and_then(within_years);
        moment.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(millis), &self))
    }

    fn visit_f64<E: Error>(self, millis: f64) -> Result<Moment, E> {
        let micros = (millis * 1000.0).round();
        // Up to here every whole number has a float of its own, and it is in the year 2255.
        if !(0.0..9_007_199_254_740_992.0).contains(&micros) {
            return Err(E::invalid_value(serde::de::Unexpected::Float(millis), &self));
        }
        Ok(Moment::from_micros(micros as u64))
    }
}

pub(super) fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

/// Reads a time since 1970: ISO 8601 with `Z`, an offset or neither (then UTC), or milliseconds.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
    deserializer.deserialize_any(Time)
}

/// The same for a time that may be missing or null.
pub(super) mod option {
    use runtree_core::Moment;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        moment: &Option<Moment>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.collect_str(moment),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Moment>, D::Error> {
        #[derive(Deserialize)]
        struct Some(#[serde(deserialize_with = "super::deserialize")] Moment);
        Ok(Option::<Some>::deserialize(deserializer)?.map(|Some(moment)| moment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_one_time_reads_alike() {
        let time = Moment::from_micros(1_772_600_767_120_000);
        for text in [
            "2026-03-04T05:06:07.12Z",
            "2026-03-04T05:06:07.120000",
            "2026-03-04 05:06:07.120000+00:00",
            "2026-03-04T05:06:07.120000999Z",
            "2026-03-04T07:06:07.12+02:00",
            "2026-03-03T23:36:07.12-0530",
            "2026-03-04T06:06:07.12+01",
            "20260304T050607120000Z",
        ] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        for (json, micros) in [("1772600767120", 120_000), ("1772600767120.5", 120_500)] {
            let read = deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap();
            assert_eq!(read.as_micros() % 1_000_000, micros);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-13-04T05:06:07Z",
            "2026-03-04",
            "2026-03-04T05:06:07+2",
            "1970-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        for json in ["-1", "1e300", "true", "18446744073709551615", "253402300800000"] {
            assert!(deserialize(&mut serde_json::Deserializer::from_str(json)).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(micros in 0..253_402_300_800_000_000_u64) {
            let moment = Moment::from_micros(micros);
            prop_assert_eq!(parse(&moment.to_string()), Some(moment));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
