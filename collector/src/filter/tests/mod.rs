//! Tests of the whole language.

mod agreement;
mod attacks;
mod meaning;
mod plan;
#[cfg(feature = "postgres")]
mod postgres;
mod reading;
mod suite;
mod world;
