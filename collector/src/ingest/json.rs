//! JSON that every reader can read again.

use bytes::Bytes;
use memchr::memchr2;

use crate::limits;

/// The same JSON text, with halves of surrogate pairs that stand alone replaced.
///
/// What it passes on is spliced into answers that hold other runs as well, so what some reader would stumble over is
/// refused: numbers beyond the largest float, and nesting beyond [`limits::NESTING`]. Whether it is JSON at all is not
/// looked at.
pub(super) fn readable(json: Bytes) -> Result<Bytes, String> {
    let text = &json[..];
    let (mut at, mut depth, mut lone) = (0, 0_usize, Vec::new());
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = string(text, at + 1, &mut lone),
            b'{' | b'[' => {
                depth += 1;
                if depth > limits::NESTING {
                    return Err(format!("JSON nested deeper than {} levels", limits::NESTING));
                }
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let end =
                    text[at..].iter().position(|byte| !is_numeric(*byte)).map_or(text.len(), |length| at + length);
                if !is_finite(&text[at..end]) {
                    return Err("a number larger than the largest float".to_owned());
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if lone.is_empty() {
        return Ok(json);
    }
    let mut text = json.to_vec();
    for at in lone {
        text[at..at + 4].copy_from_slice(b"fffd");
    }
    Ok(text.into())
}

fn is_numeric(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

fn is_finite(number: &[u8]) -> bool {
    if number.len() < 300 && !number.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return true;
    }
    let number = std::str::from_utf8(number).ok().and_then(|text| text.parse::<f64>().ok());
    // What is no number is left to the parser to say.
    number.is_none_or(f64::is_finite)
}

/// Where a string ends that begins at `at`. Notes where the digits of lone surrogates are.
fn string(text: &[u8], mut at: usize, lone: &mut Vec<usize>) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        match (surrogate(text, at), surrogate(text, at + 6)) {
            (Some(0xD800..0xDC00), Some(0xDC00..0xE000)) => at += 12,
            (Some(_), _) => {
                lone.push(at + 2);
                at += 6;
            }
            (None, _) => at += 2,
        }
    }
    text.len()
}

/// The surrogate that the escape at `at` is, if it is one.
fn surrogate(text: &[u8], at: usize) -> Option<u32> {
    let escape = text.get(at..at + 6)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xD800..0xE000).contains(code))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(json: &str) -> Result<String, String> {
        readable(Bytes::copy_from_slice(json.as_bytes())).map(|json| String::from_utf8(json.to_vec()).unwrap())
    }

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_and_pairs_stay() {
        let json = r#"{"\udc00":"a\ud800","b":"\ud83d\ude80","c":"\\ud800","d":"\ud800\ud83d\ude80 \uD8"}"#;
        let read = read(json).unwrap();
        assert_eq!(read, r#"{"\ufffd":"a\ufffd","b":"\ud83d\ude80","c":"\\ud800","d":"\ufffd\ud83d\ude80 \uD8"}"#);
    }

    #[test]
    fn what_a_reader_would_stumble_over_is_refused() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read(&deep(limits::NESTING)).is_ok());
        assert!(read(&deep(limits::NESTING + 1)).is_err());
        assert!(read(&"[".repeat(1_000_000)).is_err());
        for number in ["1e999", "[-1E400]", &"9".repeat(100_000)] {
            assert!(read(number).is_err());
        }
        for number in ["1e308", "1e-999", "123456789012345678901234567890", "\"1e999\"", "-0.0"] {
            assert_eq!(read(number).as_deref(), Ok(number));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = readable(bytes.into());
        }

        #[test]
        fn escapes_become_strings_that_parse(escapes in r#"(\\u[dD][89a-fA-F][0-9]{2}|\\\\|\\"|x){0,8}"#) {
            let json = read(&format!("\"{escapes}\"")).unwrap();
            prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
        }
    }
}
