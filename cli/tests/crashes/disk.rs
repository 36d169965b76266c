//! S03: the disk is full, then it is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use uuid::Uuid;

use super::client::Client;
use super::ledger::{assert_whole, begun};
use super::served::{Served, command};

/// A small disk of its own, if this process may mount one.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let options = format!("size={size},mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "none"]).arg(path).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            println!("skipped: a small disk cannot be mounted here");
        }
        mounted.then(|| Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn s03_a_full_disk_refuses_stores_no_half_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    let Some(_mounted) = Mounted::at(&disk, "4m") else { return };
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let database = disk.join("traces.db");
    let served = Served::start(&mut command(&database)).unwrap();
    let mut client = Client::connect(&served.address).unwrap();
    let mut batch = || -> (Vec<Uuid>, u16, String) {
        let ids: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
        let body = json!({"post": ids.iter().copied().map(begun).collect::<Vec<_>>()});
        let answer = client.json("POST", "/runs/batch", &body).unwrap();
        (ids, answer.status, answer.head.to_ascii_lowercase())
    };
    let mut stored = Vec::new();
    let refused = loop {
        let (ids, status, head) = batch();
        if status != 202 {
            assert_eq!(status, 503);
            assert!(head.contains("retry-after:"));
            break ids;
        }
        stored.extend(ids);
        assert!(stored.len() < 10_000, "the disk is never full");
    };
    let mut reader = Client::connect(&served.address).unwrap();
    assert_eq!((reader.runs(&stored).len(), reader.runs(&refused).len()), (stored.len(), 0));
    std::fs::remove_file(ballast).unwrap();
    let (ids, status, _) = batch();
    assert_eq!(status, 202);
    assert_eq!(reader.runs(&ids).len(), ids.len());
    assert_eq!(reader.runs(&refused).len(), 0);
    assert_whole(&database);
}
