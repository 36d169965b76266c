//! Files that go with runs.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::super::extract::Segments;
use super::super::{Collector, Problem};

/// Bytes of the longest token that is looked for.
const TOKEN: usize = 128;

/// A file is what strangers sent: it is downloaded and never shown, whatever it says it is.
pub(super) async fn download(
    State(collector): State<Collector>,
    Segments(token): Segments<String>,
) -> Result<Response, Problem> {
    let found = match token.len() <= TOKEN {
        true => collector.store.attachment(&token).await?,
        false => None,
    };
    let (file, data) = found.ok_or_else(|| Problem::missing("attachment"))?;
    let kind = HeaderValue::from_str(&file.mime_type);
    let kind = kind.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let mut response = data.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_DISPOSITION, disposition(&file.name));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    Ok(response)
}

/// A name of the plainest sort; what else the name has in it is for readers of the run.
fn disposition(name: &str) -> HeaderValue {
    let plain = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => character,
        _ => '_',
    };
    let name: String = name.chars().map(plain).collect();
    let told = format!("attachment; filename=\"{}\"", name.trim_start_matches('.'));
    HeaderValue::from_str(&told).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_be_more_than_a_name() {
        for (name, told) in [
            ("a.png", "attachment; filename=\"a.png\""),
            ("../../etc/passwd", "attachment; filename=\"_.._etc_passwd\""),
            ("a\"; x=\"é\r\n", "attachment; filename=\"a___x_____\""),
        ] {
            assert_eq!(disposition(name), told);
        }
    }
}
