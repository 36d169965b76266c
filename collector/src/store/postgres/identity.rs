//! What a store is called by: the id of its only tenant, made once. It tells when, as a version 7 id does.

use uuid::Uuid;

use super::super::StoreError;
use super::connections::{View, row};
use super::failure::Result;

/// The id of the store's tenant.
pub(super) async fn tenant(view: &View<'_>) -> Result<Uuid> {
    let id = row(view, "SELECT value FROM facts WHERE name = 'tenant'", &[]).await?;
    let id = id.and_then(|row| Uuid::try_parse(row.get(0)).ok());
    Ok(id.ok_or_else(|| StoreError::Damaged("the store's id is missing".to_owned()))?)
}
