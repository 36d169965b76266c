//! Operations that a server refused for good, kept as files.

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::export::clock::wall;
use crate::export::files::write_private;
use crate::export::lane::Lane;
use crate::export::options::Durability;
use crate::export::protocol::DeadLetter;
use crate::export::record::Operation;
use crate::export::spool::{Disk, RealDisk};

/// How many bytes of dead letters a spool keeps.
const MOST: u64 = 100 << 20;

/// Keeps a refused operation as a file, in the form of the Python SDK's failed traces, so that both are sent again by the
/// same means. Credentials are not in it. Where there is neither a spool nor a folder for them, nothing is kept.
pub(super) fn keep(lane: &Lane, operation: &Operation, letter: &DeadLetter, reason: &str) -> io::Result<()> {
    // A run's start and its end may be refused within a second.
    let now = wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    let eight = &operation.id.simple().to_string()[24..];
    let name = format!("trace_{}.{:06}_{eight}.json", now.as_secs(), now.subsec_micros());
    let headers: Map<String, Value> =
        letter.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    let file = json!({
        "version": 1,
        "endpoint": letter.endpoint,
        "headers": headers,
        "body_base64": BASE64_STANDARD.encode(&letter.body),
        "run_id": operation.id,
        "reason": reason,
    });
    let bytes = serde_json::to_vec(&file)?;
    let options = &lane.options;
    match (&options.dead_letters, lane.own_spool(), &options.spool) {
        (Some((folder, most)), ..) => {
            std::fs::create_dir_all(folder)?;
            room(folder, *most, bytes.len())?;
            write_private(&folder.join(name), &bytes)
        }
        (None, Some(_), Some(settings)) => {
            let folder = settings.folder_of(lane.protocol.key()).join("dead");
            RealDisk.private_dir(&folder)?;
            room(&folder, MOST, bytes.len())?;
            // Whole or not at all: what a process that is killed leaves of it is not taken for a letter.
            write_private(&folder.join(name), &bytes)?;
            if options.durability == Durability::PowerSafe { RealDisk.sync_dir(&folder) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// Whether a folder takes `more` bytes; one that is not there yet does.
fn room(folder: &Path, most: u64, more: usize) -> io::Result<()> {
    let Ok(files) = std::fs::read_dir(folder) else { return Ok(()) };
    let taken: u64 = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum();
    if taken + more as u64 <= most {
        return Ok(());
    }
    Err(io::Error::other(format!("{} has reached its bound of {most} bytes", folder.display())))
}
