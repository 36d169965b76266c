//! What a spool does while nothing is wrong.

use super::super::{Refused, Waiting};
use super::*;

#[test]
fn records_come_in_order_and_once() {
    let (_folder, options) = folder();
    let spool = open(&options);
    let records: Vec<_> = (0..100).map(record).collect();
    for record in &records[..50] {
        spool.append(record).unwrap();
    }
    let many: Vec<&[u8]> = records[50..].iter().map(AsRef::as_ref).collect();
    assert!(spool.append_all(&many).iter().all(Result::is_ok));
    assert_eq!(spool.waiting().records, 100);
    let entries = drain(&spool);
    assert!(entries.iter().map(|entry| &entry.bytes[..]).eq(records.iter().map(|record| &record[..])));
    assert!(entries.is_sorted_by_key(|entry| entry.place));
    assert_eq!(
        spool.waiting(),
        Waiting { records: 100, bytes: records.iter().map(|record| record.len() as u64).sum() }
    );
    settle_all(&spool, &entries);
    assert_eq!((spool.waiting(), spool.counters()), Default::default());
}

#[test]
fn reading_keeps_to_its_bounds_and_always_gives_one() {
    let (_folder, options) = folder();
    let spool = open(&options);
    (0..4).for_each(|_| keep(&spool, [7; 100]));
    assert_eq!(spool.read(1, usize::MAX).len(), 1);
    assert_eq!(spool.read(9, 250).len(), 2);
    assert_eq!(spool.read(9, 10).len(), 1);
    assert_eq!(spool.read(9, 10).len(), 0);
}

#[test]
fn a_record_may_be_longer_than_a_segment_and_empty() {
    let (_folder, options) = folder();
    let spool = open(&options);
    let long = vec![0xF5; 1 << 20];
    for record in [&b""[..], &long, b"", &long] {
        spool.append(record).unwrap();
    }
    assert_eq!(drain(&spool).iter().map(|entry| entry.bytes.len()).collect::<Vec<_>>(), [0, 1 << 20, 0, 1 << 20]);
}

#[test]
fn what_is_too_large_is_refused_and_its_neighbours_are_not() {
    let (_folder, options) = folder();
    let spool = open(&SpoolOptions { record_limit: 10, ..options });
    let results = spool.append_all(&[b"one", b"much too large", b"two"]);
    assert!(matches!(results[..], [Ok(_), Err(Refused::TooLarge), Ok(_)]));
    assert_eq!(texts(&drain(&spool)), ["one", "two"]);
}

#[test]
fn what_is_settled_goes_from_the_disk_and_the_folder_with_the_last() {
    let (_folder, options) = folder();
    let spool = open(&options);
    (0..40).for_each(|number| keep(&spool, record(number)));
    assert!(files(&options.dir, "seg").len() > 3);
    let entries = drain(&spool);
    settle_all(&spool, &entries);
    assert_eq!(files(&options.dir, "seg").len(), 1); // the one that is written to
    assert_eq!(files(&options.dir, "ack").len(), 1);
    drop(spool);
    assert_eq!(fs::read_dir(&options.dir).unwrap().count(), 0);
}

#[test]
fn rewinding_reads_again_what_is_in_flight_before_what_is_new() {
    let (_folder, options) = folder();
    let spool = open(&options);
    ["a", "b", "c"].iter().for_each(|text| keep(&spool, text));
    let read = spool.read(2, usize::MAX);
    spool.settle(&[read[0].place]);
    spool.rewind();
    assert_eq!(texts(&drain(&spool)), ["b", "c"]);
    spool.rewind();
    spool.settle(&[read[1].place]); // late, by whoever had it first
    assert_eq!(texts(&drain(&spool)), ["c"]);
}

#[test]
fn settling_what_is_not_in_flight_settles_nothing() {
    let (_folder, options) = folder();
    let spool = open(&options);
    let place = spool.append(b"unread").unwrap().place;
    spool.settle(&[place]);
    assert_eq!(spool.waiting().records, 1);
    let entries = drain(&spool);
    settle_all(&spool, &entries);
    settle_all(&spool, &entries);
    assert_eq!(spool.waiting().records, 0);
}

#[test]
fn a_crash_keeps_what_is_not_settled_and_only_that() {
    let (_folder, options) = folder();
    let spool = open(&options);
    (0..60).for_each(|number| keep(&spool, record(number)));
    let entries = spool.read(31, usize::MAX);
    let odd: Vec<_> = entries.iter().skip(1).step_by(2).cloned().collect();
    settle_all(&spool, &odd);
    spool.crash();
    let orphan = adopt_one(&options);
    assert_eq!(orphan.waiting().records, 60 - 15);
    assert!(matches!(orphan.append(b"new"), Err(Refused::Io(_))));
    let left = drain(&orphan);
    let expected = (0..60).filter(|number| number % 2 == 0 || *number >= 31).map(record);
    assert!(left.iter().map(|entry| entry.bytes.to_vec()).eq(expected));
    settle_all(&orphan, &left);
    assert_eq!(orphan.counters(), Default::default());
    drop(orphan);
    assert_eq!(fs::read_dir(&options.dir).unwrap().count(), 0);
}

#[test]
fn nobody_adopts_from_the_living() {
    let (_folder, options) = folder();
    let spool = open(&options);
    spool.append(b"mine").unwrap();
    assert!(adopt(&options).is_empty());
    drop(spool);
    assert_eq!(texts(&drain(&adopt_one(&options))), ["mine"]);
}

#[test]
fn many_append_while_one_reads_and_settles() {
    let (_folder, options) = folder();
    let spool = open(&options);
    let seen = std::thread::scope(|scope| {
        for thread in 0..4 {
            let spool = &spool;
            scope.spawn(move || (0..500).for_each(|at| keep(spool, format!("{thread} {at}"))));
        }
        let mut seen = Vec::new();
        while seen.len() < 2000 {
            let entries = spool.read(50, usize::MAX);
            settle_all(&spool, &entries);
            seen.extend(texts(&entries));
        }
        seen
    });
    for thread in 0..4 {
        let own = seen.iter().filter_map(|text| text.strip_prefix(&format!("{thread} ")));
        assert!(own.map(|at| at.parse::<usize>().unwrap()).eq(0..500));
    }
    assert_eq!((spool.waiting(), spool.counters()), Default::default());
}

#[test]
fn letters_put_aside_are_private_and_replace_each_other() {
    let (_folder, options) = folder();
    let spool = open(&options);
    spool.put_aside("letter", b"first, and longer").unwrap();
    spool.put_aside("letter", b"second").unwrap();
    assert_eq!(fs::read(options.dir.join("dead/letter")).unwrap(), b"second");
}
