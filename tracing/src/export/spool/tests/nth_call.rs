//! F29, F30: each call to the disk fails once, or for a while.

use super::faulty_disk::{Fault, FaultyDisk, Plan};
use super::*;

/// A life with every kind of call: appends, reads, settles, syncs, rewinds, dies, is adopted. Checks the law.
fn live(plan: &Arc<Plan>, sync: bool) {
    let (_folder, options) = folder();
    let options = SpoolOptions { sync, ..options };
    let disk: Arc<dyn Disk> = Arc::new(FaultyDisk(plan.clone()));
    let (mut handed, mut kept, mut settled) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    // A start may fail, and the next one works.
    let opened = std::iter::repeat_with(|| Spool::open(options.clone(), disk.clone())).take(200);
    let spool = opened.flatten().next().unwrap();
    for round in 0..12 {
        let records: Vec<_> = (round * 5..round * 5 + 5).map(record).collect();
        let many: Vec<&[u8]> = records[1..].iter().map(AsRef::as_ref).collect();
        let results: Vec<_> = [spool.append(&records[0])].into_iter().chain(spool.append_all(&many)).collect();
        for (record, result) in records.iter().zip(results) {
            handed.insert(record.clone());
            if result.is_ok() {
                kept.insert(record.clone());
            }
        }
        let entries = spool.read(4, usize::MAX);
        spool.settle(&entries.iter().skip(1).map(|entry| entry.place).collect::<Vec<_>>());
        settled.extend(entries.iter().skip(1).map(|entry| entry.bytes.to_vec()));
        if round % 3 == 2 {
            let _ = spool.sync();
        }
        if round == 8 {
            spool.rewind();
        }
    }
    // As soon as the disk works, all does.
    while plan.fired() && !plan.is_over() {
        let _ = spool.append(b"");
        handed.insert(Vec::new());
    }
    if plan.is_over() {
        for number in 100..110 {
            handed.insert(record(number));
            kept.insert(record(number));
            spool.append(&record(number)).unwrap();
        }
        spool.sync().unwrap();
    }
    spool.rewind();
    let read: BTreeSet<_> = (0..30).flat_map(|_| drain(&spool)).map(|entry| entry.bytes.to_vec()).collect();
    assert!(kept.difference(&settled).all(|record| read.contains(record)), "a record is not read: {plan:?}");
    assert!(read.is_subset(&handed), "a record is invented: {plan:?}");
    assert_eq!((spool.counters().lost, spool.counters().damaged), (0, 0), "{plan:?}");
    spool.crash();

    // Whoever adopts may meet the fault as well; what it does not settle is there for the next.
    if let Ok(Adopted { spools, .. }) = Spool::adopt(&options, &disk) {
        for spool in spools {
            let entries = spool.read(3, usize::MAX);
            settled.extend(entries.iter().map(|entry| entry.bytes.to_vec()));
            settle_all(&spool, &entries);
            drain(&spool);
        }
    }
    let left: BTreeSet<_> = adopt(&options).iter().flat_map(drain).map(|entry| entry.bytes.to_vec()).collect();
    let lost: Vec<_> =
        kept.difference(&settled).filter(|record| !left.contains(*record)).map(|record| record.first()).collect();
    assert!(lost.is_empty(), "lost: {lost:?}: {plan:?}");
    assert!(left.is_subset(&handed), "a record is invented: {plan:?}");
}

/// Lets every call of a life fail in turn, alone and with those after it.
fn each_call_fails(fault: Fault, many: u64, sync: bool) {
    for first in 1.. {
        let plan = Plan::new(first, many, fault);
        live(&plan, sync);
        if !plan.fired() {
            assert!(first > 100, "there are more calls than that in a life");
            return;
        }
    }
}

#[test]
fn f29_a_full_disk_at_any_call_loses_nothing_and_passes() {
    each_call_fails(Fault::Full, 1, false);
    each_call_fails(Fault::Full, 1, true);
}

#[test]
fn f29_a_disk_that_is_full_for_a_while_loses_nothing_and_passes() {
    each_call_fails(Fault::Full, 12, false);
}

#[test]
fn f29_half_a_write_before_the_disk_is_full_loses_nothing() {
    each_call_fails(Fault::ShortThenFull, 1, false);
}

#[test]
fn f30_an_error_at_any_call_loses_nothing_and_passes() {
    each_call_fails(Fault::Io, 1, false);
    each_call_fails(Fault::Io, 1, true);
}

#[test]
fn f30_two_errors_in_a_row_lose_nothing() {
    each_call_fails(Fault::Io, 2, true);
}

#[test]
fn f30_an_interruption_is_never_seen() {
    each_call_fails(Fault::Interrupted, 3, true);
}

#[test]
fn f30_a_short_call_is_never_seen() {
    each_call_fails(Fault::Short, 1, true);
}
