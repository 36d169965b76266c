//! What holds for every chain, whatever it is made of: chains, inputs, chunks and moments of interruption are made up
//! at random, from a seed that is always the same.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../support/mod.rs"]
mod support;

mod batches;
mod canonical;
mod expression;
mod pipes;
mod soundness;
mod streams;

use proptest::test_runner::{Config, RngSeed};

/// How the laws are tried: `cases` times, from one seed. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` say otherwise.
fn cases(cases: u32) -> Config {
    let config = Config { failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    Config {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { cases },
        rng_seed: match config.rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_260_304),
            fixed => fixed,
        },
        ..config
    }
}
