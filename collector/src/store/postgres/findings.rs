//! Looks for runs that something is wrong with.

use uuid::Uuid;

use super::super::{Finding, Trouble, ask as questions};
use super::connections::{View, ask};
use super::failure::Result;
use super::read;
use crate::access::Access;
use crate::filter::{Dialect, Sql};

/// Runs that began since then and have this trouble, newest first, at most so many.
pub(super) async fn of(
    view: &View<'_>,
    access: &Access,
    trouble: Trouble,
    since: i64,
    most: usize,
) -> Result<Vec<Finding>> {
    const LOST_FROM: &str = "(SELECT e.value FROM jsonb_to_recordset(r.entries) AS e (key text, value text) \
        WHERE e.key = 'lost_from' LIMIT 1)";
    let (other, condition) = match trouble {
        Trouble::Orphan => ("r.parent::text", " AND r.is_orphan = 1"),
        Trouble::NeverEnded => ("NULL::text", " AND r.status = 'pending' AND r.is_created = 1 AND r.start < "),
        Trouble::LostRoot => (
            LOST_FROM,
            " AND r.parent IS NULL AND EXISTS (SELECT 1 \
            FROM jsonb_to_recordset(r.entries) AS e (key text, value text) \
            WHERE e.key = 'lost_from' AND e.value IS NOT NULL)",
        ),
        Trouble::SkewedClock => (
            "CASE WHEN r.start < (SELECT above.start FROM runs AS above WHERE above.id = r.parent) THEN r.parent::text END",
            " AND (r.start < (SELECT above.start FROM runs AS above WHERE above.id = r.parent) OR r.\"end\" < r.start \
             OR r.start > ",
        ),
        Trouble::NoBeginning => ("NULL::text", " AND r.is_created = 0"),
    };
    let mut sql = Sql::new(Dialect::Postgres);
    questions::findings(&mut sql, access, trouble, [other, condition, read::TABLES], since, most);
    let found = ask(view, &sql).await?;
    let finding = |row: &tokio_postgres::Row| Finding {
        trouble,
        run: row.get(0),
        trace: row.get(1),
        project: row.get(2),
        name: row.get(3),
        start: row.get(4),
        other: row.get::<_, Option<&str>>(5).and_then(|other| Uuid::try_parse(other).ok()),
    };
    Ok(found.iter().map(finding).collect())
}
