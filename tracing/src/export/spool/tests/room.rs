//! The budget, and what gives way to it.

use super::super::{Refused, WhenFull};
use super::*;

const BUDGET: u64 = 64 << 10;

#[test]
fn n11_the_disk_never_holds_more_than_the_budget_and_a_segment() {
    for when_full in [WhenFull::KeepOldest, WhenFull::KeepNewest] {
        let (_folder, options) = folder();
        let options = SpoolOptions { budget_bytes: BUDGET, when_full, ..options };
        for _ in 0..3 {
            let spool = open(&options);
            let kept = (0..400).filter(|number| spool.append(&record(*number)).is_ok()).count();
            assert!(disk_use(&options.dir) <= BUDGET + options.segment_bytes);
            assert!(kept < 400 || when_full == WhenFull::KeepNewest);
            spool.crash(); // what it left counts for the next one
        }
    }
}

#[test]
fn f02_the_oldest_stay_and_room_comes_back_with_what_is_settled() {
    let (_folder, options) = folder();
    let spool = open(&SpoolOptions { budget_bytes: BUDGET, ..options });
    let kept = (0..).take_while(|number| spool.append(&record(*number)).is_ok()).count();
    assert!(matches!(spool.append(&[0; 900]), Err(Refused::Full { .. })));
    let entries = drain(&spool);
    assert!(entries.iter().map(|entry| entry.bytes.to_vec()).eq((0..kept).map(record)));
    settle_all(&spool, &entries);
    // But for what is settled in the segment that is written to.
    assert!((0..kept - 10).all(|number| spool.append(&record(number)).is_ok()));
    assert_eq!(spool.counters(), Default::default());
}

#[test]
fn f02_the_newest_stay_and_what_gave_way_is_counted_exactly() {
    let (_folder, options) = folder();
    let spool = open(&SpoolOptions { budget_bytes: BUDGET, when_full: WhenFull::KeepNewest, ..options.clone() });
    let in_flight: Vec<_> = (0..5).map(record).collect();
    in_flight.iter().for_each(|record| keep(&spool, record));
    assert_eq!(spool.read(5, usize::MAX).len(), 5);
    let evicted: u64 = (5..500).map(|number| spool.append(&record(number)).unwrap().evicted).sum();
    assert!(evicted > 0);
    assert_eq!(spool.counters().evicted, evicted);
    assert_eq!(spool.waiting().records, 500 - evicted);
    let rest = drain(&spool);
    assert_eq!(rest.len() as u64, 495 - evicted);
    // But for those beside what is in flight, these are the newest.
    assert!(
        rest.iter()
            .rev()
            .zip((5..500).rev())
            .take(rest.len() - 10)
            .all(|(entry, number)| entry.bytes == record(number))
    );
    spool.rewind();
    assert!(drain(&spool).iter().take(5).map(|entry| entry.bytes.to_vec()).eq(in_flight));
}

#[test]
fn nothing_gives_way_to_what_would_not_fit_anyway() {
    let (_folder, options) = folder();
    let spool = open(&SpoolOptions { budget_bytes: BUDGET, when_full: WhenFull::KeepNewest, ..options });
    (0..20).for_each(|number| keep(&spool, record(number)));
    assert!(matches!(spool.append(&vec![0; 2 * BUDGET as usize]), Err(Refused::Full { .. })));
    assert_eq!((drain(&spool).len(), spool.counters().evicted), (20, 0));
}

#[test]
fn a_settled_segment_that_is_written_to_gives_way() {
    let (_folder, options) = folder();
    let spool = open(&SpoolOptions { budget_bytes: 3 << 10, ..options });
    for _ in 0..50 {
        spool.append(&[1; 1000]).unwrap();
        let entries = drain(&spool);
        settle_all(&spool, &entries);
    }
}
