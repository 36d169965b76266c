//! Shows runs to whoever has a link.

use reqwest::Method;
use runtree_core::Result;
use uuid::Uuid;

use super::Client;
use crate::langsmith::wire::{Run, Share};

impl Client {
    /// Shares a run's trace: who has the token can read it. A run that is shared already keeps its token.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn share_run(&self, id: Uuid) -> Result<Share> {
        let wanted = Share::new(id, Uuid::new_v4().to_string());
        self.request(Method::PUT, format!("/runs/{id}/share")).json(&wanted).read().await
    }

    /// Stops sharing a run.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn unshare_run(&self, id: Uuid) -> Result<()> {
        self.request(Method::DELETE, format!("/runs/{id}/share")).done().await
    }

    /// Under which token a run is shared, if it is.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn read_share(&self, id: Uuid) -> Result<Option<Share>> {
        self.get(format!("/runs/{id}/share")).read().await
    }

    /// The address of the public page of a run, if it is shared.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn shared_url(&self, id: Uuid) -> Result<Option<String>> {
        Ok(self.read_share(id).await?.map(|share| self.public_url(&share)))
    }

    /// The run shared under a token.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn read_shared_run(&self, token: Uuid) -> Result<Run> {
        self.get(format!("/public/{token}/run")).read().await
    }
}
