//! Fetches attachments.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use runtree_core::{Error, ErrorKind, Result};

use super::Client;
use crate::langsmith::wire::Run;

/// What was attached to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// What it is, such as `image/png`, if the run or the server says.
    pub mime_type: Option<String>,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Client {
    /// Fetches an attachment of a run; [`Run::attachments`] has the names.
    ///
    /// It may be stored anywhere, so it is asked for without the key.
    ///
    /// # Errors
    /// As [above](Self#errors); [`NotFound`](ErrorKind::NotFound) if the run has no attachment of that name.
    pub async fn attachment(&self, run: &Run, name: &str) -> Result<Attachment> {
        let stored = run.attachment(name).and_then(|stored| Some((stored, stored.presigned_url.as_deref()?)));
        let Some((stored, url)) = stored else {
            return Err(Error::new(ErrorKind::NotFound, format!("run {} has no attachment `{name}`", run.id)));
        };
        let (headers, bytes) = self.foreign(self.absolute(url), format!("attachment `{name}`")).answer().await?;
        let told = || headers.get(CONTENT_TYPE)?.to_str().ok().map(str::to_owned);
        Ok(Attachment { mime_type: stored.mime_type.clone().or_else(told), bytes })
    }

    /// An address without a scheme continues the base, as paths do.
    fn absolute(&self, url: &str) -> String {
        if url.starts_with("http://") || url.starts_with("https://") {
            return url.to_owned();
        }
        format!("{}/{}", self.0.base, url.trim_start_matches('/'))
    }
}
