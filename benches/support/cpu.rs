//! Clocks of CPU time, which tell more than the clock on the wall when the machine is shared.

#![allow(unreachable_pub, reason = "a module of several benches, and of the package of peers")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this thread.
pub fn of_this_thread() -> Duration {
    read(ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process, those that have ended included.
pub fn of_this_process() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().unwrap()
}

/// The middle one of several samples.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// One measure, as `benches/report` reads it.
pub fn report(measure: &str, value: f64, unit: &str) {
    println!(r#"{{"measure": "{measure}", "value": {value}, "unit": "{unit}"}}"#);
}
