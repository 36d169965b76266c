//! How several collectors keep out of each other's way.
//!
//! *Runs.* Whoever merges locks first, in one order, the runs it writes, the runs directly above them, and their traces:
//! so nobody else places or adopts them meanwhile. These are advisory locks on a few hundred numbers that ids fall onto,
//! as the server has room for so many locks only, and as a run that is not there yet has no row to be locked.
//!
//! *Versions.* A version is taken from a sequence once these locks are held, so a run's versions grow. Commits come in
//! another order than versions, though, and a reader that saw version 8 would never ask for 7, which came later. So a
//! writer holds a lock of its version's number to its end, however it ends, and the horizon is the last version before the
//! oldest of these: all up to it is committed or never will be. Readers of changes look no further. Taking a version and
//! reading the horizon exclude each other for a moment, by the gate.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::connections::{View, execute, row};
use super::failure::Result;

/// Numbers that ids fall onto.
const BUCKETS: u64 = 512;

/// The first numbers of the locks: "runt" for the gate (0) and migrations (1), the next for runs, the next for versions.
const OURS: i32 = 0x7275_6e74;

/// `next_version()` and `horizon()`.
pub(super) const FUNCTIONS: &str = "
CREATE OR REPLACE FUNCTION next_version() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE version bigint;
BEGIN
    PERFORM pg_advisory_lock(1920298612, 0);
    version := nextval('versions');
    PERFORM pg_advisory_xact_lock(1920298614, (version & 2147483647)::integer);
    PERFORM pg_advisory_unlock(1920298612, 0);
    RETURN version;
END $$;

CREATE OR REPLACE FUNCTION horizon(OUT horizon bigint, OUT newest bigint) LANGUAGE plpgsql AS $$
DECLARE behind bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1920298612, 0);
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO newest FROM versions;
    SELECT max(((newest & 2147483647) - l.objid::bigint) & 2147483647) INTO behind FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.classid = 1920298614 AND l.objsubid = 2
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database());
    horizon := newest - coalesce(behind + 1, 0);
END $$;
";

/// Waits until nobody else migrates, and keeps others from it to the end of the transaction.
pub(super) async fn alone(view: &View<'_>) -> Result<()> {
    view.execute("SELECT pg_advisory_xact_lock($1, 1)", &[&OURS]).await?;
    Ok(())
}

/// The numbers that ids fall onto.
pub(super) fn buckets<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> BTreeSet<i32> {
    let bucket = |id: &Uuid| {
        // The last bytes of an id are random, also where the first are a time.
        let mixed = (id.as_u128() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        i32::try_from(mixed % BUCKETS).unwrap_or(0)
    };
    ids.into_iter().map(bucket).collect()
}

/// Locks these numbers, in their order, to the end of the transaction.
pub(super) async fn lock(view: &View<'_>, buckets: &BTreeSet<i32>) -> Result<()> {
    let buckets: Vec<i32> = buckets.iter().copied().collect();
    execute(
        view,
        "SELECT pg_advisory_xact_lock($1, bucket) FROM unnest($2::int[]) AS bucket",
        &[&(OURS + 1), &buckets],
    )
    .await?;
    Ok(())
}

/// The version of what this transaction changes.
pub(super) async fn next_version(view: &View<'_>) -> Result<i64> {
    let version = row(view, "SELECT next_version()", &[]).await?;
    Ok(version.map_or(0, |row| row.get(0)))
}
