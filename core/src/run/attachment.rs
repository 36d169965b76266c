//! Files that travel with a run.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

/// A file that travels with a run, beside its inputs and outputs: an image, an audio clip, a document.
///
/// Its bytes are shared, never copied.
///
/// ```
/// use runtree_core::{Attachment, Opening, RunnableConfig};
/// # use std::sync::Arc;
/// # struct Ignore;
/// # impl runtree_core::CallbackHandler for Ignore {}
/// # let config = RunnableConfig::root().with_handler(Arc::new(Ignore));
/// let (_, guard) = config.open(Opening::new("look at a picture"));
/// let run = guard.run().unwrap();
/// run.attach(Attachment::new("picture", "image/png", b"\x89PNG".to_vec()));
/// assert_eq!(run.attachments()[0].mime_type, "image/png");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is called; unique in its run.
    pub name: Cow<'static, str>,
    /// Its media type, such as `image/png`.
    pub mime_type: Cow<'static, str>,
    /// What is in it.
    pub data: Bytes,
}

impl Attachment {
    /// A file of that name and media type.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        mime_type: impl Into<Cow<'static, str>>,
        data: impl Into<Bytes>,
    ) -> Self {
        Self { name: name.into(), mime_type: mime_type.into(), data: data.into() }
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, mime_type, data } = self;
        write!(f, "Attachment({name:?}, {mime_type:?}, {} bytes)", data.len())
    }
}
