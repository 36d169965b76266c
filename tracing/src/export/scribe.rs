//! Writes runs down: what was handed over becomes records in the logs of every lane.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use runtree_core::{Moment, Run};
use uuid::Uuid;

use super::lane::Lane;
use super::notice::Problem;
use super::protocol::Told;

/// Writes runs down, in the order in which they were handed over.
///
/// Of a run that has ended before its start is written down, one record is made, of both. A run that ends tells
/// everything anew but its inputs, so that no record needs another to be read.
pub(crate) struct Scribe {
    lanes: Vec<Arc<Lane>>,
    /// Runs that are open and were told of; with their inputs, or without.
    open: HashMap<Uuid, Told>,
    /// Runs that opened before were the business of the process that this one was forked from.
    born: Option<Moment>,
    records: Vec<Vec<Bytes>>,
    bytes: usize,
}

/// Records are handed to the logs together up to so many bytes.
const TOGETHER: usize = 256 << 10;

impl Scribe {
    pub(crate) fn new(lanes: Vec<Arc<Lane>>, born: Option<Moment>) -> Self {
        let records = lanes.iter().map(|_| Vec::new()).collect();
        Self { lanes, open: HashMap::new(), born, records, bytes: 0 }
    }

    /// Writes down that a run opened. Its end may be on its way already: with `carries`, it tells for both.
    pub(crate) fn opened(&mut self, run: &Run, carries: bool) {
        if carries && run.outcome().is_some() {
            self.tell_openings().for_each(|lane| lane.ledger.merge());
            if self.born.is_some() {
                self.open.insert(run.id(), Told::Nothing); // it may have made this process trace, and so be older
            }
            return;
        }
        self.open.insert(run.id(), Told::Opening { inputs: run.input().is_some() });
        self.write(run, None);
    }

    /// Writes down that a run ended.
    pub(crate) fn closed(&mut self, run: &Run) {
        let before_us = || self.born.is_some_and(|born| run.start_time() < born);
        let told = match self.open.remove(&run.id()) {
            Some(told) => told,
            None if before_us() => Told::Opening { inputs: true },
            None => Told::Nothing,
        };
        self.write(run, Some(told));
    }

    /// Notes that the end of a run was not let in, and forgets the run. A start that was left to it went with it.
    pub(crate) fn lost(&mut self, id: Uuid) {
        self.open.remove(&id);
    }

    fn tell_openings(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.lanes.iter().filter(|lane| lane.protocol.tells_openings())
    }

    fn write(&mut self, run: &Run, end: Option<Told>) {
        for (lane, records) in self.lanes.iter().zip(&mut self.records) {
            if end.is_none() && !lane.protocol.tells_openings() {
                continue;
            }
            let write = || {
                lane.options.fault("scribe: a record is written");
                match end {
                    None => lane.protocol.opened(run),
                    Some(told) => lane.protocol.closed(run, told),
                }
            };
            let caught = || catch_unwind(AssertUnwindSafe(write));
            // A panic of ours is tried once more before it costs a record.
            match caught().or_else(|_| caught()) {
                Ok(record) => {
                    self.bytes += record.len();
                    records.push(record);
                }
                Err(_) => {
                    lane.ledger.refuse(1);
                    lane.say(&Problem::Panicked { worker: "scribe" });
                }
            }
        }
        if self.bytes >= TOGETHER {
            self.hand_on();
        }
    }

    /// Hands what was written to the logs.
    pub(crate) fn hand_on(&mut self) {
        self.bytes = 0;
        for (lane, records) in self.lanes.iter().zip(&mut self.records) {
            if !records.is_empty() {
                lane.options.fault("scribe: records are handed on");
                lane.append(&std::mem::take(records));
            }
        }
    }
}
