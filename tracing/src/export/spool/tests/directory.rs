//! F31: the folder is not what it should be.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use super::super::Refused;
use super::*;

fn refused(options: &SpoolOptions) -> String {
    let error = Spool::open(options.clone(), real()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(Spool::adopt(options, &real()).unwrap_err().to_string(), error.to_string());
    error.to_string()
}

#[test]
fn f31_a_missing_folder_is_made_private_with_those_above() {
    let (_folder, mut options) = folder();
    options.dir = options.dir.join("a/b");
    let spool = open(&options);
    spool.append(b"x").unwrap();
    let entries = drain(&spool);
    settle_all(&spool, &entries);
    spool.put_aside("letter", b"x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&options.dir), 0o700);
    let folders = fs::read_dir(&options.dir).unwrap().map(|entry| entry.unwrap().path());
    assert!(folders.inspect(|folder| assert_eq!(mode(folder), 0o700)).count() == 2);
    for path in [files(&options.dir, "seg"), files(&options.dir, "ack"), vec![options.dir.join("dead/letter")]].concat()
    {
        assert_eq!(mode(&path), 0o600);
    }
}

#[test]
fn f31_a_folder_that_others_can_write_is_refused() {
    let (_folder, options) = folder();
    fs::create_dir(&options.dir).unwrap();
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        fs::set_permissions(&options.dir, fs::Permissions::from_mode(mode)).unwrap();
        assert!(refused(&options).contains("can be written by others"));
    }
}

#[test]
fn f31_a_link_is_refused() {
    let (folder, options) = folder();
    fs::create_dir(folder.path().join("other")).unwrap();
    symlink(folder.path().join("other"), &options.dir).unwrap();
    assert!(refused(&options).contains("is a symbolic link"));
}

#[test]
fn f31_a_file_is_refused() {
    let (_folder, options) = folder();
    fs::write(&options.dir, "").unwrap();
    assert!(refused(&options).contains("is not a folder"));
}

#[test]
fn f31_the_folder_of_another_user_is_refused() {
    let (_folder, options) = folder();
    fs::create_dir(&options.dir).unwrap();
    fs::set_permissions(&options.dir, fs::Permissions::from_mode(0o700)).unwrap();
    if chown(&options.dir, Some(65534), None).is_ok() {
        assert!(refused(&options).contains("belongs to another user")); // only root can give a folder away
    }
}

#[test]
fn f31_a_folder_removed_under_us_refuses_what_it_cannot_keep() {
    let (_folder, options) = folder();
    let spool = open(&options);
    spool.append(b"before").unwrap();
    fs::remove_dir_all(&options.dir).unwrap();
    let Err(Refused::Io(error)) = spool.append(b"after") else { panic!("was appended to nowhere") };
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(texts(&drain(&spool)), ["before"]); // still held open
    drop(spool);
    assert!(!options.dir.exists());
}

#[test]
fn f31_a_segment_removed_under_us_is_counted_and_the_next_one_works() {
    let (_folder, options) = folder();
    let spool = open(&options);
    (0..30).for_each(|number| keep(&spool, record(number)));
    let first = &files(&options.dir, "seg")[0];
    fs::remove_file(first).unwrap();
    let entries = drain(&spool);
    assert_eq!(entries.len() as u64 + spool.counters().lost, 30);
    assert!(spool.counters().lost > 0);
    settle_all(&spool, &entries);
    assert_eq!(spool.waiting().records, 0);
    drop(spool);
    assert_eq!(fs::read_dir(&options.dir).unwrap().count(), 0);
}

#[test]
fn s02_what_is_planted_as_the_next_segment_is_never_written_through() {
    let (folder, options) = folder();
    let spool = open(&options);
    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    let owner = fs::read_dir(&options.dir).unwrap().next().unwrap().unwrap().path();
    symlink(&victim, owner.join("00000000000000000001.seg")).unwrap();
    fs::hard_link(&victim, owner.join("00000000000000000002.seg")).unwrap();
    fs::create_dir(owner.join("00000000000000000003.seg")).unwrap();
    spool.append(b"safe").unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(texts(&drain(&spool)), ["safe"]);
    spool.crash();
    let orphan = adopt_one(&options);
    assert_eq!(texts(&drain(&orphan)), ["safe"]);
    assert_eq!(orphan.counters().damaged, 1); // the hard link is a file among ours, and no segment
}

#[test]
fn what_a_start_that_was_cut_short_left_is_cleaned_up() {
    let (_folder, options) = folder();
    fs::create_dir_all(options.dir.join("0198c0f5a1b27c3d8e4f5a6b7c8d9e0f")).unwrap();
    fs::create_dir_all(options.dir.join("0198c0f5a1b27c3d8e4f5a6b7c8d9e00")).unwrap();
    fs::write(options.dir.join("0198c0f5a1b27c3d8e4f5a6b7c8d9e00/lock"), "").unwrap();
    fs::write(options.dir.join("0198c0f5a1b27c3d8e4f5a6b7c8d9e00/00000000000000000001.ack"), "").unwrap();
    fs::write(options.dir.join(".probe-0198c0f5a1b27c3d8e4f5a6b7c8d9e00"), "").unwrap();
    fs::create_dir_all(options.dir.join("not an owner")).unwrap();
    assert!(adopt(&options).is_empty());
    assert_eq!(fs::read_dir(&options.dir).unwrap().count(), 1);
}
