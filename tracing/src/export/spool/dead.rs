//! What is put aside: damaged bytes, and letters that nobody takes.

use std::io;
use std::ops::Range;

use super::disk::{DiskFile, read_up_to, uninterrupted, write_all};
use super::{Spool, add, gone};

/// How much is copied at once, in bytes.
const CHUNK: u64 = 256 << 10;

impl Spool {
    /// Puts `bytes` aside in `DIR/dead/` under `name`, which must be a plain file name; what had that name is replaced.
    ///
    /// # Errors
    /// If they could not be written whole.
    pub(crate) fn put_aside(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.aside(name, |file| write_whole(file, 0, bytes))
    }

    /// Counts a stretch of damaged bytes of the segment `number`, once, and puts them aside. If that fails, the segment
    /// stays on disk.
    pub(super) fn damage(&self, number: u64, file: &dyn DiskFile, gap: &Range<u64>) {
        {
            let mut ledger = self.ledger();
            let Some(segment) = ledger.segments.get_mut(&number) else { return };
            if !segment.gaps.insert(gap.start) {
                return;
            }
        }
        add(&self.tally.damaged, 1);
        if self.noted(self.put_gap_aside(number, file, gap)).is_none()
            && let Some(segment) = self.ledger().segments.get_mut(&number)
        {
            segment.keep = true;
        }
    }

    fn put_gap_aside(&self, number: u64, file: &dyn DiskFile, gap: &Range<u64>) -> io::Result<()> {
        let owner = uuid::Uuid::from_bytes(self.owner).simple();
        // The same damage has the same name, so that an adoption cut short does not put it aside twice.
        self.aside(&format!("{owner}-{number:020}-{}.damaged", gap.start), |aside| {
            let mut at = gap.start;
            while at < gap.end {
                let length = usize::try_from(CHUNK.min(gap.end - at)).unwrap_or(usize::MAX);
                let bytes = read_up_to(file, at, length)?;
                if bytes.is_empty() {
                    break;
                }
                write_whole(aside, at - gap.start, &bytes)?;
                at += bytes.len() as u64;
            }
            Ok(())
        })
    }

    fn aside(&self, name: &str, fill: impl FnOnce(&dyn DiskFile) -> io::Result<()>) -> io::Result<()> {
        let dead = self.options.dir.join("dead");
        uninterrupted(|| self.disk.private_dir(&dead))?;
        let path = dead.join(name);
        gone(uninterrupted(|| self.disk.remove(&path)))?;
        let file = uninterrupted(|| self.disk.create(&path))?;
        fill(&*file)?;
        if self.options.sync {
            uninterrupted(|| file.sync())?;
            uninterrupted(|| self.disk.sync_dir(&dead))?;
        }
        Ok(())
    }
}

fn write_whole(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
    write_all(file, offset, bytes).1.map_or(Ok(()), Err)
}
