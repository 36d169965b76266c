//! A run is shown to others, or no more.

use axum::Json;
use axum::extract::State;
use runtree_tracing::langsmith::wire::Share;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::extract::{Caller, Id, Sent};
use super::super::{Collector, Problem};

#[derive(serde::Deserialize)]
pub(super) struct Wish {
    #[serde(default)]
    share_token: Option<Uuid>,
}

pub(super) async fn share(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(run): Id,
    Sent(wish): Sent<Wish>,
) -> Result<Json<Share>, Problem> {
    // A token that a caller brings is as good as one of ours only if it was drawn at random.
    let token = wish.share_token.filter(|token| token.get_version_num() == 4).unwrap_or_else(Uuid::new_v4);
    let token = collector.store.share(&access, run, &token.to_string()).await?;
    token.map(|token| Json(Share::new(run, token))).ok_or_else(|| Problem::missing("run"))
}

pub(super) async fn read(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(run): Id,
) -> Result<Json<Option<Share>>, Problem> {
    let token = collector.store.shared(&access, run).await?;
    Ok(Json(token.map(|token| Share::new(run, token))))
}

pub(super) async fn unshare(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(run): Id,
) -> Result<Json<Value>, Problem> {
    let was_shared = collector.store.unshare(&access, run).await?;
    Ok(Json(json!({"message": if was_shared { "not shared any more" } else { "was not shared" }})))
}
