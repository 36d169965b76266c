//! Nothing here: this package is its benches.
