//! The sender: takes what waits, sends it, and sees to what became of it.
//!
//! It lives in a thread of its own, with a runtime of its own, so that it works whatever runtime the program has, and
//! outlives it. Each lane is a task there. A lane reads records in order, folds those of one run into one, and has a few
//! requests under way at once; what belongs to a run that is under way already waits until that is through, so that the
//! operations of a run arrive in order.

mod batch;
mod dead_letters;
mod deliver;
pub(crate) mod fate;
mod gate;
pub(crate) mod http;

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use uuid::Uuid;

use super::lane::{Lane, Source};
use super::log::Entry;
use super::notice::Problem;
use super::record::{Folded, Operation};
use batch::{Batch, Item, Origin};
use deliver::Delivery;
use gate::Gate;

/// How many bytes may wait for a run that is under way.
const DEFERRED: usize = 8 << 20;

/// After so many panics in a row, the operation that was sent alone each time is put aside.
const HOPELESS: u32 = 8;

/// Runs the lane until it is told to stop. A panic of ours costs an attempt, no record: the next batches are half as large
/// each time, until one is through. A single operation that none survives is refused.
pub(crate) async fn run(lane: Arc<Lane>) {
    let (mut panics, mut hopeless) = (0u32, None);
    loop {
        let mut courier = Courier::new(lane.clone(), panics, hopeless);
        let worked = AssertUnwindSafe(courier.work()).catch_unwind().await;
        if worked.is_ok() {
            return;
        }
        panics = courier.panics.saturating_add(1);
        let is_alone = panics >= HOPELESS && courier.under_way.len() == 1;
        hopeless = courier.under_way.iter().next().copied().filter(|_| is_alone);
        drop(courier);
        lane.say(&Problem::Panicked { worker: "sender" });
        lane.rewind();
        let pause = Duration::from_millis(10).saturating_mul(1 << panics.min(10)).min(Duration::from_secs(10));
        lane.options.clock.sleep(pause).await;
    }
}

struct Courier {
    lane: Arc<Lane>,
    /// How often the sender panicked since a batch was through: it then takes fewer and fewer at once, to find the one that
    /// it cannot bear.
    panics: u32,
    /// The run that it cannot bear.
    hopeless: Option<Uuid>,
    /// Records of runs that are under way, and all that follow them.
    deferred: VecDeque<Item>,
    deferred_bytes: usize,
    under_way: HashSet<Uuid>,
    /// Whether what is there has waited for company.
    lingered: bool,
    /// The lowest ordinals of the batches under way.
    oldest: HashMap<u64, [Option<u64>; 2]>,
    batches: u64,
}

impl Courier {
    fn new(lane: Arc<Lane>, panics: u32, hopeless: Option<Uuid>) -> Self {
        Self {
            lane,
            panics,
            hopeless,
            deferred: VecDeque::new(),
            deferred_bytes: 0,
            under_way: HashSet::new(),
            lingered: false,
            oldest: HashMap::new(),
            batches: 0,
        }
    }

    async fn work(&mut self) {
        let lane = self.lane.clone();
        let gate = Gate::new(lane.options.clock.clone());
        let delivery = Delivery::new(lane.clone(), &gate);
        let mut under_way = FuturesUnordered::new();
        loop {
            let at_once = if self.panics > 0 { 1 } else { lane.options.at_once };
            let may_send =
                under_way.len() < at_once && (gate.is_open() || under_way.is_empty()) && self.has_room_or_ripe();
            if may_send
                && self.is_ready()
                && let Some(batch) = self.next_batch()
            {
                lane.options.fault("courier: a batch is made");
                let number = self.note(&batch);
                let delivery = &delivery;
                under_way.push(async move { (number, delivery.deliver(batch).await) });
                continue;
            }
            let deadline = lane.end_flushes(|source| self.oldest_of(source));
            if lane.stopped.load(Ordering::SeqCst) {
                return;
            }
            let (done, lingered) = {
                let more = Box::pin(self.more_to_do(may_send, deadline));
                match select(under_way.next(), more).await {
                    Either::Left((None, more)) => (None, more.await),
                    Either::Left((done, _)) => (done, self.lingered),
                    Either::Right((lingered, _)) => (None, lingered),
                }
            };
            if let Some((number, ids)) = done {
                self.panics = 0;
                self.oldest.remove(&number);
                ids.iter().for_each(|id: &Uuid| {
                    self.under_way.remove(id);
                });
            }
            self.lingered = lingered;
        }
    }

    /// Whether something deferred can be sent, or more can be read: else there is nothing to do but to wait for answers.
    fn has_room_or_ripe(&self) -> bool {
        self.deferred_bytes < DEFERRED || self.is_ripe()
    }

    /// Whether a run that something was deferred for is through.
    fn is_ripe(&self) -> bool {
        self.deferred.iter().any(|item| !self.under_way.contains(&item.operation.id))
    }

    /// Whether what is there is to be sent now: there is a whole batch of it, or it has waited for company, or somebody
    /// waits for it.
    fn is_ready(&self) -> bool {
        let undone = self.lane.wake.undone();
        self.is_ripe()
            || undone > 0
                && (self.lingered
                    || self.panics > 0
                    || self.lane.urgent.load(Ordering::SeqCst)
                    || undone >= self.lane.protocol.limits().operations)
    }

    /// Waits until there may be something to do besides waiting for answers: records to send, if they may be sent, or the
    /// end of a flush. Answers whether what is there has waited for company long enough.
    async fn more_to_do(&self, may_send: bool, deadline: Option<Instant>) -> bool {
        let lane = &*self.lane;
        let clock = &*lane.options.clock;
        let called = Box::pin(lane.called.notified());
        let until = deadline.map(|deadline| deadline.saturating_duration_since(clock.now()));
        let mut lingers = false;
        let pause = if !may_send {
            until // records come in meanwhile; nobody needs to be told
        } else if self.is_ready() {
            Some(Duration::from_millis(1)) // announced, and not quite there yet
        } else if !lane.wake.await_work(1) {
            until
        } else if lane.wake.await_work(lane.protocol.limits().operations) {
            Some(Duration::ZERO)
        } else {
            lingers = until.is_none_or(|until| until > lane.options.linger);
            Some(until.map_or(lane.options.linger, |until| until.min(lane.options.linger)))
        };
        match pause {
            Some(pause) => match select(called, clock.sleep(pause)).await {
                Either::Left(_) => false,
                Either::Right(_) => lingers,
            },
            None => {
                called.await;
                false
            }
        }
    }

    /// The next operations to send: deferred ones whose run is through, then unread ones.
    fn next_batch(&mut self) -> Option<Batch> {
        let lane = self.lane.clone();
        let limits = lane.protocol.limits();
        let most = (limits.operations >> self.panics.min(16)).max(1);
        let mut folded: Folded<Origin> = Folded::new();
        let mut bytes = 0;
        let (mut skipped, mut is_full) = (HashSet::new(), false);
        for item in std::mem::take(&mut self.deferred) {
            let blocked = self.under_way.contains(&item.operation.id) || skipped.contains(&item.operation.id);
            let is_too_much = folded.len() > 0 && bytes + item.origin.bytes > limits.bytes;
            if blocked || is_too_much || folded.len() >= most {
                is_full |= is_too_much;
                skipped.insert(item.operation.id);
                self.deferred.push_back(item);
            } else {
                self.deferred_bytes -= item.origin.bytes;
                bytes += item.origin.bytes;
                folded.push(item.operation, item.origin);
            }
        }
        while !is_full && folded.len() < most && bytes < limits.bytes && self.deferred_bytes < DEFERRED {
            // Of most runs, start and end are both there: as many records again make as many operations.
            let read = lane.read((most - folded.len()).max(1), limits.bytes - bytes);
            if read.is_empty() {
                break;
            }
            for (source, ordinal, Entry { place, bytes: record }) in read {
                let origin = Origin { source, ordinal, place, bytes: record.len() };
                let Some(operation) = Operation::read(&record) else {
                    let reason = "a record that this version cannot read was put aside".into();
                    lane.say(&Problem::Spool { reason });
                    if lane.put_aside(source, &record) {
                        lane.ledger.refuse(lane.settle(source, &[place], record.len()));
                    }
                    continue;
                };
                if self.hopeless == Some(operation.id) {
                    self.give_up(&operation, &origin);
                    continue;
                }
                let is_too_much = folded.len() > 0 && bytes + origin.bytes > limits.bytes;
                if is_too_much || self.under_way.contains(&operation.id) || skipped.contains(&operation.id) {
                    is_full |= is_too_much;
                    skipped.insert(operation.id);
                    self.deferred_bytes += origin.bytes;
                    self.deferred.push_back(Item { operation, origin });
                } else {
                    bytes += origin.bytes;
                    folded.push(operation, origin);
                }
            }
        }
        if lane.wake.undone() == 0 {
            self.lingered = false;
        }
        let batch = Batch::of(folded);
        (!batch.is_empty()).then_some(batch)
    }

    /// Puts an operation aside that the sender cannot bear.
    fn give_up(&self, operation: &Operation, origin: &Origin) {
        let (lane, reason) = (&*self.lane, "sending it panicked, again and again");
        let keep = || dead_letters::keep(lane, operation, &lane.protocol.dead_letter(operation), reason);
        if let Ok(Err(error)) = catch_unwind(AssertUnwindSafe(keep)) {
            lane.say(&Problem::Spool { reason: format!("keeping a refused operation: {error}") });
        }
        lane.ledger.refuse(lane.settle(origin.source, &[origin.place], origin.bytes));
        let destination = lane.protocol.destination();
        lane.say(&Problem::Refused { destination, run: operation.id, reason: reason.to_owned() });
    }

    /// Notes what is under way; answers the batch's number.
    fn note(&mut self, batch: &Batch) -> u64 {
        self.batches += 1;
        self.under_way.extend(batch.ids());
        let of = |source| batch.oldest(source);
        self.oldest.insert(self.batches, [of(Source::Memory), of(Source::Own)]);
        self.batches
    }

    /// The lowest ordinal of a log that is read and not settled.
    fn oldest_of(&self, source: Source) -> Option<u64> {
        let index = usize::from(source == Source::Own);
        let under_way = self.oldest.values().filter_map(|oldest| oldest[index]);
        let deferred = self.deferred.iter().filter(|item| item.origin.source == source).map(|item| item.origin.ordinal);
        under_way.chain(deferred).min()
    }
}
