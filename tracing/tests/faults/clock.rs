//! Time is told, and waited for, in one place, so that tests can do both.

use std::path::{Path, PathBuf};

/// Who else may, and why.
const EXCEPT: [(&str, &str); 3] = [
    ("export/clock.rs", "is the place"),
    ("handlers/console/mod.rs", "paces a screen, and exports nothing"),
    ("propagation/w3c.rs", "is there without the exporters"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("tests") => {}
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn nothing_sleeps_or_reads_the_wall_clock_but_the_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let offenders: Vec<String> = found
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().display().to_string(), std::fs::read_to_string(path).unwrap()))
        .filter(|(path, _)| !EXCEPT.iter().any(|(known, _)| path == known))
        .flat_map(|(path, text)| {
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| ["thread::sleep", "SystemTime::now"].iter().any(|call| line.contains(call)));
            lines.map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim())).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.len() > 20, "{found:?}");
    assert_eq!(offenders, [] as [&str; 0]);
}
