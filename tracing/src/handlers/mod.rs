//! Who hears of runs.
