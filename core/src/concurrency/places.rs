//! Places under nested bounds: who holds one, who waits, and who lends his.
//!
//! An outermost bound and all that are set inside of it share one [`Book`]. A slot takes a place under all of its
//! bounds at once or waits for all of them, so nobody holds one place while he waits for another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::ThreadId;

/// A bound, and the bound it was set inside of.
pub(crate) struct Limiter {
    at_once: usize,
    outer: Option<Arc<Limiter>>,
    /// How many places are taken; changed under the lock of the book.
    taken: AtomicUsize,
    book: Arc<Mutex<Book>>,
}

impl Limiter {
    pub(crate) fn new(at_once: usize, outer: Option<Arc<Limiter>>) -> Self {
        let book = outer.as_ref().map(|outer| outer.book.clone()).unwrap_or_default();
        Self { at_once, outer, taken: AtomicUsize::new(0), book }
    }

    /// What holds here: the least of this bound and those around it.
    pub(crate) fn at_once(&self) -> usize {
        self.levels().map(|level| level.at_once).min().unwrap_or(self.at_once)
    }

    /// This bound and those around it.
    fn levels(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |level| level.outer.as_deref())
    }

    fn is_within(&self, bound: &Self) -> bool {
        self.levels().any(|level| std::ptr::eq(level, bound))
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many of those who hold a place here have to give it up before another can have one.
    fn lacks(&self) -> usize {
        (self.taken() + 1).saturating_sub(self.at_once)
    }

    fn has_room(&self) -> bool {
        self.levels().all(|level| level.lacks() == 0)
    }

    fn take(&self) {
        self.levels().for_each(|level| level.taken.store(level.taken() + 1, Ordering::Relaxed));
    }

    fn give_back(&self) {
        self.levels().for_each(|level| level.taken.store(level.taken() - 1, Ordering::Relaxed));
    }
}

type Id = u64;

/// Who holds, waits and lends, under an outermost bound.
#[derive(Default)]
struct Book {
    newest: Id,
    slots: HashMap<Id, Place>,
    rounds: HashMap<Id, Reading>,
    holding: BTreeSet<Id>,
    /// Those who wait, by their tickets. Who lent his place has one from before the others.
    waiting: BTreeMap<i64, Id>,
    tickets: (i64, i64),
    /// How many rounds are unread.
    unread: usize,
    /// How many slots wait for their input.
    hungry: usize,
    /// How often a round became unread so far.
    parked: u64,
    /// The round that became unread in the last change of all, and the thread that did it.
    just_parked: Option<(ThreadId, Id)>,
}

/// The place of one slot.
struct Place {
    limiter: Arc<Limiter>,
    round: Id,
    standing: Standing,
    /// How many rounds its own work waits for.
    away: usize,
    /// Who waits for the place: the item, and tasks in which it started others.
    wakers: Vec<Waker>,
    /// How far [`Book::parked`] was when it last looked for a place in vain.
    looked: u64,
    /// It waits for its input: it may be polled without a place, and lends its own to the work that makes the input.
    hungry: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Out,
    Waiting(i64),
    Holding,
    Ended,
}

/// How things stand with the reader of a round.
struct Reading {
    owner: Option<Id>,
    /// Its reader does something else, and nobody polls the items: since when, as [`Book::parked`] counts.
    unread: Option<u64>,
}

impl Book {
    fn next_id(&mut self) -> Id {
        self.newest += 1;
        self.newest
    }

    /// The rounds that a slot is in, its own first.
    fn rounds_around(&self, id: Id) -> impl Iterator<Item = (Id, &Reading)> {
        let round_of = |id: Id| {
            let round = self.slots.get(&id)?.round;
            self.rounds.get(&round).map(|reading| (round, reading))
        };
        std::iter::successors(round_of(id), move |(_, reading)| round_of(reading.owner?))
    }

    /// Since when nobody polls the slot, because its round is unread, or one further out.
    fn unread_since(&self, id: Id) -> Option<u64> {
        self.rounds_around(id).filter_map(|(_, reading)| reading.unread).min()
    }

    /// Whether `eater` waits for what `cook` may be making: both were started by the same work, in different rounds.
    fn is_fed_by(&self, eater: Id, cook: Id) -> bool {
        let hungry = self.slots.get(&eater).is_some_and(|place| place.hungry);
        let Some((round, reading)) = self.rounds_around(eater).next().filter(|_| hungry) else { return false };
        let mut around = self.rounds_around(cook);
        around.all(|(other, _)| other != round)
            && (reading.owner.is_none() || self.rounds_around(cook).any(|(_, other)| other.owner == reading.owner))
    }

    /// What `inner` gave went straight on as what `outer` gives: it is read when `outer` is.
    fn read_along(&mut self, inner: Id, outer: Id) {
        let owner = self.rounds.get(&inner).and_then(|reading| reading.owner);
        let is_inside = owner.is_some_and(|owner| self.rounds_around(owner).any(|(round, _)| round == outer));
        let reading = self.rounds.get_mut(&inner).filter(|_| is_inside);
        if reading.is_some_and(|reading| reading.unread.take().is_some()) {
            self.unread -= 1;
        }
    }

    /// Takes a place, if need be one more than there are.
    fn hold(&mut self, id: Id, wake: &mut Vec<Waker>) {
        self.step_out(id);
        if let Some(place) = self.slots.get_mut(&id) {
            place.limiter.take();
            place.standing = Standing::Holding;
            self.holding.insert(id);
            wake.append(&mut place.wakers);
        }
    }

    /// Gives the place back, or stops waiting for it; answers whether there is a place now for another.
    fn step_out(&mut self, id: Id) -> bool {
        let Some(place) = self.slots.get_mut(&id) else { return false };
        match place.standing {
            Standing::Holding => {
                place.limiter.give_back();
                self.holding.remove(&id);
            }
            Standing::Waiting(ticket) => {
                self.waiting.remove(&ticket);
            }
            Standing::Out | Standing::Ended => return false,
        }
        let held = place.standing == Standing::Holding;
        place.standing = Standing::Out;
        held
    }

    fn wait(&mut self, id: Id, ticket: i64) {
        if let Some(place) = self.slots.get_mut(&id) {
            place.standing = Standing::Waiting(ticket);
            self.waiting.insert(ticket, id);
        }
    }

    /// A place was given back: the first who can use it has it. If none can, one may with those that are lent.
    fn given_back(&mut self, wake: &mut Vec<Waker>) {
        if !self.pass_on(wake) {
            self.offer(wake);
        }
    }

    /// Gives a free place to the first who can use it.
    fn pass_on(&mut self, wake: &mut Vec<Waker>) -> bool {
        let mut unread = Vec::new();
        let next = self.waiting.values().copied().find(|id| {
            let fits = self.slots.get(id).is_some_and(|place| !place.hungry && place.limiter.has_room());
            let asleep = fits && self.unread_since(*id).is_some();
            if asleep {
                unread.push(*id);
            }
            fits && !asleep
        });
        // They may be polled all the same, by tasks of their own. If so, they take the place then.
        for id in unread {
            self.wake(id, wake);
        }
        if let Some(next) = next {
            self.hold(next, wake);
        }
        next.is_some()
    }

    fn wake(&mut self, id: Id, wake: &mut Vec<Waker>) {
        if let Some(place) = self.slots.get_mut(&id) {
            wake.append(&mut place.wakers);
        }
    }

    /// Those whose places `borrower` may have; of those whose readers do something else, the ones that are so since
    /// before `parked` counted further.
    fn lenders(&self, borrower: Id, parked: u64) -> Vec<Id> {
        if self.unread == 0 && self.hungry == 0 {
            return Vec::new();
        }
        let lends = |lender: &Id| {
            self.unread_since(*lender).is_some_and(|since| since <= parked) || self.is_fed_by(*lender, borrower)
        };
        self.holding.iter().copied().filter(lends).collect()
    }

    /// Makes room under `limiter` with the places of `lenders`.
    fn borrow(&mut self, lenders: &[Id], limiter: &Limiter) {
        for level in limiter.levels() {
            for lender in lenders {
                let lends = self.slots.get(lender).is_some_and(|place| {
                    place.standing == Standing::Holding && level.lacks() > 0 && place.limiter.is_within(level)
                });
                if lends {
                    // It goes on as soon as it is polled and there is a place: before those who have not begun.
                    self.step_out(*lender);
                    self.tickets.0 -= 1;
                    self.wait(*lender, self.tickets.0);
                }
            }
        }
    }

    /// Whether `lenders` can make room under `limiter`.
    fn is_enough(&self, lenders: &[Id], limiter: &Limiter) -> bool {
        let within = |level: &Limiter| {
            let count = lenders.iter().filter_map(|id| self.slots.get(id));
            count.filter(|place| place.limiter.is_within(level)).count()
        };
        !lenders.is_empty() && limiter.levels().all(|level| level.lacks() <= within(level))
    }

    /// Wakes the first who could borrow a place. If the lender goes on before that one is polled, nothing is lent.
    fn offer(&mut self, wake: &mut Vec<Waker>) {
        if (self.unread == 0 && self.hungry == 0) || self.unread == self.rounds.len() {
            return; // nobody lends, or nobody is there to borrow
        }
        let could = |id: &Id| {
            let limiter = self.slots.get(id).map(|place| &place.limiter);
            self.unread_since(*id).is_none()
                && limiter.is_some_and(|limiter| self.is_enough(&self.lenders(*id, self.parked), limiter))
        };
        if let Some(next) = self.waiting.values().copied().find(could) {
            self.wake(next, wake);
        }
    }
}

/// Changes the book, and wakes whom that concerns once it is unlocked.
fn change<T>(book: &Mutex<Book>, change: impl FnOnce(&mut Book, &mut Vec<Waker>) -> T) -> T {
    change_after(book, |book, _, wake| change(book, wake))
}

/// As [`change`], for who has to know which round became unread just before.
fn change_after<T>(
    book: &Mutex<Book>,
    change: impl FnOnce(&mut Book, Option<(ThreadId, Id)>, &mut Vec<Waker>) -> T,
) -> T {
    let mut wake = Vec::new();
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    let just_parked = book.just_parked.take();
    let answer = change(&mut book, just_parked, &mut wake);
    drop(book);
    wake.into_iter().for_each(Waker::wake);
    answer
}

/// The place that one item holds, or waits for.
pub(crate) struct Slot {
    id: Id,
    book: Arc<Mutex<Book>>,
}

impl Slot {
    /// Ready while it has a place, or needs none.
    pub(super) fn poll_place(&self, cx: &mut Context<'_>) -> Poll<()> {
        change(&self.book, |book, wake| {
            let Some(place) = book.slots.get_mut(&self.id) else { return Poll::Ready(()) };
            if place.away > 0 || place.hungry || matches!(place.standing, Standing::Holding | Standing::Ended) {
                return Poll::Ready(());
            }
            let (limiter, standing) = (place.limiter.clone(), place.standing);
            if limiter.has_room() {
                book.hold(self.id, wake);
                return Poll::Ready(());
            }
            // A reader that was busy at the last look, and is so still, may be waiting for this very work.
            let looked = std::mem::replace(&mut place.looked, book.parked);
            let lenders = book.lenders(self.id, looked);
            if book.is_enough(&lenders, &limiter) {
                book.borrow(&lenders, &limiter);
                book.hold(self.id, wake);
                book.offer(wake);
                return Poll::Ready(());
            }
            if standing == Standing::Out {
                book.tickets.1 += 1;
                book.wait(self.id, book.tickets.1);
            }
            if book.is_enough(&book.lenders(self.id, book.parked), &limiter) {
                wake.push(cx.waker().clone()); // for another look
            } else if let Some(place) = book.slots.get_mut(&self.id)
                && !place.wakers.iter().any(|known| known.will_wake(cx.waker()))
            {
                place.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
    }

    /// Says whether it waits for its input.
    pub(super) fn set_hungry(&self, hungry: bool) {
        change(&self.book, |book, wake| {
            let Some(place) = book.slots.get_mut(&self.id).filter(|place| place.hungry != hungry) else { return };
            place.hungry = hungry;
            if hungry {
                book.hungry += 1;
                book.offer(wake);
            } else {
                book.hungry -= 1;
            }
        });
    }

    /// The item is over: it gives its place back, and takes none again.
    pub(super) fn end(&self) {
        change(&self.book, |book, wake| {
            let room = book.step_out(self.id);
            if let Some(place) = book.slots.get_mut(&self.id) {
                place.standing = Standing::Ended;
            }
            if room {
                book.given_back(wake);
            }
        });
    }

    fn leave(&self) {
        change(&self.book, |book, wake| {
            if let Some(place) = book.slots.get_mut(&self.id) {
                place.away += 1;
            }
            if book.step_out(self.id) {
                book.given_back(wake);
            }
        });
    }

    fn come_back(&self) {
        change(&self.book, |book, _| {
            if let Some(place) = book.slots.get_mut(&self.id) {
                place.away -= 1;
            }
        });
    }

    /// Its work goes on without waiting: it takes a place even if there is none, so that nobody else begins.
    fn go_on(&self) {
        let waits = |place: &Place| matches!(place.standing, Standing::Out | Standing::Waiting(_));
        change(&self.book, |book, wake| {
            if book.slots.get(&self.id).is_some_and(|place| place.away == 0 && waits(place)) {
                book.hold(self.id, wake);
            }
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.set_hungry(false);
        self.end();
        let _place = change(&self.book, |book, _| book.slots.remove(&self.id));
    }
}

/// The items of a group that share an outermost bound and the work that started them.
pub(super) struct Round {
    id: Id,
    book: Arc<Mutex<Book>>,
    /// The item whose work started these. It holds no place until they are done.
    owner: Option<Arc<Slot>>,
    is_back: bool,
}

impl Round {
    pub(super) fn new(limiter: &Limiter, owner: Option<Arc<Slot>>) -> Self {
        if let Some(owner) = &owner {
            owner.leave();
        }
        let book = limiter.book.clone();
        let reading = Reading { owner: owner.as_ref().map(|owner| owner.id), unread: None };
        let id = change(&book, |book, _| {
            let id = book.next_id();
            book.rounds.insert(id, reading);
            id
        });
        Self { id, book, owner, is_back: false }
    }

    /// Whether an item under `limiter`, started by `owner`, belongs here.
    pub(super) fn takes(&self, limiter: &Limiter, owner: Option<&Arc<Slot>>) -> bool {
        Arc::ptr_eq(&self.book, &limiter.book)
            && self.owner.as_ref().map(|owner| owner.id) == owner.map(|owner| owner.id)
    }

    pub(super) fn slot(&self, limiter: Arc<Limiter>) -> Slot {
        let (round, standing) = (self.id, Standing::Out);
        let place = Place { limiter, round, standing, away: 0, wakers: Vec::new(), looked: 0, hungry: false };
        let id = change(&self.book, |book, _| {
            let id = book.next_id();
            book.slots.insert(id, place);
            id
        });
        Slot { id, book: self.book.clone() }
    }

    /// Says that its reader does something else.
    pub(super) fn park(&self) {
        change_after(&self.book, |book, just_parked, wake| {
            let thread = std::thread::current().id();
            if let Some((_, inner)) = just_parked.filter(|(there, _)| *there == thread) {
                book.read_along(inner, self.id);
            }
            book.parked += 1;
            let since = Some(book.parked);
            match book.rounds.get_mut(&self.id) {
                Some(reading) if reading.unread.is_none() => reading.unread = since,
                _ => return,
            }
            book.unread += 1;
            book.just_parked = Some((thread, self.id));
            book.offer(wake);
        });
    }

    /// Says that its reader is back.
    pub(super) fn resume(&self) {
        change(&self.book, |book, wake| {
            if book.rounds.get_mut(&self.id).is_some_and(|reading| reading.unread.take().is_some()) {
                book.unread -= 1;
                while book.pass_on(wake) {}
            }
        });
    }

    /// Takes the owner's place again.
    pub(super) fn poll_back(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(owner) = &self.owner else { return Poll::Ready(()) };
        if !std::mem::replace(&mut self.is_back, true) {
            owner.come_back();
        }
        owner.poll_place(cx)
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        self.resume();
        if let Some(owner) = &self.owner {
            if !self.is_back {
                owner.come_back();
            }
            owner.go_on();
        }
        change(&self.book, |book, _| book.rounds.remove(&self.id));
    }
}
