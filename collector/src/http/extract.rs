//! What handlers ask of a request.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Collector, Problem};
use crate::access::Access;
use crate::ingest::Unread;
use crate::ingest::body::{self, Taken};

/// What the caller's key gives. Where no key was looked at there is none, and the request is refused.
pub(super) struct Caller(pub(super) Access);

impl FromRequestParts<Collector> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Collector) -> Result<Self, Problem> {
        let access = parts.extensions.get::<Access>().cloned();
        access.map(Self).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "a key is needed"))
    }
}

/// The only id in a path.
pub(super) struct Id(pub(super) Uuid);

impl FromRequestParts<Collector> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, collector: &Collector) -> Result<Self, Problem> {
        let Path(text): Path<String> =
            Path::from_request_parts(parts, collector).await.map_err(|_| Problem::invalid("the path has no id"))?;
        id(&text).map(Self)
    }
}

/// What stands in a path for the braces of its route.
pub(super) struct Segments<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Collector> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, collector: &Collector) -> Result<Self, Problem> {
        let Path(segments) = Path::from_request_parts(parts, collector).await.map_err(|_| Problem::missing("path"))?;
        Ok(Self(segments))
    }
}

/// An id in a path or a query.
pub(super) fn id(text: &str) -> Result<Uuid, Problem> {
    crate::ingest::id(text).ok_or_else(|| Problem::invalid("the id is no UUID"))
}

/// A body of JSON.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Collector> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, collector: &Collector) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let caps = collector.options.body.small();
        let taken = body::collect(&parts.headers, body, &caps, &collector.room).await?;
        must_be_json(&parts.headers)?;
        serde_json::from_slice(&taken.body).map(Self).map_err(|error| Unread::json(&error).into())
    }
}

/// A body with runs, and what it says it is.
pub(super) struct Runs {
    pub(super) content_type: String,
    pub(super) body: Bytes,
    /// What the body takes of the room for all bodies, until it is stored.
    pub(super) room: Taken,
}

impl FromRequest<Collector> for Runs {
    type Rejection = Problem;

    async fn from_request(request: Request, collector: &Collector) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let content_type = content_type(&parts.headers)?.to_owned();
        let room = body::collect(&parts.headers, body, &collector.options.body, &collector.room).await?;
        Ok(Self { content_type, body: room.body.clone(), room })
    }
}

/// What a body says it is.
fn content_type(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut told = headers.get_all(CONTENT_TYPE).iter();
    let one = told.next().and_then(|value| value.to_str().ok()).filter(|_| told.next().is_none());
    one.ok_or_else(|| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body does not say what it is"))
}

/// Refuses what does not say that it is JSON: a page of another site cannot say so unasked.
pub(super) fn is_json(content_type: &str) -> Result<(), Problem> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        true => Ok(()),
        false => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")),
    }
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    is_json(content_type(headers)?)
}

/// A query string, whose keys may come more than once.
pub(super) struct Pairs(Vec<(String, String)>);

impl FromRequestParts<Collector> for Pairs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, collector: &Collector) -> Result<Self, Problem> {
        let pairs = Query::from_request_parts(parts, collector).await;
        let Query(pairs) = pairs.map_err(|_| Problem::invalid("the query string is none"))?;
        Ok(Self(pairs))
    }
}

impl Pairs {
    /// The first value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a key; none if there are none.
    pub(super) fn all(&self, key: &str) -> Option<Vec<String>> {
        let all: Vec<String> = self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.clone()).collect();
        Some(all).filter(|all| !all.is_empty())
    }

    /// All ids of a key; none if there are none.
    pub(super) fn ids(&self, key: &str) -> Result<Option<Vec<Uuid>>, Problem> {
        self.all(key).map(|all| all.iter().map(|text| id(text)).collect()).transpose()
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Problem> {
        self.get(key)
            .map(|text| match text {
                "true" | "True" | "1" => Ok(true),
                "false" | "False" | "0" => Ok(false),
                _ => Err(Problem::invalid(format!("{key} is true or false"))),
            })
            .transpose()
    }

    /// A count of at least `least`.
    pub(super) fn count(&self, key: &str, least: usize) -> Result<Option<usize>, Problem> {
        let count = self.get(key).map(|text| text.parse().ok().filter(|count| *count >= least));
        match count {
            Some(None) => Err(Problem::invalid(format!("{key} is a whole number of at least {least}"))),
            Some(count) => Ok(count),
            None => Ok(None),
        }
    }
}
