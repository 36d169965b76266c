//! Sends one batch until every operation of it is settled: stored, or refused.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::batch::{Batch, Origin};
use super::dead_letters;
use super::gate::{Gate, HOLD};
use super::http::{Failure, Http};
use crate::export::lane::{Lane, Source};
use crate::export::log::Place;
use crate::export::notice::Problem;
use crate::export::protocol::Reaction;
use crate::export::record::{Kind, Operation};

/// The longest that the other side may be silent, after several silences.
const LONGEST_PATIENCE: Duration = Duration::from_secs(120);

/// Sends batches of one lane.
pub(super) struct Delivery<'g> {
    lane: Arc<Lane>,
    gate: &'g Gate,
    http: Result<Http, String>,
    patience: Cell<Duration>,
    /// Held while the server is asked for its limits, so that it is asked once.
    asking: tokio::sync::Mutex<()>,
}

/// What became of one attempt.
enum Attempt {
    Stored { refused: Vec<(Uuid, String)> },
    StoredBut { refused: u64, reason: String },
    TooLarge { reason: String },
    Bad { reason: String },
    Known,
}

/// A part of a batch that is still to be sent.
struct Piece {
    batch: Batch,
    /// Set once the half before it was found to be good: then this one is the bad one.
    first_is_good: Option<Rc<Cell<bool>>>,
    /// To be set when this half is good.
    tells: Option<Rc<Cell<bool>>>,
    /// A single operation that was found to be bad once.
    is_doubted: bool,
}

impl From<Batch> for Piece {
    fn from(batch: Batch) -> Self {
        Self { batch, first_is_good: None, tells: None, is_doubted: false }
    }
}

impl<'g> Delivery<'g> {
    pub(super) fn new(lane: Arc<Lane>, gate: &'g Gate) -> Self {
        let http = lane.protocol.http();
        let patience = Cell::new(lane.options.patience);
        Self { lane, gate, http, patience, asking: tokio::sync::Mutex::default() }
    }

    /// Sends a batch, piece by piece if need be. Answers the ids of its runs.
    ///
    /// One bad operation among `n` is found with at most `2 log2 n + 1` requests: when the first half of a bad piece turns
    /// out to be good, the second is not sent whole. A single one is refused when it was found to be bad twice: once, it may
    /// have been damaged on the way.
    pub(super) async fn deliver(&self, batch: Batch) -> Vec<Uuid> {
        let ids = batch.ids().collect();
        let mut pieces = vec![Piece::from(batch)];
        while let Some(mut piece) = pieces.pop() {
            let inferred = piece.first_is_good.take().is_some_and(|good| good.get());
            if piece.batch.is_bad || inferred {
                match piece.batch.halves() {
                    Ok((first, second)) => {
                        let good = Rc::new(Cell::new(false));
                        pieces.push(Piece { first_is_good: Some(good.clone()), ..second.into() });
                        pieces.push(Piece { tells: Some(good), ..first.into() });
                        continue;
                    }
                    Err(single) => piece.batch = Batch { is_bad: false, ..single },
                }
            }
            match self.attempt(&piece.batch).await {
                Attempt::Stored { refused } => {
                    piece.tells.iter().for_each(|tells| tells.set(refused.is_empty()));
                    self.stored(piece.batch, &refused);
                }
                Attempt::StoredBut { refused, reason } => {
                    // Whether this half was the bad one stays open, so the other one is sent whole.
                    self.stored_but(piece.batch, refused, reason);
                }
                Attempt::Bad { reason } => match piece.batch.operations.len() {
                    1 if piece.is_doubted => self.refused(piece.batch, &reason),
                    1 => pieces.push(Piece { is_doubted: true, ..piece }),
                    _ => pieces.push(Batch { is_bad: true, ..piece.batch }.into()),
                },
                Attempt::Known => match &mut piece.batch.operations[..] {
                    // The server has its start, perhaps no more.
                    [(create, _)] if create.kind == Kind::Create => {
                        create.kind = Kind::Update;
                        pieces.push(piece.batch.into());
                    }
                    [_] => self.stored(piece.batch, &[]),
                    _ => pieces.push(Batch { is_bad: true, ..piece.batch }.into()),
                },
                Attempt::TooLarge { reason } => match piece.batch.halves() {
                    Ok((first, second)) => {
                        pieces.push(second.into());
                        pieces.push(first.into());
                    }
                    Err(single) => self.shorten(single, &reason, &mut pieces),
                },
            }
        }
        ids
    }

    /// Sends one request, again and again, until the server has said what it makes of it.
    async fn attempt(&self, batch: &Batch) -> Attempt {
        let lane = &*self.lane;
        let operations: Vec<&Operation> = batch.operations.iter().map(|(operation, _)| operation).collect();
        let mut again = false;
        loop {
            let permit = self.gate.pass().await;
            let http = match &self.http {
                Ok(http) => http,
                Err(reason) => {
                    permit.failed(Some(HOLD));
                    self.held(reason);
                    continue;
                }
            };
            lane.options.fault("courier: before a request");
            let prepared = {
                let _asking = self.asking.lock().await;
                lane.protocol.prepare(http).await
            };
            if let Err(failure) = prepared {
                lane.options.fault("courier: after an answer");
                permit.failed(None);
                self.failing(&failure.reason);
                continue;
            }
            // What was taken together before the server's limits were known may be more than it takes.
            if batch.is_more_than(lane.protocol.limits()) {
                lane.options.fault("courier: after an answer");
                return Attempt::TooLarge { reason: "more than the server takes".into() };
            }
            let (sent, answer) = lane.protocol.send(http, &operations, self.patience.get()).await;
            lane.options.fault("courier: after an answer");
            lane.ledger.request(again, sent as u64);
            again = true;
            let reaction = match answer {
                Ok(answer) => {
                    self.patience.set(lane.options.patience);
                    lane.protocol.reaction(&answer)
                }
                Err(Failure { reason, silent }) => {
                    if silent {
                        self.patience.set((self.patience.get() * 2).min(LONGEST_PATIENCE));
                    }
                    Reaction::Retry { reason, after: None }
                }
            };
            match reaction {
                Reaction::Retry { reason, after } => {
                    permit.failed(after);
                    self.failing(&reason);
                }
                Reaction::Hold { reason } => {
                    permit.failed(Some(HOLD));
                    self.held(&reason);
                }
                Reaction::Stored { refused } => {
                    permit.succeeded();
                    return Attempt::Stored { refused };
                }
                Reaction::StoredBut { refused, reason } => {
                    permit.succeeded();
                    return Attempt::StoredBut { refused, reason };
                }
                Reaction::TooLarge { reason } => {
                    permit.succeeded();
                    return Attempt::TooLarge { reason };
                }
                Reaction::Bad { reason } => {
                    permit.succeeded();
                    return Attempt::Bad { reason };
                }
                Reaction::Known => {
                    permit.succeeded();
                    return Attempt::Known;
                }
            }
        }
    }

    fn failing(&self, reason: &str) {
        let destination = self.lane.protocol.destination();
        self.lane.say(&Problem::Failing { destination, reason: reason.to_owned() });
    }

    fn held(&self, reason: &str) {
        let destination = self.lane.protocol.destination();
        self.lane.say(&Problem::Held { destination, reason: reason.to_owned() });
    }

    fn stored(&self, batch: Batch, refused: &[(Uuid, String)]) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (operation, origins) in batch.operations {
            match refused.iter().find(|(id, _)| *id == operation.id) {
                Some((_, reason)) => bad.push(((operation, origins), reason)),
                None => good.extend(origins),
            }
        }
        self.lane.ledger.store(self.settle(good));
        for (operation, reason) in bad {
            self.refused(Batch { operations: vec![operation], is_bad: true }, reason);
        }
    }

    /// Which ones were refused is not known, so none is put aside.
    fn stored_but(&self, batch: Batch, refused: u64, reason: String) {
        let lane = &*self.lane;
        let origins: Vec<Origin> = batch.operations.into_iter().flat_map(|(_, origins)| origins).collect();
        let sent = self.settle(origins);
        let refused = refused.min(sent);
        lane.ledger.refuse(refused);
        lane.ledger.store(sent - refused);
        lane.say(&Problem::Rejected { destination: lane.protocol.destination(), operations: refused, reason });
    }

    fn refused(&self, batch: Batch, reason: &str) {
        let lane = &*self.lane;
        for (operation, origins) in batch.operations {
            // Put aside first: what dies in between is sent, and refused, once more.
            let kept = dead_letters::keep(lane, &operation, &lane.protocol.dead_letter(&operation), reason);
            if let Err(error) = kept {
                lane.say(&Problem::Spool { reason: format!("keeping a refused operation: {error}") });
            }
            lane.ledger.refuse(self.settle(origins));
            let destination = lane.protocol.destination();
            lane.say(&Problem::Refused { destination, run: operation.id, reason: reason.to_owned() });
        }
    }

    /// A single operation that is too large is sent without its large parts; one that has none is refused.
    fn shorten(&self, single: Batch, reason: &str, pieces: &mut Vec<Piece>) {
        let shortened = single.operations.first().and_then(|(operation, _)| self.lane.protocol.shortened(operation));
        let Some(shortened) = shortened else { return self.refused(single, reason) };
        let operations = single.operations.into_iter().map(|(_, origins)| (shortened.clone(), origins)).collect();
        pieces.push(Batch { operations, is_bad: false }.into());
    }

    /// Lets go of records, and answers of how many: what is counted is what was let go of, once.
    fn settle(&self, mut origins: Vec<Origin>) -> u64 {
        self.lane.options.fault("courier: before settling");
        origins.sort_by_key(|origin| (origin.source, origin.place));
        let of_one = origins.chunk_by(|a, b| a.source == b.source);
        of_one
            .map(|origins| {
                let source: Source = origins[0].source;
                let places: Vec<Place> = origins.iter().map(|origin| origin.place).collect();
                self.lane.settle(source, &places, origins.iter().map(|origin| origin.bytes).sum())
            })
            .sum()
    }
}
