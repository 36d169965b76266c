//! What the tests share: seeded chance, payloads that follow from an id, processes and folders.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

/// Chance that is the same each time.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// What a run of that id is given: damage to it is seen, not only its absence.
pub(crate) fn inputs(id: Uuid, bytes: usize) -> Value {
    let mut chance = Chance::seeded(id.as_u128() as u64);
    let length = usize::try_from(chance.below(bytes as u64 + 1)).unwrap();
    let text: String = (0..length).map(|_| char::from(b'a' + u8::try_from(chance.below(26)).unwrap())).collect();
    json!({"id": id, "text": text})
}

/// What a run of that id answers.
pub(crate) fn outputs(id: Uuid) -> Value {
    json!({"answer": format!("{:x}", Chance::seeded(!(id.as_u128() as u64)).below(u64::MAX))})
}

pub(crate) fn signal(name: &str, process: u32) {
    let _ = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap();
}

/// Waits for something that must come.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The files in which runs wait.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect()
}

/// Asserts that nothing waits in a spool, and nothing is left lying about.
pub(crate) fn assert_empty(folder: &Path) {
    let is_ours = |path: &PathBuf| {
        // A draft of a small file is what may be left of a process that was killed while it wrote it.
        let is_draft = path.extension().is_some_and(|kind| kind.to_string_lossy().starts_with("draft-"));
        !is_draft && !path.ends_with("destination.json")
    };
    let left: Vec<_> = files(folder).into_iter().filter(is_ours).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A private folder, and the place of a spool in it.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    (folder, spool)
}
