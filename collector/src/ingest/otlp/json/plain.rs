//! Values that are no messages.

use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde::de::{Deserializer, Error, Visitor};

/// Text, a number, or a truth.
pub(super) enum Plain {
    Truth(bool),
    Whole(i128),
    Float(f64),
    Text(String),
}

impl Plain {
    pub(super) fn text<E: Error>(self) -> Result<String, E> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(E::custom("expected text")),
        }
    }

    pub(super) fn truth<E: Error>(self) -> Result<bool, E> {
        match self {
            Self::Truth(truth) => Ok(truth),
            _ => Err(E::custom("expected true or false")),
        }
    }

    pub(super) fn whole<N: TryFrom<i128>, E: Error>(self) -> Result<N, E> {
        let number = match self {
            Self::Whole(number) => Some(number),
            // Beyond 2^53 a float is not exact, and beyond this it would not fit.
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 1e19 => Some(number as i128),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.and_then(|number| N::try_from(number).ok()).ok_or_else(|| E::custom("expected a whole number that fits"))
    }

    pub(super) fn float<E: Error>(self) -> Result<f64, E> {
        match self {
            Self::Float(number) => Ok(number),
            Self::Whole(number) => Ok(number as f64),
            Self::Text(text) => match text.trim() {
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                text => text.parse().map_err(|_| E::custom("expected a number")),
            },
            Self::Truth(_) => Err(E::custom("expected a number")),
        }
    }

    pub(super) fn bytes<E: Error>(self) -> Result<Vec<u8>, E> {
        base64(&self.text()?).ok_or_else(|| E::custom("bytes that are not in base64"))
    }
}

impl<'de> serde::Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, true or false")
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Plain, E> {
                Ok(Plain::Truth(truth))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Plain, E> {
                Ok(Plain::Whole(number.into()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Plain, E> {
                Ok(Plain::Whole(number.into()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Plain, E> {
                Ok(Plain::Float(number))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Plain, E> {
                Ok(Plain::Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Plain, E> {
                Ok(Plain::Text(text))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Bytes in base64 of either alphabet, with padding or without.
pub(in super::super) fn base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let url_safe = text.contains(['-', '_']);
    let alphabet = if url_safe { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, CONFIG).decode(text).ok()
}
