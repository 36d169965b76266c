//! What collectors said, and whether it is so.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;

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
}

/// What a run of that id is given: damage to it is seen, not only its absence.
pub(crate) fn inputs(id: Uuid) -> Value {
    let mut chance = Chance::seeded(id.as_u128() as u64);
    let length = chance.below(2_000);
    let text: String = (0..length).map(|_| char::from(b'a' + chance.below(26) as u8)).collect();
    json!({"id": id, "text": text})
}

/// What a run of that id answers.
pub(crate) fn outputs(id: Uuid) -> Value {
    json!({"answer": format!("{:x}", Chance::seeded(!(id.as_u128() as u64)).below(u64::MAX))})
}

/// The beginning of a run.
pub(crate) fn begun(id: Uuid) -> Value {
    json!({
        "id": id, "trace_id": id, "dotted_order": format!("20260304T050607000000Z{id}"), "name": "run",
        "run_type": "chain", "session_name": "crashes", "start_time": "2026-03-04T05:06:07Z", "inputs": inputs(id),
    })
}

/// The end of a run.
pub(crate) fn ended(id: Uuid) -> Value {
    json!({
        "id": id, "trace_id": id, "dotted_order": format!("20260304T050607000000Z{id}"),
        "end_time": "2026-03-04T05:06:08Z", "outputs": outputs(id),
    })
}

/// One thing that was told of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    Begun(Uuid),
    Ended(Uuid),
    /// Feedback, and the run it is about.
    Judged(Uuid, Uuid),
}

/// What was told in requests, by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Said to be stored.
    pub(crate) stored: HashSet<Thing>,
    /// Refused, or never sent to its end.
    pub(crate) refused: HashSet<Thing>,
    /// Requests whose answer never came.
    pub(crate) unsure: Vec<Vec<Thing>>,
}

impl Ledger {
    pub(crate) fn join(&mut self, other: Self) {
        self.stored.extend(other.stored);
        self.refused.extend(other.refused);
        self.unsure.extend(other.unsure);
    }

    /// Asserts that all is there that was said to be, nothing that was not, and of other requests all or nothing.
    pub(crate) fn check(&self, client: &mut Client) {
        let all = self.stored.iter().chain(&self.refused).chain(self.unsure.iter().flatten());
        let ids: HashSet<Uuid> = all
            .map(|thing| match thing {
                Thing::Begun(id) | Thing::Ended(id) | Thing::Judged(_, id) => *id,
            })
            .collect();
        let rows = client.runs(&ids.into_iter().collect::<Vec<_>>());
        let mut runs = HashMap::new();
        for row in rows {
            let id: Uuid = row["id"].as_str().unwrap().parse().unwrap();
            if row["name"] == "run" {
                assert_eq!(row["inputs"], inputs(id), "{id}");
            }
            if !row["end_time"].is_null() {
                assert_eq!(row["outputs"], outputs(id), "{id}");
            } else {
                assert!(row["outputs"].as_object().is_none_or(serde_json::Map::is_empty), "half an end: {row}");
            }
            assert!(runs.insert(id, row).is_none(), "{id} is there twice");
        }
        let has = |thing: &Thing| match thing {
            Thing::Begun(id) => runs.get(id).is_some_and(|row| row["name"] == "run"),
            Thing::Ended(id) => runs.get(id).is_some_and(|row| !row["end_time"].is_null()),
            Thing::Judged(id, run) => runs.get(run).is_some_and(|row| !row["feedback_stats"][id.to_string()].is_null()),
        };
        let lost: Vec<_> = self.stored.iter().filter(|thing| !has(thing)).collect();
        assert!(lost.is_empty(), "{} of {} are lost: {:?}", lost.len(), self.stored.len(), &lost[..lost.len().min(5)]);
        let kept: Vec<_> = self.refused.iter().filter(|thing| has(thing)).collect();
        assert!(kept.is_empty(), "refused, and there: {kept:?}");
        for request in &self.unsure {
            let there = request.iter().filter(|thing| has(thing)).count();
            assert!([0, request.len()].contains(&there), "{there} of a request: {request:?}");
        }
    }
}

/// Asserts that the file is whole, and has no run twice.
pub(crate) fn assert_whole(database: &Path) {
    let file = rusqlite::Connection::open(database).unwrap();
    let said: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    let (all, distinct): (i64, i64) = file
        .query_row("SELECT count(*), count(DISTINCT id) FROM runs", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(all, distinct);
}
