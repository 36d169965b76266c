//! Which traces are kept, when not all are.
//!
//! A trace is kept or not as a whole, and its id alone decides: every process that works on a trace, in whatever
//! language its LangSmith SDK is written, comes to the same answer without asking the others.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

/// How finely ids are told apart: a rate counts in millionths.
const BUCKETS: u32 = 1_000_000;

/// The share of traces that are kept: a number from 0 (none) to 1 (all).
///
/// ```
/// use runtree_tracing::sampling::SamplingRate;
/// use uuid::Uuid;
///
/// let tenth: SamplingRate = "0.1".parse()?;
/// let trace: Uuid = "01a20306-6200-7d6c-9944-b34d2c0333e3".parse()?;
/// assert!(tenth.keeps(trace), "this trace is in every tenth of all traces, in every process");
///
/// assert!(SamplingRate::new(1.5).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Monotony
///
/// What a low rate keeps, a higher one keeps too: services that sample at different rates still agree on the traces
/// that the most sparing of them keeps.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SamplingRate(f64);

impl SamplingRate {
    /// Keeps every trace.
    pub const ALL: Self = Self(1.0);
    /// Keeps no trace.
    pub const NONE: Self = Self(0.0);

    /// The rate of that share.
    ///
    /// # Errors
    ///
    /// [`NotARate`] if `share` is not a number from 0 to 1.
    pub fn new(share: f64) -> Result<Self, NotARate> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(NotARate(())) }
    }

    /// The share as a number from 0 to 1.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Whether the trace of that id is kept, with all its runs and feedback. Looks at nothing but the id, and
    /// allocates nothing.
    pub fn keeps(&self, trace_id: Uuid) -> bool {
        if self.0 >= 1.0 {
            return true;
        }
        let mut text = Uuid::encode_buffer();
        let text = trace_id.hyphenated().encode_lower(&mut text);
        // Below a million, and so exact as a float of any width.
        let bucket = (xxh3_128(text.as_bytes()) % u128::from(BUCKETS)) as f64;
        bucket / f64::from(BUCKETS) < self.0
    }
}

/// Keeps every trace.
impl Default for SamplingRate {
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<f64> for SamplingRate {
    type Error = NotARate;
    fn try_from(share: f64) -> Result<Self, NotARate> {
        Self::new(share)
    }
}

impl FromStr for SamplingRate {
    type Err = NotARate;
    fn from_str(text: &str) -> Result<Self, NotARate> {
        Self::new(text.trim().parse().map_err(|_| NotARate(()))?)
    }
}

impl fmt::Display for SamplingRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What was given is not a number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARate(());

impl fmt::Display for NotARate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sampling rate is a number from 0 to 1")
    }
}

impl std::error::Error for NotARate {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_numbers_from_0_to_1_are_rates() {
        for bad in ["", "x", "NaN", "inf", "-0.1", "1.0001", "1e9"] {
            assert_eq!(bad.parse::<SamplingRate>(), Err(NotARate(())), "{bad}");
        }
        for good in ["0", " 1 ", "0.25", "1e-3", "-0"] {
            assert!(good.parse::<SamplingRate>().is_ok(), "{good}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_higher_rate_keeps_what_a_lower_one_does(id: u128, a in 0.0..=1.0, b in 0.0..=1.0_f64) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let kept = |rate| SamplingRate(rate).keeps(Uuid::from_u128(id));
            prop_assert!(!kept(low) || kept(high));
            prop_assert!(kept(1.0) && !kept(0.0));
        }
    }

    #[test]
    fn about_so_many_are_kept_as_the_rate_says() {
        let kept = (0..10_000_u128).filter(|n| SamplingRate(0.3).keeps(Uuid::from_u128(n * 0x9e37_79b9))).count();
        assert!((2_800..3_200).contains(&kept), "{kept}");
    }
}
