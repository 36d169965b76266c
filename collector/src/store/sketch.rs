//! Durations by how long they were, about: enough to tell percentiles, in a few bytes, without keeping each duration.
//!
//! Durations fall into buckets, 64 for each doubling, so that the middle of a bucket is within 1 % of all in it. A bucket
//! is found with whole numbers alone: two machines find the same one, and what one counted the other can take away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Buckets for each doubling, and so the width of a bucket below its doubling: one in so many.
const PARTS: u64 = 64;

/// How many durations fall into each bucket.
///
/// Sketches are added by adding their counts, and taken away the same way. What is taken away before it was added is
/// counted below zero, so a sketch may also be a change to another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<u16, i64>")]
pub(super) struct Sketch(BTreeMap<u16, i64>);

impl TryFrom<BTreeMap<u16, i64>> for Sketch {
    type Error = &'static str;

    fn try_from(counts: BTreeMap<u16, i64>) -> Result<Self, Self::Error> {
        let is_none = |(bucket, count): (&u16, &i64)| *bucket > LAST || *count == 0;
        if counts.iter().any(is_none) { Err("no sketch") } else { Ok(Self(counts)) }
    }
}

impl Sketch {
    /// Counts a duration in microseconds so many times. One below zero counts as zero.
    pub(super) fn count(&mut self, duration: i64, times: i64) {
        self.add_to(bucket(u64::try_from(duration).unwrap_or(0)), times);
    }

    /// Adds all that another one counts.
    pub(super) fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(bucket, count)| self.add_to(*bucket, *count));
    }

    fn add_to(&mut self, bucket: u16, times: i64) {
        let count = self.0.entry(bucket).or_default();
        *count = count.wrapping_add(times);
        if *count == 0 {
            self.0.remove(&bucket);
        }
    }

    /// How many durations it counts.
    pub(super) fn total(&self) -> i64 {
        self.0.values().fold(0, |all, count| all.saturating_add((*count).max(0)))
    }

    /// The duration in seconds below which this share of them lies, between the two next to it; within 1 %.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let counted = || self.0.iter().filter(|(_, count)| **count > 0).map(|(bucket, count)| (*bucket, *count));
        let last = self.total().checked_sub(1).filter(|last| *last >= 0)?;
        let at = share * last as f64;
        let mut passed = 0_i64;
        let mut below = None;
        for (bucket, count) in counted() {
            passed = passed.saturating_add(count);
            if below.is_none() && at.floor() < passed as f64 {
                below = Some(middle(bucket));
            }
            if at.ceil() < passed as f64 || passed > last {
                let (above, below) = (middle(bucket), below.unwrap_or_else(|| middle(bucket)));
                return Some((below + (above - below) * at.fract()) / 1e6);
            }
        }
        None
    }
}

/// The bucket of the longest duration there is.
const LAST: u16 = bucket(u64::MAX);

/// The bucket of a duration: itself below two doublings' worth of parts, from there on its first seven bits.
const fn bucket(duration: u64) -> u16 {
    let doublings = (duration | PARTS).ilog2() - PARTS.ilog2();
    (doublings as u64 * PARTS + (duration >> doublings)) as u16
}

/// The middle of a bucket.
fn middle(bucket: u16) -> f64 {
    let doublings = (u64::from(bucket) / PARTS).saturating_sub(1);
    let parts = u64::from(bucket) - doublings * PARTS;
    let width = (1_u64 << doublings) as f64;
    parts as f64 * width + (width - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::buckets;
    use super::*;

    fn sketch(durations: &[i64]) -> Sketch {
        let mut sketch = Sketch::default();
        durations.iter().for_each(|duration| sketch.count(*duration, 1));
        sketch
    }

    fn sum(one: &Sketch, other: &Sketch) -> Sketch {
        let mut sum = one.clone();
        sum.add(other);
        sum
    }

    fn read(bytes: &[u8]) -> Option<Sketch> {
        postcard::from_bytes(bytes).ok()
    }

    /// Durations of every size.
    fn duration() -> impl Strategy<Value = i64> {
        (0..64_u32, any::<i64>()).prop_map(|(shorter, any)| any >> shorter)
    }

    fn durations() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(duration(), 0..60)
    }

    proptest! {
        #[test]
        fn sums_are_the_same_in_any_order(a in durations(), b in durations(), c in durations()) {
            let all = sketch(&[a.clone(), b.clone(), c.clone()].concat());
            let (a, b, c) = (sketch(&a), sketch(&b), sketch(&c));
            prop_assert_eq!(sum(&a, &b), sum(&b, &a));
            prop_assert_eq!(sum(&sum(&a, &b), &c), sum(&a, &sum(&b, &c)));
            prop_assert_eq!(sum(&sum(&a, &b), &c), all);
        }

        #[test]
        fn what_is_taken_away_was_never_there(kept in durations(), gone in durations()) {
            let mut both = sketch(&kept);
            gone.iter().for_each(|duration| both.count(*duration, -1));
            both.add(&sketch(&gone));
            prop_assert_eq!(&both, &sketch(&kept));
            kept.iter().for_each(|duration| both.count(*duration, -1));
            prop_assert_eq!(both, Sketch::default());
        }

        #[test]
        fn quantiles_are_within_a_hundredth(mut all in durations(), share in 0.0..=1.0) {
            let told = sketch(&all).quantile(share);
            all.iter_mut().for_each(|duration| *duration = (*duration).max(0));
            all.sort_unstable();
            let exact = buckets::quantile(&all, share);
            prop_assert_eq!(told.is_some(), exact.is_some());
            if let (Some(told), Some(exact)) = (told, exact) {
                prop_assert!((told - exact).abs() <= 0.01 * exact + 1e-12, "{} is not {}", told, exact);
            }
        }

        #[test]
        fn buckets_are_in_the_order_of_durations(one: u64, other: u64) {
            let (short, long) = (one.min(other), one.max(other));
            prop_assert!(bucket(short) <= bucket(long));
            prop_assert!((middle(bucket(long)) - long as f64).abs() <= 0.01 * long as f64);
        }

        #[test]
        fn bytes_are_read_as_they_were_written(added in durations(), taken in durations()) {
            let mut sketch = sketch(&added);
            taken.iter().for_each(|duration| sketch.count(*duration, -1));
            let written = postcard::to_extend(&sketch, Vec::new()).unwrap();
            prop_assert_eq!(read(&written), Some(sketch));
            for end in 0..written.len() {
                prop_assert_eq!(read(&written[..end]), None);
            }
        }

        #[test]
        fn any_bytes_are_a_sketch_or_none(written: Vec<u8>) {
            if let Some(sketch) = read(&written) {
                let again = postcard::to_extend(&sketch, Vec::new()).unwrap();
                prop_assert_eq!(read(&again), Some(sketch.clone()));
                sketch.quantile(0.99);
            }
        }
    }

    #[test]
    fn short_durations_have_buckets_of_their_own() {
        for duration in 0..128 {
            assert_eq!((bucket(duration), middle(bucket(duration))), (duration as u16, duration as f64));
        }
        assert_eq!((bucket(128), bucket(129), bucket(130)), (128, 128, 129));
        assert_eq!(sketch(&[1_000_000; 90]).quantile(0.5).map(|seconds| (seconds * 100.0).round()), Some(100.0));
    }

    #[test]
    fn what_no_sketch_has_is_damaged() {
        let written = |counts: &[(u16, i64)]| {
            let counts: BTreeMap<u16, i64> = counts.iter().copied().collect();
            postcard::to_extend(&counts, Vec::new()).unwrap()
        };
        assert!(read(&written(&[(3, 1), (LAST, -1)])).is_some());
        assert_eq!(read(&written(&[(LAST + 1, 1)])), None);
        assert_eq!(read(&written(&[(3, 0)])), None);
        // A list that claims to be long.
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f]), None);
    }
}
