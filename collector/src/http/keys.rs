//! Who may do what.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

use super::{Collector, Problem};
use crate::access::Access;
use crate::store::{Store, StoreError};

/// What keys give.
#[async_trait]
pub trait Keys: Send + Sync + fmt::Debug {
    /// What the key gives; none if it is not known. Who sends no key sends an empty one.
    ///
    /// # Errors
    ///
    /// If the keys cannot be read now.
    async fn access(&self, key: &str) -> Result<Option<Access>, StoreError>;

    /// Whether everybody may do everything. Such a collector listens on loopback only.
    ///
    /// # Errors
    ///
    /// If the keys cannot be read now.
    async fn is_open(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Hears that the keys of the store have changed.
    fn forget(&self) {}
}

/// What is stored of a key.
pub(crate) fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// Everybody may do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeys;

#[async_trait]
impl Keys for NoKeys {
    async fn access(&self, _: &str) -> Result<Option<Access>, StoreError> {
        Ok(Some(Access::full()))
    }

    async fn is_open(&self) -> Result<bool, StoreError> {
        Ok(true)
    }
}

/// A few keys, of which only their hashes are held.
#[derive(Clone, Default)]
pub struct KeyRing(Vec<([u8; 32], Access)>);

impl KeyRing {
    /// The same, with a key and what it gives. An empty key is none.
    #[must_use]
    pub fn with(mut self, key: &str, access: Access) -> Self {
        if !key.is_empty() {
            self.0.push((hash(key), access));
        }
        self
    }
}

impl KeyRing {
    fn known(&self, hash: &[u8; 32]) -> Option<Access> {
        // All are compared, and each to its end, so that the time it takes tells nothing.
        let mut found = None;
        for (known, access) in &self.0 {
            let differs = known.iter().zip(hash).fold(0, |differs, (one, other)| differs | (one ^ other));
            if std::hint::black_box(differs) == 0 {
                found = Some(access);
            }
        }
        found.cloned()
    }
}

#[async_trait]
impl Keys for KeyRing {
    async fn access(&self, key: &str) -> Result<Option<Access>, StoreError> {
        Ok(self.known(&hash(key)))
    }
}

/// The keys of a store, and a few that are known without it. Without any, everybody may do everything.
#[derive(Debug)]
pub struct StoredKeys {
    store: Arc<dyn Store>,
    known: KeyRing,
    looked_up: Mutex<LookedUp>,
}

/// What the store said lately.
#[derive(Debug, Default)]
struct LookedUp {
    is_open: Option<(Instant, bool)>,
    keys: HashMap<[u8; 32], (Instant, Option<Access>)>,
}

impl StoredKeys {
    /// How long the store is believed. Another collector on the same store may take a key back meanwhile.
    const BELIEVED: Duration = Duration::from_secs(1);
    /// Keys that are remembered at once.
    const REMEMBERED: usize = 1_024;

    /// The keys of this store, and these.
    pub fn of(store: Arc<dyn Store>, known: KeyRing) -> Self {
        Self { store, known, looked_up: Mutex::default() }
    }

    fn looked_up(&self) -> MutexGuard<'_, LookedUp> {
        self.looked_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Keys for StoredKeys {
    async fn access(&self, key: &str) -> Result<Option<Access>, StoreError> {
        if self.is_open().await? {
            return Ok(Some(Access::full()));
        }
        let hash = hash(key);
        if let Some(access) = self.known.known(&hash) {
            return Ok(Some(access));
        }
        if let Some((when, access)) = self.looked_up().keys.get(&hash)
            && when.elapsed() < Self::BELIEVED
        {
            return Ok(access.clone());
        }
        let access = self.store.access(hash).await?;
        let mut looked_up = self.looked_up();
        if looked_up.keys.len() >= Self::REMEMBERED {
            looked_up.keys.clear();
        }
        looked_up.keys.insert(hash, (Instant::now(), access.clone()));
        Ok(access)
    }

    async fn is_open(&self) -> Result<bool, StoreError> {
        if !self.known.0.is_empty() {
            return Ok(false);
        }
        let lately = self.looked_up().is_open.filter(|(when, _)| when.elapsed() < Self::BELIEVED);
        if let Some((_, is_open)) = lately {
            return Ok(is_open);
        }
        let is_open = self.store.keys().await?.is_empty();
        self.looked_up().is_open = Some((Instant::now(), is_open));
        Ok(is_open)
    }

    fn forget(&self) {
        *self.looked_up() = LookedUp::default();
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

/// What a route needs of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing: it is open to all, or what is in its path is the key.
    Nothing,
    /// To read runs.
    Reads,
    /// To write runs.
    Writes,
    /// To manage projects and to show runs to others.
    Manages,
}

impl Right {
    /// As what it gives is told.
    fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Reads => "read",
            Self::Writes => "write",
            Self::Manages => "manage",
        }
    }

    fn is_in(self, access: &Access) -> bool {
        match self {
            Self::Nothing => true,
            Self::Reads => access.reads,
            Self::Writes => access.writes,
            Self::Manages => access.manages,
        }
    }
}

/// Lets a request pass if its key gives the right that its route needs, and notes what else the key gives.
pub(super) async fn admit(
    State((collector, right)): State<(Collector, Right)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if right == Right::Nothing {
        return Ok(next.run(request).await);
    }
    let access = match sent(request.headers()) {
        Some(key) => collector.keys.access(key).await?,
        None => None,
    };
    let Some(access) = access else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "a key is needed, in the header x-api-key, and this is none",
        ));
    };
    if !right.is_in(&access) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!("the key does not give the right to {}", right.as_str()),
        ));
    }
    request.extensions_mut().insert(access);
    Ok(next.run(request).await)
}

/// The key that a request sends; none if it sends several, or what is no text.
fn sent(headers: &HeaderMap) -> Option<&str> {
    let mut keys = headers.get_all("x-api-key").iter();
    if let Some(key) = keys.next() {
        return key.to_str().ok().filter(|_| keys.next().is_none()).map(str::trim);
    }
    let mut bearers = headers.get_all(AUTHORIZATION).iter();
    let Some(bearer) = bearers.next() else { return Some("") };
    let (scheme, key) = bearer.to_str().ok().filter(|_| bearers.next().is_none())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn only_the_very_key_is_known() {
        let keys = KeyRing::default().with("secret-key", Access::full()).with("", Access::full());
        assert_eq!(keys.access("secret-key").await.unwrap(), Some(Access::full()));
        for key in ["", "secret-ke", "secret-key2", "Secret-key", "secret-key ", "x"] {
            assert_eq!(keys.access(key).await.unwrap(), None, "{key}");
        }
        assert!(!format!("{keys:?}").contains("secret"));
    }

    #[test]
    fn a_key_comes_in_one_of_two_headers_and_once() {
        let of = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            headers.iter().for_each(|(name, value)| {
                map.append(*name, HeaderValue::from_static(value));
            });
            sent(&map).map(str::to_owned)
        };
        assert_eq!(of(&[]).as_deref(), Some(""));
        assert_eq!(of(&[("x-api-key", "k")]).as_deref(), Some("k"));
        assert_eq!(of(&[("authorization", "bearer k")]).as_deref(), Some("k"));
        assert_eq!(of(&[("authorization", "Basic k")]), None);
        assert_eq!(of(&[("x-api-key", "k"), ("x-api-key", "l")]), None);
    }
}
