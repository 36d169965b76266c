//! One process's exporter: the door, the scribe, the lanes, and the two threads behind them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use runtree_core::{Moment, Result, ResultExt, Run, process_id};
use uuid::Uuid;

use super::clock;
use super::courier;
use super::door::{Door, Passing, Shut};
use super::files::write_private;
use super::lane::{Done, Lane};
use super::ledger::Cause;
use super::notice::{Notices, Problem};
use super::options::{Durability, Options};
use super::protocol::Protocol;
use super::receipt::{Receipt, Stats};
use super::scribe::Scribe;
#[cfg(unix)]
use super::signals;
use super::spool::{Disk, PROBE, RealDisk, Spool, SpoolOptions};
use super::weigh;

/// The file in a destination's folder that says what the destination is.
const DESTINATION: &str = "destination.json";
/// How long the scribe lets things come together, when the caller does not write by itself.
const GATHER: Duration = Duration::from_millis(5);
/// How long what is in the spool may be unsynced, where power loss is to be survived.
const UNSYNCED: Duration = Duration::from_millis(10);
/// The longest wait after panics of the scribe in a row; then what it had written is lost.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What takes up more than this part of the memory for what waits is a giant.
const GIANT: usize = 8;
/// How long after a sync that failed the next one is tried.
const SYNC_AGAIN: Duration = Duration::from_millis(200);
/// How often the spools of dead processes are looked for.
const LOOK: Duration = Duration::from_secs(30);

enum Task {
    Opened(Arc<Run>, usize),
    Closed(Arc<Run>, usize),
    /// The end of a run was not let in.
    Lost(Uuid),
    Sync,
    Flush {
        everything: bool,
        deadline: Instant,
        done: Done,
    },
    Stop,
}

/// An exporter as one process has it. In a forked child there are no threads and no one reads the queue: the child gets
/// an engine of its own, reached through its parent's.
pub(crate) struct Engine {
    pid: u32,
    child: OnceLock<Arc<Engine>>,
    options: Arc<Options>,
    door: Arc<Door>,
    notices: Arc<Notices>,
    tasks: Sender<Task>,
    scribe: Arc<Mutex<Scribe>>,
    lanes: Vec<Arc<Lane>>,
    /// Whether a sync is asked for and has not begun.
    unsynced: Arc<AtomicBool>,
    over: Mutex<Option<Receiver<()>>>,
}

impl Engine {
    /// Starts the threads.
    pub(crate) fn start(
        protocols: &[Arc<dyn Protocol>],
        options: &Arc<Options>,
        born: Option<Moment>,
    ) -> Result<Arc<Self>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.or_fail("making the runtime that sends runs")?;
        let door = Arc::new(Door::new(options.memory));
        let notices = Arc::new(Notices::default());
        let lanes: Vec<Arc<Lane>> = protocols
            .iter()
            .map(|protocol| {
                let spool = open_spool(&**protocol, options, &notices);
                let lane = Lane::new(protocol.clone(), options.clone(), notices.clone(), door.clone(), spool);
                Arc::new(lane)
            })
            .collect();
        let scribe = Arc::new(Mutex::new(Scribe::new(lanes.clone(), born)));
        let (tasks, received) = channel();
        let (ended, over) = channel();
        let unsynced = Arc::new(AtomicBool::new(false));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        {
            let written = Written {
                scribe: scribe.clone(),
                lanes: lanes.clone(),
                door: door.clone(),
                options: options.clone(),
                unsynced: unsynced.clone(),
            };
            let ended = ended.clone();
            // Values may be nested deeply, and are dropped here.
            let thread = thread("runtree-scribe").stack_size(16 << 20);
            thread
                .spawn(move || {
                    written.write_down(&received);
                    let _: std::result::Result<(), _> = ended.send(()); // nobody waits any more
                })
                .or_fail("starting the thread that writes runs down")?;
        }
        {
            let (lanes, options) = (lanes.clone(), options.clone());
            thread("runtree-courier")
                .spawn(move || {
                    send_out(&runtime, &lanes, &options);
                    let _: std::result::Result<(), _> = ended.send(()); // nobody waits any more
                })
                .or_fail("starting the thread that sends runs")?;
        }
        Ok(Arc::new(Self {
            pid: process_id(),
            child: OnceLock::new(),
            options: options.clone(),
            door,
            notices,
            tasks,
            scribe,
            lanes,
            unsynced,
            over: Mutex::new(Some(over)),
        }))
    }

    /// The engine of this process.
    pub(crate) fn here(self: &Arc<Self>) -> Arc<Self> {
        let pid = process_id();
        let mut engine = self;
        while engine.pid != pid {
            engine = engine.child.get_or_init(|| {
                let of_ours = |lane: &Arc<Lane>| lane.protocol.reborn().unwrap_or_else(|| lane.protocol.clone());
                let protocols: Vec<_> = engine.lanes.iter().map(of_ours).collect();
                let now = Moment::from_micros(
                    u64::try_from(clock::wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_micros())
                        .unwrap_or(u64::MAX),
                );
                match Self::start(&protocols, &engine.options, Some(now)) {
                    Ok(child) => {
                        #[cfg(unix)]
                        signals::follow(&engine.options);
                        child
                    }
                    Err(error) => {
                        let reason = format!("it cannot start in the forked process: {error}");
                        engine.notices.say(&engine.options, &Problem::Spool { reason });
                        Arc::new(Self::dead(engine, pid))
                    }
                }
            });
        }
        engine.clone()
    }

    /// An engine that lets nobody in, for a process that can start no threads.
    fn dead(parent: &Self, pid: u32) -> Self {
        let door = Arc::new(Door::new(0));
        door.close();
        Self {
            pid,
            child: OnceLock::new(),
            options: parent.options.clone(),
            door,
            notices: Arc::new(Notices::default()),
            tasks: channel().0,
            scribe: Arc::new(Mutex::new(Scribe::new(Vec::new(), None))),
            lanes: Vec::new(),
            unsynced: Arc::default(),
            over: Mutex::new(None),
        }
    }

    /// The engine of this process, if it has one already.
    pub(crate) fn started_here(self: &Arc<Self>) -> Option<&Arc<Self>> {
        let pid = process_id();
        std::iter::successors(Some(self), |engine| engine.child.get()).find(|engine| engine.pid == pid)
    }

    fn scribe(&self) -> MutexGuard<'_, Scribe> {
        self.scribe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over that a run opened.
    pub(crate) fn opened(&self, run: &Arc<Run>) {
        let told = || self.lanes.iter().filter(|lane| lane.protocol.tells_openings());
        told().for_each(|lane| lane.ledger.hand_over(1));
        if self.options.appends() {
            match self.door.pass() {
                Ok(_passing) => self.append(|scribe| scribe.opened(run, false)),
                Err(_) => told().for_each(|lane| lane.lose(Cause::Closed, 1)),
            }
            return;
        }
        let weight = weigh::opened(run);
        match self.admit(weight) {
            Ok(_passing) => self.send(Task::Opened(run.clone(), weight)),
            Err(Shut::Full) if self.is_giant(weight) => self.append(|scribe| scribe.opened(run, false)),
            Err(shut) => told().for_each(|lane| lane.lose(cause(shut), 1)),
        }
    }

    /// Hands over that a run ended.
    pub(crate) fn closed(&self, run: &Arc<Run>) {
        self.lanes.iter().for_each(|lane| lane.ledger.hand_over(1));
        if self.options.appends() {
            match self.door.pass() {
                Ok(_passing) => self.append(|scribe| scribe.closed(run)),
                Err(_) => self.lanes.iter().for_each(|lane| lane.lose(Cause::Closed, 1)),
            }
        } else {
            let weight = weigh::closed(run);
            match self.admit(weight) {
                Ok(_passing) => self.send(Task::Closed(run.clone(), weight)),
                Err(Shut::Full) if self.is_giant(weight) => self.append(|scribe| scribe.closed(run)),
                Err(shut) => {
                    self.lanes.iter().for_each(|lane| lane.lose(cause(shut), 1));
                    self.send(Task::Lost(run.id()));
                }
            }
        }
        if let Some(longest) = self.options.flush_on_root.filter(|_| run.parent_id().is_none()) {
            let _: bool = self.flush_within(false, longest);
        }
    }

    /// Lets in what can wait for its turn as it is.
    fn admit(&self, weight: usize) -> std::result::Result<Passing<'_>, Shut> {
        if weight > self.options.memory { self.door.pass().and(Err(Shut::Full)) } else { self.door.admit(weight) }
    }

    /// Whether it is too large to wait as it is, and its record may well not be: fields have a limit. Then the caller writes
    /// it down, rather than that a run never ends.
    fn is_giant(&self, weight: usize) -> bool {
        let waiting: u64 = self.lanes.iter().map(|lane| lane.in_memory().bytes).sum();
        weight > self.options.memory / GIANT && waiting <= self.options.memory as u64 / 2
    }

    fn append(&self, write: impl FnOnce(&mut Scribe)) {
        {
            let mut scribe = self.scribe();
            write(&mut scribe);
            scribe.hand_on();
        }
        let power_safe = self.options.durability == Durability::PowerSafe;
        if power_safe && !self.unsynced.swap(true, Ordering::SeqCst) {
            self.send(Task::Sync);
        }
    }

    fn send(&self, task: Task) {
        // The scribe goes only after the door was closed; then nothing comes that anybody waits for.
        let _: std::result::Result<(), _> = self.tasks.send(task);
    }

    /// Calls `done` when all that was handed over before is settled, or at the deadline.
    fn flush(&self, everything: bool, longest: Duration, done: impl FnOnce(bool) + Send + 'static) {
        let now = self.options.clock.now();
        let deadline = now.checked_add(longest).unwrap_or(now + Duration::from_secs(1 << 30));
        self.send(Task::Flush { everything, deadline, done: Box::new(done) });
    }

    /// Waits, in this thread, until all that was handed over before is settled; no longer than told.
    pub(crate) fn flush_within(&self, everything: bool, longest: Duration) -> bool {
        let (done, wait) = channel();
        self.flush(everything, longest, move |complete| {
            let _: std::result::Result<(), _> = done.send(complete); // nobody waits any more
        });
        // A little longer than told: the sender ends it at its deadline, unless it is in trouble.
        wait.recv_timeout(longest.saturating_add(Duration::from_millis(50))).unwrap_or(false)
    }

    /// Waits until all that was handed over before is settled; no longer than told.
    pub(crate) fn flushed(&self, everything: bool, longest: Duration) -> impl Future<Output = bool> + Send + use<> {
        let (done, wait) = oneshot::channel();
        self.flush(everything, longest, move |complete| {
            let _: std::result::Result<(), _> = done.send(complete); // nobody waits any more
        });
        async move { wait.await.unwrap_or(false) }
    }

    /// Lets nobody in any more, sends what it can within `longest`, and ends the threads. What is left in memory is given
    /// up and counted; what is in the spool stays.
    pub(crate) fn close(&self, longest: Duration) -> Receipt {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(over) = over {
            let begun = self.options.clock.now();
            self.door.close();
            let _: bool = self.flush_within(false, longest);
            self.send(Task::Stop);
            for lane in &self.lanes {
                lane.stopped.store(true, Ordering::SeqCst);
                lane.called.notify_one();
            }
            let left = longest.saturating_sub(self.options.clock.now().saturating_duration_since(begun));
            let grace = left.max(Duration::from_millis(100));
            for _thread in 0..2 {
                let _: std::result::Result<(), _> = over.recv_timeout(grace); // it may be busy; then it ends later
            }
            self.lanes.iter().for_each(|lane| lane.close());
        }
        self.receipt()
    }

    /// What became of the operations so far.
    pub(crate) fn receipt(&self) -> Receipt {
        self.lanes.iter().map(|lane| lane.receipt()).fold(Receipt::default(), Receipt::plus)
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats { receipt: self.receipt(), memory_bytes: self.door.held() as u64, ..Stats::default() };
        for lane in &self.lanes {
            stats.spool_bytes += lane.spooled().bytes;
            stats.requests += lane.ledger.requests();
            stats.retries += lane.ledger.retries();
            stats.sent_bytes += lane.ledger.sent_bytes();
            stats.damaged += lane.damage().0;
        }
        stats
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }
}

fn cause(shut: Shut) -> Cause {
    match shut {
        Shut::Full => Cause::QueueFull,
        Shut::Closed => Cause::Closed,
    }
}

fn spool_options(protocol: &dyn Protocol, options: &Options) -> Option<SpoolOptions> {
    let settings = options.spool.as_ref()?;
    Some(SpoolOptions {
        dir: settings.folder_of(protocol.key()),
        segment_bytes: settings.segment,
        budget_bytes: settings.budget,
        when_full: settings.when_full,
        sync: options.durability == Durability::PowerSafe,
        ..SpoolOptions::new("")
    })
}

fn open_spool(protocol: &dyn Protocol, options: &Options, notices: &Notices) -> Option<Spool> {
    let spool = spool_options(protocol, options)?;
    let open = || {
        // Who could put another folder in the place of ours could read what is in it.
        let all = options.spool.as_ref().map_or(&spool.dir, |all| &all.directory).clone();
        RealDisk.private_dir(&all)?;
        // Of processes that were killed while they did the same.
        for probe in RealDisk.list(&all)?.iter().filter(|item| item.name.starts_with(PROBE)) {
            let _: std::io::Result<()> = RealDisk.remove(&all.join(&probe.name)); // somebody else may be faster
        }
        let (dir, about) = (spool.dir.clone(), serde_json::to_vec_pretty(&protocol.about())?);
        let opened = Spool::open(spool, Arc::new(RealDisk))?;
        let path = dir.join(DESTINATION);
        // A spool is of use without it, and a disk that is full now may have room later.
        if std::fs::read(&path).ok().is_none_or(|known| known != about)
            && let Err(error) = write_private(&path, &about)
        {
            let reason = format!("writing {}: {error}", path.display());
            notices.say(options, &Problem::Spool { reason });
        }
        Ok::<Spool, std::io::Error>(opened)
    };
    open()
        .inspect_err(|error| {
            let reason = format!("it cannot be opened, runs are kept in memory: {error}");
            notices.say(options, &Problem::Spool { reason });
        })
        .ok()
}

/// What the scribe's thread works on.
struct Written {
    scribe: Arc<Mutex<Scribe>>,
    lanes: Vec<Arc<Lane>>,
    door: Arc<Door>,
    options: Arc<Options>,
    unsynced: Arc<AtomicBool>,
}

impl Written {
    fn scribe(&self) -> MutexGuard<'_, Scribe> {
        self.scribe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the scribe's thread does.
    fn write_down(&self, tasks: &Receiver<Task>) {
        let syncs = self.options.durability == Durability::PowerSafe && !self.options.appends();
        let mut synced = true;
        loop {
            let next =
                if synced { tasks.recv().map_err(RecvTimeoutError::from) } else { tasks.recv_timeout(SYNC_AGAIN) };
            let task = match next {
                Ok(task) => task,
                Err(RecvTimeoutError::Timeout) => {
                    synced = self.sync();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // What comes right after comes along, and most runs have ended by then.
            if matches!(task, Task::Opened(..) | Task::Closed(..)) {
                clock::pause(GATHER);
            }
            let (mut sync, mut stop, mut starts, mut ends) = (syncs, false, 0, 0);
            for task in std::iter::once(task).chain(tasks.try_iter()) {
                match task {
                    Task::Opened(_, weight) if self.is_over() => {
                        starts += 1;
                        self.door.release(weight);
                    }
                    Task::Closed(run, weight) if self.is_over() => {
                        ends += 1;
                        self.scribe().lost(run.id());
                        self.door.release(weight);
                    }
                    Task::Opened(run, weight) => {
                        self.write(run, weight, |scribe, run| scribe.opened(run, true));
                    }
                    Task::Closed(run, weight) => self.write(run, weight, Scribe::closed),
                    Task::Lost(id) => self.scribe().lost(id),
                    Task::Sync => {
                        clock::pause(UNSYNCED);
                        sync = true;
                    }
                    Task::Flush { everything, deadline, done } => {
                        self.hand_on();
                        flush_all(&self.lanes, everything, deadline, done);
                    }
                    Task::Stop => stop = true,
                }
            }
            self.hand_on();
            if starts + ends > 0 {
                for lane in &self.lanes {
                    lane.lose(Cause::Closed, ends + if lane.protocol.tells_openings() { starts } else { 0 });
                }
            }
            if sync || stop {
                synced = self.sync();
            }
            if stop {
                return;
            }
        }
    }

    /// Whether all has ended, and what is not in memory yet would be given up there.
    fn is_over(&self) -> bool {
        self.options.spool.is_none() && self.lanes.iter().any(|lane| lane.stopped.load(Ordering::SeqCst))
    }

    fn write(&self, run: Arc<Run>, weight: usize, write: fn(&mut Scribe, &Run)) {
        // The last owner of a run may drop handlers with it, whose code is the user's.
        let mut run = Some(run);
        self.survive(&mut || run.take().iter().for_each(|run| write(&mut self.scribe(), run)));
        self.door.release(weight);
    }

    /// A panic of ours costs time, and no record: what is written stays with the scribe until the logs have it.
    fn survive(&self, work: &mut dyn FnMut()) -> bool {
        let survived = catch_unwind(AssertUnwindSafe(work)).is_ok();
        if !survived && let Some(lane) = self.lanes.first() {
            lane.say(&Problem::Panicked { worker: "scribe" });
        }
        survived
    }

    fn hand_on(&self) {
        let mut pause = Duration::from_millis(10);
        while !self.survive(&mut || self.scribe().hand_on()) && pause < LONGEST_PAUSE {
            clock::pause(pause);
            pause *= 2;
        }
    }

    /// Syncs all that was written down before; answers whether that is certain.
    fn sync(&self) -> bool {
        // What is written from here on asks for a sync of its own.
        self.unsynced.store(false, Ordering::SeqCst);
        self.options.fault("scribe: before a sync");
        self.lanes.iter().filter(|lane| !lane.sync()).count() == 0
    }
}

/// Calls `done` once every lane is through.
fn flush_all(lanes: &[Arc<Lane>], everything: bool, deadline: Instant, done: Done) {
    struct All {
        left: AtomicUsize,
        complete: AtomicBool,
        done: Mutex<Option<Done>>,
    }
    let all = Arc::new(All {
        left: AtomicUsize::new(lanes.len()),
        complete: AtomicBool::new(true),
        done: Mutex::new(Some(done)),
    });
    let one = |all: &All, complete: bool| {
        all.complete.fetch_and(complete, Ordering::SeqCst);
        if all.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            let done = all.done.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(done) = done {
                done(all.complete.load(Ordering::SeqCst));
            }
        }
    };
    for lane in lanes {
        let all = all.clone();
        lane.flush(everything, deadline, Box::new(move |complete| one(&all, complete)));
    }
}

/// What the courier's thread does: all lanes, on one runtime.
fn send_out(runtime: &tokio::runtime::Runtime, lanes: &[Arc<Lane>], options: &Arc<Options>) {
    runtime.block_on(async {
        let couriers = futures::future::join_all(lanes.iter().map(|lane| courier::run(lane.clone())));
        let adoption = Box::pin(adopt_now_and_then(lanes, options));
        futures::future::select(Box::pin(couriers), adoption).await;
    });
}

/// Takes over what dead processes left: at the start, every half a minute, and when somebody waits for it.
async fn adopt_now_and_then(lanes: &[Arc<Lane>], options: &Options) {
    if options.spool.is_none() {
        return std::future::pending().await;
    }
    loop {
        for lane in lanes {
            let Some(options) = spool_options(&*lane.protocol, &lane.options) else { continue };
            let disk: Arc<dyn Disk> = Arc::new(RealDisk);
            lane.look(|| Spool::adopt(&options, &disk).map(|adopted| (adopted.spools, adopted.failed)));
        }
        let asked = lanes.iter().map(|lane| Box::pin(lane.asked_to_look()));
        futures::future::select(Box::pin(tokio::time::sleep(LOOK)), futures::future::select_all(asked)).await;
    }
}
