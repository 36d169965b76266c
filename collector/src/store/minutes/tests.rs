//! Counting runs and counting them no longer.

use proptest::prelude::*;

use super::*;

/// A number of any size.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![(0..64_u32, any::<i64>()).prop_map(|(shorter, any)| any >> shorter), Just(i64::MAX), Just(i64::MIN)]
}

fn cost() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), (0.0..1e-3).prop_map(Some), any::<f64>().prop_map(Some)]
}

fn run() -> impl Strategy<Value = Counted> {
    let some = || prop::option::of(number());
    let times = (0..2_i64, prop_oneof![0..3 * MINUTE, number()], some(), some());
    (times, any::<(bool, bool)>(), (some(), some(), some()), (cost(), cost(), cost())).prop_map(
        |((project, start, end, first_token), (is_root, is_failed), tokens, costs)| Counted {
            project,
            start,
            is_root,
            is_failed,
            end,
            first_token,
            prompt_tokens: tokens.0,
            completion_tokens: tokens.1,
            total_tokens: tokens.2,
            prompt_cost: costs.0,
            completion_cost: costs.1,
            total_cost: costs.2,
        },
    )
}

fn counted(runs: &[Counted]) -> Vec<(Key, Sums)> {
    let mut minutes = Minutes::default();
    runs.iter().for_each(|run| minutes.add(run));
    minutes.changes().collect()
}

proptest! {
    #[test]
    fn runs_that_leave_were_never_there(kept in prop::collection::vec(run(), 0..20), gone in prop::collection::vec(run(), 0..20)) {
        let (mut minutes, mut others) = (Minutes::default(), Minutes::default());
        gone.iter().for_each(|run| minutes.add(run));
        kept.iter().for_each(|run| others.add(run));
        gone.iter().rev().for_each(|run| others.subtract(run));
        minutes.join(others);
        prop_assert_eq!(minutes.changes().collect::<Vec<_>>(), counted(&kept));
    }

    #[test]
    fn a_run_that_changes_is_counted_as_it_is_now(runs in prop::collection::vec(run(), 1..10)) {
        let mut minutes = Minutes::default();
        for (at, now) in runs.iter().enumerate() {
            minutes.change(at.checked_sub(1).map(|before| &runs[before]), now);
        }
        prop_assert_eq!(minutes.changes().collect::<Vec<_>>(), counted(&runs[runs.len() - 1..]));
    }

    #[test]
    fn sums_are_read_as_they_were_written(runs in prop::collection::vec(run(), 0..20)) {
        for (_, sums) in counted(&runs) {
            let bytes = sums.to_bytes();
            for end in 0..bytes.len() {
                prop_assert_eq!(Sums::from_bytes(&bytes[..end]), None);
            }
            prop_assert_eq!(Sums::from_bytes(&[&bytes[..], &[0]].concat()), None);
            prop_assert_eq!(Sums::from_bytes(&bytes), Some(sums));
        }
    }

    #[test]
    fn any_bytes_are_sums_or_none(bytes: Vec<u8>) {
        Sums::from_bytes(&[&[1], &bytes[..]].concat());
    }
}

#[test]
fn what_is_no_cost_is_not_counted_and_what_is_too_high_is_cut() {
    let run = Counted { total_cost: Some(0.1), ..Counted::of(1, &crate::run::Merged::new(uuid::Uuid::nil()).row()) };
    let costs = [f64::NAN, f64::INFINITY, -1.0, f64::MAX, 0.2].map(|cost| Counted { total_cost: Some(cost), ..run });
    let (_, sums) = counted(&costs).pop().unwrap();
    assert_eq!((sums.runs, sums.priced), (5, 3));
    assert_eq!(sums.total_cost, 1e27 as i128 + 200_000_000_000);
}
