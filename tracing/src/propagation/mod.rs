//! A trace across processes.
