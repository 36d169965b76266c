//! S10: more comes than can be stored.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Answer, Client};
use super::memory::peak;
use super::served::{Served, command};
use super::sized::sized;

/// Bytes of a payload; twenty of these are more than may wait.
const LARGE: usize = 8 << 20;
/// Bytes that the collector may hold beyond what it holds at rest, whatever comes.
const HELD: u64 = 300 << 20;

fn large(id: Uuid) -> Value {
    json!({
        "id": id, "trace_id": id, "dotted_order": format!("20260304T050607000000Z{id}"), "name": "large",
        "run_type": "chain", "start_time": "2026-03-04T05:06:07Z", "inputs": {"text": "x".repeat(LARGE)},
    })
}

/// Sends a run, and tells how that went.
fn send(address: &str, body: &str) -> Answer {
    Client::connect(address).unwrap().send("POST", "/runs/batch", "application/json", body.as_bytes()).unwrap()
}

/// Asserts that a run is there if it was taken, and else whoever sent it was asked to come again.
fn assert_as_told(reader: &mut Client, id: Uuid, answer: &Answer) {
    let is_there = reader.get(&format!("/runs/{id}")).status == 200;
    match answer.status {
        202 => assert!(is_there, "{id} is lost"),
        429 | 503 => {
            assert!(answer.head.to_ascii_lowercase().contains("retry-after:"), "{answer:?}");
            assert!(!is_there, "{id} was refused, and is there");
        }
        _ => panic!("{answer:?}"),
    }
}

#[test]
fn s10_who_finds_no_room_is_asked_to_come_again_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let served = Served::start(&mut command(&database)).unwrap();
    let mut reader = Client::connect(&served.address).unwrap();
    // Nothing can be stored for now.
    let file = rusqlite::Connection::open(&database).unwrap();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let senders: Vec<_> = (0..20)
        .map(|_| {
            let address = served.address.clone();
            std::thread::spawn(move || {
                let id = Uuid::now_v7();
                // Made first: the collector ends connections that are long idle, and a debug build is slow.
                let body = json!({"post": [large(id)]}).to_string();
                (id, send(&address, &body))
            })
        })
        .collect();
    let mut waiting = 0;
    while senders.iter().filter(|sender| sender.is_finished()).count() == 0 || waiting < 3 {
        let begun = Instant::now();
        let answer = reader.get("/sessions");
        // The processors are as busy as the disk, so this is far more than a reader usually waits.
        assert!(answer.status == 200 && begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        waiting += 1;
        std::thread::sleep(Duration::from_millis(50));
    }
    file.execute_batch("ROLLBACK").unwrap();
    let answers: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    let refused = answers.iter().filter(|(_, answer)| answer.status != 202).count();
    assert!(refused > 0 && refused < answers.len(), "{refused} refused");
    for (id, answer) in answers {
        assert_as_told(&mut reader, id, &answer);
    }
}

/// Ends a crowd once this is dropped, however that comes.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What became of a crowd that sends more than may wait, again and again.
struct Crowd {
    answers: Vec<(Uuid, Answer, Duration)>,
    reads: Vec<Duration>,
    /// The most that the collector held, beyond what it held before.
    most: Option<u64>,
}

impl Crowd {
    /// Sends for so many seconds. Whoever is refused does not wait before the next try. Meanwhile `disturb` is called
    /// again and again, and told how many were refused.
    fn send(served: &Served, seconds: u64, mut disturb: impl FnMut(usize)) -> Self {
        let before = peak(served.id());
        let body = json!({"post": [large(Uuid::nil())]}).to_string();
        let (is_over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
        let mut crowd = Self { answers: Vec::new(), reads: Vec::new(), most: None };
        std::thread::scope(|scope| {
            let over = Over(&is_over);
            let sender = || {
                let mut answers = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let id = Uuid::now_v7();
                    let body = body.replace(&Uuid::nil().to_string(), &id.to_string());
                    let begun = Instant::now();
                    let answer = send(&served.address, &body);
                    refused.fetch_add(usize::from(answer.status != 202), Ordering::Relaxed);
                    answers.push((id, answer, begun.elapsed()));
                }
                answers
            };
            let senders: Vec<_> = (0..30).map(|_| scope.spawn(sender)).collect();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(seconds) {
                let begun = Instant::now();
                // A connection of its own each time: those that are long idle are ended.
                assert_eq!(Client::connect(&served.address).unwrap().get("/sessions").status, 200);
                crowd.reads.push(begun.elapsed());
                disturb(refused.load(Ordering::Relaxed));
                std::thread::sleep(Duration::from_millis(20));
            }
            drop(over);
            disturb(usize::MAX);
            crowd.answers.extend(senders.into_iter().flat_map(|sender| sender.join().unwrap()));
        });
        crowd.most = peak(served.id()).zip(before).map(|(most, before)| most - before);
        println!("the collector held {:?} bytes more than at rest", crowd.most);
        crowd.reads = told("reads", crowd.reads);
        crowd
    }

    fn times(&self, is_taken: bool) -> Vec<Duration> {
        let such = self.answers.iter().filter(|(_, answer, _)| (answer.status == 202) == is_taken);
        told(if is_taken { "taken" } else { "refused" }, such.map(|(_, _, time)| *time).collect())
    }

    /// Asserts that all went as it was told, that the collector held no more than it may, and that it has room again.
    fn check(&self, served: &Served) {
        let mut reader = Client::connect(&served.address).unwrap();
        for (id, answer, _) in &self.answers {
            assert_as_told(&mut reader, *id, answer);
        }
        assert!(self.most.is_none_or(|most| most < HELD));
        assert_eq!(send(&served.address, &json!({"post": [large(Uuid::now_v7())]}).to_string()).status, 202);
    }
}

/// The times in order, which are printed.
fn told(what: &str, mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    println!("{what}: {}, p50 {:?}, p99 {:?}", times.len(), of_hundred(&times, 50), of_hundred(&times, 99));
    times
}

/// The time that so many of a hundred take at most.
fn of_hundred(times: &[Duration], share: usize) -> Option<Duration> {
    times.get(times.len() * share / 100).copied()
}

#[test]
fn s10_a_disk_that_hardly_writes_is_told_of_and_takes_no_more_memory_than_may_wait() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let served = Served::start(&mut command(&database)).unwrap();
    let file = rusqlite::Connection::open(&database).unwrap();
    file.busy_timeout(Duration::from_secs(10)).unwrap();
    // It writes for a moment once somebody was refused, and then no more until somebody is.
    let (mut is_held, mut known) = (false, 0);
    let crowd = Crowd::send(&served, sized(8, 60), |refused| {
        if is_held && refused > known {
            file.execute_batch("ROLLBACK").unwrap();
            is_held = false;
        } else if !is_held && refused < usize::MAX {
            is_held = file.execute_batch("BEGIN IMMEDIATE").is_ok();
        }
        known = refused;
    });
    assert!(!crowd.times(true).is_empty() && !crowd.times(false).is_empty());
    crowd.check(&served);
}

#[test]
fn s10_whoever_is_taken_in_a_crowd_is_answered_soon_and_reading_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&mut command(&folder.path().join("traces.db"))).unwrap();
    let crowd = Crowd::send(&served, sized(3, 60), |_| {});
    let (taken, refused) = (crowd.times(true), crowd.times(false));
    crowd.check(&served);
    // Without optimization, and beside other tests, it is all a matter of the processors.
    if sized(false, true) && !cfg!(debug_assertions) {
        for times in [&taken, &refused, &crowd.reads] {
            assert!(of_hundred(times, 99).is_none_or(|time| time < Duration::from_secs(2)));
        }
    }
}
