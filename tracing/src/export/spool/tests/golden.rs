//! F41: other versions. `tests/spool/v1` was written by version 1 of the format and is never written again.

use super::*;

fn golden(options: &SpoolOptions) -> PathBuf {
    let owner = "0198c0f5a1b27c3d8e4f5a6b7c8d9e0f";
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spool/v1"), options.dir.join(owner));
    fs::create_dir_all(&to).unwrap();
    for name in ["00000000000000000001.seg", "00000000000000000001.ack", "00000000000000000002.seg"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    to
}

#[test]
fn f41_what_version_1_wrote_is_read() {
    let (_folder, options) = folder();
    golden(&options);
    let spool = adopt_one(&options);
    assert_eq!(
        texts(&drain(&spool)),
        ["the first", "", "the third, after one that is settled", "in a segment of its own"]
    );
    assert_eq!(spool.counters(), Default::default());
}

#[test]
fn f41_what_a_later_version_wrote_is_counted_and_stays() {
    let (_folder, options) = folder();
    let later = golden(&options).join("00000000000000000001.seg");
    let mut bytes = fs::read(&later).unwrap();
    bytes[8] += 1;
    let check = crc32fast::hash(&bytes[..36]);
    bytes[36..40].copy_from_slice(&check.to_le_bytes());
    fs::write(&later, &bytes).unwrap();
    for _ in 0..2 {
        let spool = adopt_one(&options);
        assert_eq!(spool.counters().foreign, 1);
        let entries = drain(&spool);
        settle_all(&spool, &entries);
        drop(spool);
        assert_eq!(fs::read(&later).unwrap(), bytes);
    }
}

/// Writes the golden files: `cargo test … write_golden -- --ignored`, once for each version.
#[test]
#[ignore = "writes into the source folder"]
fn write_golden() {
    use super::super::format::{Frame, Salt, note, record_head, segment_head};
    let owner = uuid::Uuid::try_parse("0198c0f5a1b27c3d8e4f5a6b7c8d9e0f").unwrap().into_bytes();
    let to = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spool/v1");
    fs::create_dir_all(&to).unwrap();
    let segments: [&[&str]; 2] =
        [&["the first", "", "settled", "the third, after one that is settled"], &["in a segment of its own"]];
    for (number, records) in (1..).zip(segments) {
        let salt = Salt::new(&owner, number);
        let mut bytes = segment_head(&owner, number).to_vec();
        for record in records {
            let head = record_head(record.as_bytes(), salt);
            if *record == "settled" {
                let check = Frame::read(&head, salt).unwrap().check;
                fs::write(to.join(format!("{number:020}.ack")), note(bytes.len() as u64, check, salt)).unwrap();
            }
            bytes.extend(head);
            bytes.extend_from_slice(record.as_bytes());
        }
        fs::write(to.join(format!("{number:020}.seg")), bytes).unwrap();
    }
}
