//! The parts of a multipart body.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::{memchr_iter, memchr2, memmem};

use super::Unread;
use crate::limits;

/// Bytes of the head of a part.
const HEAD: usize = 8 << 10;
/// Header lines of a part.
const LINES: usize = 32;

/// A part: what its head says, and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// Its name.
    pub(super) name: Cow<'a, str>,
    /// What it says it is; empty if it does not say.
    pub(super) mime_type: &'a str,
    /// What is in it.
    pub(super) content: Bytes,
}

/// The boundary that a `Content-Type` names.
pub(super) fn boundary(content_type: &str) -> Result<Cow<'_, str>, Unread> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(Unread::Unsupported("runs come as multipart/form-data here".to_owned()));
    }
    let boundary = parameter(content_type, "boundary").and_then(Result::ok);
    let boundary = boundary.ok_or_else(|| malformed("multipart without a boundary"))?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    match (1..=70).contains(&boundary.len()) && boundary.bytes().all(fits) && !boundary.ends_with(' ') {
        true => Ok(boundary),
        false => Err(malformed("the multipart boundary is none")),
    }
}

/// All parts of a body, which must be closed by its last boundary.
///
/// Where a part ends is told by the boundary alone; lengths that a part tells of itself are not believed.
pub(super) fn split<'a>(body: &'a Bytes, boundary: &str) -> Result<Vec<Part<'a>>, Unread> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(delimiter.as_bytes());
    let text = body.strip_prefix(b"\r\n").unwrap_or(body);
    let first = text.strip_prefix(&delimiter.as_bytes()[2..]);
    let first = first.ok_or_else(|| malformed("the multipart body does not begin with its boundary"))?;
    let mut at = body.len() - first.len();
    let mut parts = Vec::new();
    loop {
        at = match after_delimiter(&body[at..]) {
            Some(After::Part(skipped)) => at + skipped,
            Some(After::End(skipped)) => {
                let rest = body[at + skipped..].trim_ascii();
                return if rest.is_empty() { Ok(parts) } else { Err(malformed("something follows the last part")) };
            }
            None => return Err(malformed("a multipart boundary is not ended by a line break")),
        };
        if parts.len() == limits::PARTS {
            return Err(Unread::TooLarge(format!("more than {} parts", limits::PARTS)));
        }
        let (name, mime_type, length) = head(&body[at..])?;
        at += length;
        let end = ending(&body[at..], &finder).ok_or_else(|| malformed("the multipart body is cut off"))?;
        parts.push(Part { name, mime_type, content: body.slice(at..at + end) });
        at += end + delimiter.len();
    }
}

/// What comes after a boundary: a part, or the end of all. With the bytes that say so.
enum After {
    Part(usize),
    End(usize),
}

fn after_delimiter(text: &[u8]) -> Option<After> {
    if text.starts_with(b"--") {
        return Some(After::End(2));
    }
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    text[blanks..].starts_with(b"\r\n").then_some(After::Part(blanks + 2))
}

/// Where a content ends: at the first boundary that is one, not only begins like one.
fn ending(text: &[u8], finder: &memmem::Finder<'_>) -> Option<usize> {
    // The line break before a boundary may be the one that ends the head.
    let early = &finder.needle()[2..];
    if text.starts_with(early) && after_delimiter(&text[early.len()..]).is_some() {
        return None;
    }
    finder.find_iter(text).find(|at| after_delimiter(&text[at + finder.needle().len()..]).is_some())
}

/// The name and the type that a head tells, and its length.
fn head(text: &[u8]) -> Result<(Cow<'_, str>, &str, usize), Unread> {
    let window = &text[..text.len().min(HEAD)];
    let Some(end) = memmem::find(window, b"\r\n\r\n") else {
        return Err(malformed("the head of a part is cut off or too long"));
    };
    let head = std::str::from_utf8(&window[..end]).map_err(|_| malformed("the head of a part is not UTF-8"))?;
    let (mut name, mut mime_type) = (None, None);
    for (number, line) in lines(head).enumerate() {
        if number == LINES {
            return Err(malformed("the head of a part has too many lines"));
        }
        let (key, value) =
            line.split_once(':').ok_or_else(|| malformed("a line in the head of a part is no header"))?;
        let known = match key {
            _ if key.eq_ignore_ascii_case("content-disposition") => {
                let told = parameter(value, "name").and_then(Result::ok);
                name.replace(told.ok_or_else(|| malformed("a part without a name"))?)
            }
            _ if key.eq_ignore_ascii_case("content-type") => {
                mime_type.replace(value.split(';').next().unwrap_or_default().trim()).map(Cow::Borrowed)
            }
            _ => None,
        };
        if known.is_some() {
            return Err(malformed("a part says twice what it is"));
        }
    }
    Ok((name.ok_or_else(|| malformed("a part without a name"))?, mime_type.unwrap_or_default(), end + 4))
}

/// The lines of a head, without the `\r\n` between them.
fn lines(head: &str) -> impl Iterator<Item = &str> {
    let breaks = memchr_iter(b'\n', head.as_bytes()).filter(|at| head[..*at].ends_with('\r'));
    let mut from = 0;
    breaks.map(Some).chain([None]).map(move |at| {
        let line = at.map_or(&head[from..], |at| &head[from..at - 1]);
        from = at.map_or(from, |at| at + 1);
        line
    })
}

/// A parameter of a header's value, such as `name` in `form-data; name="a"`. `Err` if there are two of it.
fn parameter<'a>(value: &'a str, wanted: &str) -> Option<Result<Cow<'a, str>, ()>> {
    let mut rest = value.split_once(';')?.1;
    let mut found = None;
    loop {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_start_matches([';', ' ', '\t']).trim_end();
        let (text, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().into(), &after[end..])
            }
        };
        if key.eq_ignore_ascii_case(wanted) && found.replace(text).is_some() {
            return Some(Err(()));
        }
        rest = after;
        if rest.trim_matches([';', ' ', '\t']).is_empty() {
            return found.map(Ok);
        }
    }
}

/// The text up to the closing quote, and what follows.
fn unquoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut plain = Cow::Borrowed("");
    let mut rest = text;
    loop {
        let at = memchr2(b'"', b'\\', rest.as_bytes())?;
        plain += &rest[..at];
        let escaped = rest[at..].strip_prefix('\\');
        let Some(escaped) = escaped else { return Some((plain, &rest[at + 1..])) };
        let length = escaped.chars().next()?.len_utf8();
        plain += &escaped[..length];
        rest = &escaped[length..];
    }
}

fn malformed(reason: &str) -> Unread {
    Unread::Malformed(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn of(body: &str) -> Result<Vec<(String, String)>, Unread> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let parts = split(&body, "b")?;
        Ok(parts
            .into_iter()
            .map(|part| (part.name.into_owned(), String::from_utf8(part.content.to_vec()).unwrap()))
            .collect())
    }

    const NAMED: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";

    #[test]
    fn a_boundary_ends_a_part_and_its_like_does_not() {
        let body = format!("--b\r\n{NAMED}x\r\n--bb\r\ny\r\n--b\r\n{NAMED}\r\n--b--\r\n");
        let parts = of(&body).unwrap();
        assert_eq!(parts, [("a".to_owned(), "x\r\n--bb\r\ny".to_owned()), ("a".to_owned(), String::new())]);
        assert_eq!(of("--b--\r\n"), Ok(vec![]));
    }

    #[test]
    fn lengths_that_a_part_tells_are_not_believed() {
        let body = format!("--b\r\nContent-Length: 99999\r\nContent-Type: text/plain; length=0\r\n{NAMED}x\r\n--b--");
        assert_eq!(of(&body), Ok(vec![("a".to_owned(), "x".to_owned())]));
    }

    #[test]
    fn cut_off_anywhere_it_is_refused() {
        let body = format!("--b\r\n{NAMED}x\r\n--b\r\n{NAMED}y\r\n--b--");
        assert!(of(&body).is_ok());
        for end in 0..body.len() {
            assert!(of(&body[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn heads_that_are_none_are_refused() {
        let long = format!("X: {}\r\n{NAMED}", "x".repeat(HEAD));
        let many = format!("{}{NAMED}", "X: y\r\n".repeat(LINES));
        let twice = format!("Content-Disposition: form-data; name=b\r\n{NAMED}");
        for head in [
            "\r\n\r\n",
            "Content-Type: a/b\r\n\r\n",
            "Content-Disposition: form-data\r\n\r\n",
            "Content-Disposition: form-data; name=\"a\r\n\r\n",
            "Content-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n",
            "no header\r\n\r\n",
            &long,
            &many,
            &twice,
        ] {
            assert!(of(&format!("--b\r\n{head}x\r\n--b--")).is_err(), "{head:.60}");
        }
    }

    #[test]
    fn names_are_read_with_and_without_escapes() {
        for (told, read) in [
            ("\"a.b\"", "a.b"),
            ("a.b; filename=c", "a.b"),
            (r#""a\"b\\c\é\\""#, r#"a"b\cé\"#),
            (r#""\\"; filename="c""#, r"\"),
        ] {
            let body = format!("--b\r\nContent-Disposition: form-data; name={told}\r\n\r\nx\r\n--b--");
            assert_eq!(of(&body), Ok(vec![(read.to_owned(), "x".to_owned())]), "{told}");
        }
    }

    #[test]
    fn boundaries_are_read_with_and_without_quotes() {
        for (text, read) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=x; boundary=\"a b-c\"", Some("a b-c")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=\"a\r\nb\"", None),
            ("multipart/form-data; boundary=\"abc", None),
            ("multipart/form-data; boundary=a; boundary=b", None),
            ("application/json; boundary=a", None),
        ] {
            assert_eq!(boundary(text).ok().as_deref(), read, "{text}");
        }
        assert!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))).is_err());
    }

    proptest! {
        #[test]
        fn any_content_comes_back(contents in vec(vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(b'-')], 0..40), 0..4)) {
            let mut body = Vec::new();
            for content in &contents {
                body.extend_from_slice(format!("--long-enough\r\n{NAMED}").as_bytes());
                body.extend_from_slice(content);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"--long-enough--\r\n");
            let body = Bytes::from(body);
            let parts = split(&body, "long-enough").unwrap();
            prop_assert_eq!(parts.iter().map(|part| part.content.to_vec()).collect::<Vec<_>>(), contents);
        }

        #[test]
        fn no_bytes_make_it_panic(text in "(--b|\r\n|-|:|\"|name=|Content-Disposition: |a|;){0,20}") {
            let _ = of(&text);
            let _ = boundary(&text);
        }
    }
}
