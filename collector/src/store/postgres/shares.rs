//! Traces that are shown to whoever has a link.

use uuid::Uuid;

use super::connections::{View, execute, row};
use super::failure::Result;
use super::read;
use crate::access::Access;
use crate::filter::postgres::without_nul;

/// Shares a run under a token, or says under which it is shared. `None` if there is no such run.
pub(super) async fn share(view: &View<'_>, access: &Access, run: Uuid, token: &str) -> Result<Option<String>> {
    if !read::is_there(view, access, run).await? {
        return Ok(None);
    }
    let sql = "INSERT INTO shares (run, token) VALUES ($1, $2) ON CONFLICT (run) DO NOTHING";
    execute(view, sql, &[&run, &token]).await?;
    token_of(view, run).await
}

/// The token under which a run is shared.
pub(super) async fn token_of(view: &View<'_>, run: Uuid) -> Result<Option<String>> {
    Ok(row(view, "SELECT token FROM shares WHERE run = $1", &[&run]).await?.map(|row| row.get(0)))
}

/// The token under which a run is shared, for this caller.
pub(super) async fn shared(view: &View<'_>, access: &Access, run: Uuid) -> Result<Option<String>> {
    if read::is_there(view, access, run).await? { token_of(view, run).await } else { Ok(None) }
}

/// Ends sharing.
pub(super) async fn unshare(view: &View<'_>, access: &Access, run: Uuid) -> Result<bool> {
    if !read::is_there(view, access, run).await? {
        return Ok(false);
    }
    Ok(execute(view, "DELETE FROM shares WHERE run = $1", &[&run]).await? > 0)
}

/// The run that is shared under a token.
pub(super) async fn run_of(view: &View<'_>, token: &str) -> Result<Option<Uuid>> {
    Ok(row(view, "SELECT run FROM shares WHERE token = $1", &[&without_nul(token)]).await?.map(|row| row.get(0)))
}
