//! A self-hosted server for traces.
//!
//! Real LangSmith SDKs, runtree's own client and any OpenTelemetry exporter write to it, and the SDKs read back from it.
//! A run is stored durably before its writer is told so, in its place of one trace tree, whatever the order in which its
//! parts arrive.
//!
//! What comes in goes one way: [`http`] takes requests, [`ingest`] turns bodies into [`run::Operation`]s, and the
//! [`store`] merges these into runs. What is asked goes the other: a [`filter`] is read and becomes SQL, rows become the
//! protocol's runs.
#![deny(missing_docs)]

pub mod access;
pub mod filter;
pub mod http;
pub mod ingest;
pub mod limits;
pub mod run;
pub mod store;
