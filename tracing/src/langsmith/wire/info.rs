//! What a server says of itself.

use runtree_core::Moment;
use serde::{Deserialize, Serialize};

use super::{lenient, time};

/// What a server says of itself, under `GET /info`. An empty object reads as the default.
///
/// ```
/// use runtree_tracing::langsmith::wire::Info;
///
/// let info: Info = serde_json::from_str(r#"{"version": "0.16.0", "batch_ingest_config": {"size_limit": 10}}"#).unwrap();
/// assert_eq!(info.batch_ingest_config.size_limit, 10);
/// assert_eq!(info.batch_ingest_config.size_limit_bytes, 20_971_520);
/// assert!(!info.instance_flags.zstd_compression_enabled);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Info {
    /// Its version.
    pub version: Option<String>,
    /// When its licence ends.
    #[serde(with = "time::option")]
    pub license_expiration_time: Option<Moment>,
    /// How it wants runs to be sent.
    #[serde(deserialize_with = "lenient::without_nulls")]
    pub batch_ingest_config: BatchIngestConfig,
    /// What it can do.
    #[serde(deserialize_with = "lenient::without_nulls")]
    pub instance_flags: InstanceFlags,
}

/// How a server wants runs to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BatchIngestConfig {
    /// Whether runs may be sent as multipart; else as JSON. True if absent.
    pub use_multipart_endpoint: bool,
    /// The most runs of one request. 100 if absent.
    pub size_limit: usize,
    /// The most bytes of one request, before compression. 20 MiB if absent.
    pub size_limit_bytes: usize,
    /// The length of the queue above which a client starts one more sender. 200 if absent.
    pub scale_up_qsize_trigger: usize,
    /// The most senders of one client. 32 if absent.
    pub scale_up_nthreads_limit: usize,
    /// How often in a row a sender finds nothing before it ends. 4 if absent.
    pub scale_down_nempty_trigger: usize,
}

impl Default for BatchIngestConfig {
    fn default() -> Self {
        Self {
            use_multipart_endpoint: true,
            size_limit: 100,
            size_limit_bytes: 20_971_520,
            scale_up_qsize_trigger: 200,
            scale_up_nthreads_limit: 32,
            scale_down_nempty_trigger: 4,
        }
    }
}

/// What a server can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct InstanceFlags {
    /// Takes bodies compressed with zstd. False if absent.
    pub zstd_compression_enabled: bool,
    /// Takes bodies compressed with gzip. False if absent.
    pub gzip_body_enabled: bool,
    /// Takes examples of datasets as multipart, under the dataset. False if absent.
    pub dataset_examples_multipart_enabled: bool,
    /// Takes examples as multipart. False if absent.
    pub examples_multipart_enabled: bool,
    /// Answers the first version of queries. True if absent.
    pub ch_query_enabled: bool,
    /// Answers the second version of queries. False if absent.
    pub sdb_query_enabled: bool,
}

impl Default for InstanceFlags {
    fn default() -> Self {
        Self {
            zstd_compression_enabled: false,
            gzip_body_enabled: false,
            dataset_examples_multipart_enabled: false,
            examples_multipart_enabled: false,
            ch_query_enabled: true,
            sdb_query_enabled: false,
        }
    }
}
