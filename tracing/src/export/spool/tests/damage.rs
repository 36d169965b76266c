//! F32: damage to what is on disk.

use proptest::prelude::*;

use super::super::Counters;
use super::super::format::{RECORD_HEAD, RECORD_MAX, SEGMENT_HEAD, Salt, record_head, segment_head};
use super::super::scan::{Found, scan};
use super::*;

const OWNER: [u8; 16] = *b"owner of nothing";

/// A segment of these records, as bytes, and where each begins.
fn segment(records: &[&[u8]]) -> (Vec<u8>, Vec<usize>) {
    let salt = Salt::new(&OWNER, 1);
    let (mut bytes, mut begins) = (segment_head(&OWNER, 1).to_vec(), Vec::new());
    for record in records {
        begins.push(bytes.len());
        bytes.extend(record_head(record, salt));
        bytes.extend_from_slice(record);
    }
    (bytes, begins)
}

fn scanned(bytes: &[u8]) -> Vec<&[u8]> {
    let found = scan(bytes, Salt::new(&OWNER, 1)).into_iter().flatten();
    found.filter_map(|found| if let Found::Record(_, _, payload) = found { Some(payload) } else { None }).collect()
}

/// Leaves a spool of these records to be adopted, after `damage` to the bytes of its segment.
fn left(options: &SpoolOptions, records: &[&[u8]], damage: impl FnOnce(&mut Vec<u8>)) {
    let spool = open(options);
    records.iter().for_each(|record| keep(&spool, record));
    spool.crash();
    let path = files(&options.dir, "seg").pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(path, bytes).unwrap();
}

const RECORDS: [&[u8]; 4] = [b"first", b"\xF5rt\x1E is what begins a record", b"", b"last"];

#[test]
fn f32_every_undamaged_record_survives_a_cut_at_every_byte() {
    let (bytes, begins) = segment(&RECORDS);
    for cut in 0..=bytes.len() {
        let whole = begins.iter().zip(RECORDS).filter(|(begin, record)| *begin + RECORD_HEAD + record.len() <= cut);
        assert_eq!(scanned(&bytes[..cut]), whole.map(|(_, record)| record).collect::<Vec<_>>(), "cut at {cut}");
    }
}

#[test]
fn f32_every_undamaged_record_survives_a_flip_of_every_bit() {
    let (bytes, begins) = segment(&RECORDS);
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let hit = begins.iter().rposition(|begin| *begin <= bit / 8);
        let expected: Vec<_> = (0..RECORDS.len()).filter(|at| Some(*at) != hit).map(|at| RECORDS[at]).collect();
        assert_eq!(scanned(&bytes), expected, "bit {bit}");
    }
}

#[test]
fn f32_a_cut_spool_is_torn_or_whole_and_never_damaged() {
    let length = segment(&RECORDS).0.len();
    for cut in (0..length).step_by(3) {
        let (_folder, options) = folder();
        left(&options, &RECORDS, |bytes| bytes.truncate(cut));
        let spools = adopt(&options);
        let expected = scanned(&segment(&RECORDS).0[..cut]).len();
        let counters = spools.first().map(Spool::counters).unwrap_or_default();
        assert!(counters.damaged == 0 && counters.torn <= 1 && counters.errors == 0, "cut at {cut}: {counters:?}");
        for spool in spools {
            let entries = drain(&spool);
            assert_eq!(entries.len(), expected);
            settle_all(&spool, &entries);
            assert_eq!((spool.waiting().records, spool.counters()), (0, counters));
        }
        assert!(files(&options.dir, "seg").is_empty());
    }
}

#[test]
fn f32_a_flipped_bit_costs_its_record_and_is_kept_aside() {
    let length = segment(&RECORDS).0.len();
    for bit in (0..length * 8).step_by(13) {
        let (_folder, options) = folder();
        left(&options, &RECORDS, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let spool = adopt_one(&options);
        let in_head = bit / 8 < SEGMENT_HEAD;
        assert_eq!(spool.counters(), Counters { damaged: 1, ..Counters::default() }, "bit {bit}");
        let entries = drain(&spool);
        assert_eq!(entries.len(), if in_head { 4 } else { 3 });
        settle_all(&spool, &entries);
        assert_eq!((spool.waiting().records, spool.counters().damaged, spool.counters().lost), (0, 1, 0));
        drop(spool);
        let aside = files(&options.dir.join("dead"), "damaged");
        assert_eq!(aside.len(), 1);
        assert!(fs::metadata(&aside[0]).unwrap().len() >= RECORD_HEAD as u64);
        assert!(files(&options.dir, "seg").is_empty());
    }
}

#[test]
fn f32_damage_under_a_living_reader_is_counted_and_lost_for_once() {
    let (_folder, options) = folder();
    let spool = open(&options);
    ["one", "two", "three"].iter().for_each(|text| keep(&spool, text));
    let path = &files(&options.dir, "seg")[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[SEGMENT_HEAD + RECORD_HEAD + 3 + RECORD_HEAD] ^= 1;
    fs::write(path, bytes).unwrap();
    assert_eq!(texts(&drain(&spool)), ["one", "three"]);
    spool.rewind();
    assert_eq!(texts(&drain(&spool)), ["one", "three"]);
    assert_eq!(spool.counters(), Counters { damaged: 1, lost: 1, ..Counters::default() });
    assert_eq!(spool.waiting().records, 2);
}

#[test]
fn f32_a_tail_of_zeros_is_torn() {
    let (_folder, options) = folder();
    left(&options, &RECORDS, |bytes| bytes.extend([0; 10_000]));
    let spool = adopt_one(&options);
    assert_eq!(drain(&spool).len(), 4);
    assert_eq!(spool.counters(), Counters { torn: 1, ..Counters::default() });
}

#[test]
fn f32_swapped_segments_keep_their_records_and_no_note_settles_another() {
    let (_folder, options) = folder();
    let spool = open(&options);
    // Records of one length: each offset is a record's in both segments.
    (0..70u8).for_each(|number| keep(&spool, [number; 100]));
    let entries = spool.read(10, usize::MAX);
    settle_all(&spool, &entries);
    spool.crash();
    let segments = files(&options.dir, "seg");
    let other = segments[0].with_extension("other");
    fs::rename(&segments[0], &other).unwrap();
    fs::rename(&segments[1], &segments[0]).unwrap();
    fs::rename(&other, &segments[1]).unwrap();
    let mut numbers: Vec<u8> = drain(&adopt_one(&options)).iter().map(|entry| entry.bytes[0]).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..70));
}

#[test]
fn f32_a_record_of_another_segment_is_not_believed() {
    let (foreign, _) = segment(&[b"quoted"]);
    let (_folder, options) = folder();
    left(&options, &[&foreign, b"after"], |bytes| bytes[SEGMENT_HEAD + 5] ^= 1);
    assert_eq!(texts(&drain(&adopt_one(&options))), ["after"]);
}

#[test]
fn f32_a_length_of_4_gib_is_not_believed() {
    let (mut bytes, begins) = segment(&[b"one", b"two", b"three"]);
    bytes[begins[1] + 4..begins[1] + 8].fill(0xFF);
    assert_eq!(scanned(&bytes), [&b"one"[..], b"three"]);
    assert!(RECORD_MAX < u32::MAX as usize);
}

#[test]
fn f32_torn_notes_are_left_out_and_written_over() {
    let (_folder, options) = folder();
    let spool = open(&options);
    (0..9u8).for_each(|number| keep(&spool, [number]));
    let entries = spool.read(5, usize::MAX);
    settle_all(&spool, &entries);
    spool.crash();
    let path = &files(&options.dir, "ack")[0];
    let mut notes = fs::read(path).unwrap();
    notes[16] ^= 1; // the second
    notes.truncate(notes.len() - 5); // the fifth
    fs::write(path, notes).unwrap();
    let orphan = adopt_one(&options);
    let entries = drain(&orphan);
    assert_eq!(entries.iter().map(|entry| entry.bytes[0]).collect::<Vec<_>>(), [1, 4, 5, 6, 7, 8]);
    settle_all(&orphan, &entries[..3]);
    orphan.crash();
    assert_eq!(drain(&adopt_one(&options)).iter().map(|entry| entry.bytes[0]).collect::<Vec<_>>(), [6, 7, 8]);
}

#[test]
fn s06_a_huge_sparse_segment_is_left_alone() {
    let (_folder, options) = folder();
    left(&options, &RECORDS, |_| {});
    let path = &files(&options.dir, "seg")[0];
    fs::File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
    let spool = adopt_one(&options);
    assert_eq!((spool.counters().foreign, spool.waiting().records), (1, 0));
    drop(spool);
    assert!(path.exists());
}

proptest! {
    #[test]
    fn f32_any_bytes_scan_to_their_end_without_overlap(
        bytes in proptest::collection::vec(prop_oneof![Just(0xF5), Just(b'r'), Just(b't'), Just(0x1E), any::<u8>()], 0..600),
        whole in any::<bool>(),
    ) {
        let (mut segment, _) = segment(&[b"one"]);
        segment.extend(bytes);
        let segment = if whole { &segment[..] } else { &segment[SEGMENT_HEAD..] };
        let mut at = if whole { SEGMENT_HEAD as u64 } else { 0 };
        for found in scan(segment, Salt::new(&OWNER, 1)).unwrap() {
            let (begin, end) = match found {
                Found::Record(begin, _, payload) => (begin, begin + (RECORD_HEAD + payload.len()) as u64),
                Found::Gap(gap) => (gap.start, gap.end),
            };
            prop_assert_eq!(begin, at);
            prop_assert!(end > begin);
            at = end;
        }
        prop_assert_eq!(at, segment.len() as u64);
    }

    #[test]
    fn f32_records_outside_of_any_damage_survive(
        lengths in proptest::collection::vec(0..80usize, 1..20),
        hits in proptest::collection::vec((any::<prop::sample::Index>(), 1..30usize, any::<u8>()), 1..4),
    ) {
        let records: Vec<_> = lengths.iter().enumerate().map(|(at, length)| vec![at as u8; *length]).collect();
        let borrowed: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
        let (intact, begins) = segment(&borrowed);
        let mut bytes = intact.clone();
        for (at, length, byte) in hits {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(byte);
        }
        let ends = begins.iter().zip(&records).map(|(begin, record)| begin + RECORD_HEAD + record.len());
        let whole = begins.iter().zip(ends).map(|(begin, end)| bytes[*begin..end] == intact[*begin..end]);
        let expected: Vec<_> = whole.zip(&borrowed).filter(|(whole, _)| *whole).map(|(_, record)| *record).collect();
        prop_assert_eq!(scanned(&bytes), expected);
    }
}
