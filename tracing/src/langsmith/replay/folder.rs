//! What there is to send: folders of spools, and files of refused requests.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::export::spool::{Disk, RealDisk};

/// The longest description of a destination that is read, in bytes.
const DESCRIPTION: u64 = 64 << 10;

/// A folder in which something may be left.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Where its spools and its files are to go; without it, it has no spools.
    pub(super) destination: Option<Destination>,
    /// Files of refused requests, oldest first.
    pub(super) files: Vec<PathBuf>,
    /// Why its spools cannot be sent.
    pub(super) unusable: Option<String>,
}

/// What a folder of spools says of where it goes.
#[derive(Debug, Deserialize)]
pub(super) struct Destination {
    protocol: String,
    pub(super) endpoint: String,
    #[serde(default)]
    pub(super) workspace: Option<String>,
    #[serde(default)]
    pub(super) project: String,
}

/// The directory itself, and the folders in it, as far as there is something in them. Links are not followed.
pub(super) fn folders(directory: &Path) -> io::Result<Vec<Folder>> {
    let mut paths = vec![directory.to_owned()];
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            paths.push(entry.path());
        }
    }
    paths[1..].sort();
    let mut folders = Vec::new();
    for path in paths {
        // The dead letters of a destination go where its spools go.
        if path.ends_with("dead") && path.parent().is_some_and(|above| above.join("destination.json").exists()) {
            continue;
        }
        let folder = look(&path);
        if folder.destination.is_some() || folder.unusable.is_some() || !folder.files.is_empty() {
            folders.push(folder);
        }
    }
    Ok(folders)
}

fn look(path: &Path) -> Folder {
    let mut folder = Folder { path: path.to_owned(), files: traces(path), ..Folder::default() };
    match read_destination(path) {
        Ok(Some(destination)) => {
            folder.files.extend(traces(&path.join("dead")));
            if destination.protocol == "langsmith" {
                folder.destination = Some(destination);
            } else {
                folder.unusable = Some(format!("it goes to a server that speaks {}", destination.protocol));
                folder.files.clear();
            }
        }
        Ok(None) => {}
        Err(error) => {
            folder.unusable = Some(format!("reading where it goes: {error}"));
            folder.files.clear();
        }
    }
    folder
}

/// Where the spools of a folder go; `None` if it has none. Who could write into the folder could have the key sent to a
/// server of theirs: then it is an error.
fn read_destination(path: &Path) -> io::Result<Option<Destination>> {
    let file = path.join("destination.json");
    match fs::symlink_metadata(&file) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(io::Error::other(format!("{} is no file", file.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    RealDisk.private_dir(path)?;
    let mut text = Vec::new();
    fs::File::open(&file)?.take(DESCRIPTION).read_to_end(&mut text)?;
    Ok(Some(serde_json::from_slice(&text)?))
}

/// The files of refused requests in a folder, oldest first.
fn traces(folder: &Path) -> Vec<PathBuf> {
    let is_one = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { return false };
        name.starts_with("trace_") && name.ends_with(".json") && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).filter(is_one).map(|entry| entry.path()).collect();
    files.sort();
    files
}
