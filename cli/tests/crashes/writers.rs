//! A crowd that writes until it cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Answer, Client};
use super::ledger::{Chance, Ledger, Thing, begun, ended};

/// Threads that write to a collector, each with a ledger.
pub(crate) struct Crowd {
    writers: Vec<JoinHandle<Ledger>>,
    over: Arc<AtomicBool>,
    stored: Arc<AtomicU64>,
}

impl Crowd {
    pub(crate) fn start(address: &str, seed: u64) -> Self {
        let (over, stored) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = |number: u64| {
            let (address, over, stored) = (address.to_owned(), over.clone(), stored.clone());
            std::thread::spawn(move || {
                let mut writer = Writer {
                    address,
                    client: None,
                    chance: Chance::seeded(seed * 100 + number),
                    ledger: Ledger::default(),
                    open: Vec::new(),
                };
                while !over.load(Ordering::Relaxed) && writer.write().is_some() {
                    stored.store(
                        stored.load(Ordering::Relaxed).max(writer.ledger.stored.len() as u64),
                        Ordering::Relaxed,
                    );
                }
                writer.ledger
            })
        };
        let writers = (0..6).map(writer).collect();
        Self { writers, over, stored }
    }

    /// Waits until somebody wrote so many things, so that a slow machine kills no idle collector.
    pub(crate) fn until(&self, stored: u64) {
        while self.stored.load(Ordering::Relaxed) < stored && !self.writers.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Ends all of it.
    pub(crate) fn end(self) -> Ledger {
        self.over.store(true, Ordering::Relaxed);
        let mut ledger = Ledger::default();
        for writer in self.writers {
            ledger.join(writer.join().unwrap());
        }
        ledger
    }
}

struct Writer {
    address: String,
    client: Option<Client>,
    chance: Chance,
    ledger: Ledger,
    /// Runs that began and did not end.
    open: Vec<Uuid>,
}

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data; boundary=bound";

impl Writer {
    /// Sends one request. `None` once nobody listens.
    fn write(&mut self) -> Option<()> {
        if self.client.is_none() {
            self.client = Some(Client::connect(&self.address).ok()?);
        }
        match self.chance.below(10) {
            0 => self.single(),
            1 => self.update(),
            2 => self.judge(),
            3 => self.break_off(),
            4..7 => self.batch(),
            _ => self.multipart(),
        }
    }

    fn some(&mut self) -> (Vec<Uuid>, Vec<Uuid>) {
        let fresh = (0..=self.chance.below(8)).map(|_| Uuid::now_v7()).collect();
        let old = self.open.drain(..self.open.len().min(4)).collect();
        (fresh, old)
    }

    fn single(&mut self) -> Option<()> {
        let id = Uuid::now_v7();
        self.open.push(id);
        self.send("POST", "/runs", JSON, begun(id).to_string().as_bytes(), &[Thing::Begun(id)])
    }

    fn update(&mut self) -> Option<()> {
        let Some(id) = self.open.pop() else { return Some(()) };
        let path = format!("/runs/{id}");
        self.send("PATCH", &path, JSON, ended(id).to_string().as_bytes(), &[Thing::Ended(id)])
    }

    /// Feedback, whose key is its id.
    fn judge(&mut self) -> Option<()> {
        let Some(run) = self.open.last().copied() else { return Some(()) };
        let id = Uuid::now_v7();
        let body = json!({"id": id, "run_id": run, "key": id, "score": 1});
        self.send("POST", "/feedback", JSON, body.to_string().as_bytes(), &[Thing::Judged(id, run)])
    }

    fn batch(&mut self) -> Option<()> {
        let (fresh, old) = self.some();
        let body = json!({
            "post": fresh.iter().copied().map(begun).collect::<Vec<_>>(),
            "patch": old.iter().copied().map(ended).collect::<Vec<_>>(),
        });
        let things = things(&fresh, &old);
        self.open.extend(fresh);
        self.send("POST", "/runs/batch", JSON, body.to_string().as_bytes(), &things)
    }

    fn multipart(&mut self) -> Option<()> {
        let (fresh, old) = self.some();
        let body = multipart(&fresh, &old);
        let things = things(&fresh, &old);
        self.open.extend(fresh);
        self.send("POST", "/runs/multipart", FORM, &body, &things)
    }

    /// Sends some of a body, and goes away; or all of a body that is cut off.
    fn break_off(&mut self) -> Option<()> {
        let id = Uuid::now_v7();
        self.ledger.refused.insert(Thing::Begun(id));
        let body = multipart(&[id], &[]);
        // All but the line end is all.
        let part = &body[..self.chance.below(body.len() as u64 - 2) as usize];
        let mut client = self.client.take()?;
        if self.chance.below(2) == 0 {
            return client.begin("POST", "/runs/multipart", FORM, body.len(), part).ok();
        }
        let answer = client.send("POST", "/runs/multipart", FORM, part).ok()?;
        assert!([400, 503].contains(&answer.status), "{answer:?}");
        Some(())
    }

    fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8], things: &[Thing]) -> Option<()> {
        match self.client.as_mut()?.send(method, path, kind, body) {
            Ok(Answer { status: 200..300, .. }) => self.ledger.stored.extend(things),
            Ok(answer) => {
                assert!([429, 503].contains(&answer.status), "{answer:?}");
                assert!(answer.head.to_ascii_lowercase().contains("retry-after:"), "{answer:?}");
                self.ledger.refused.extend(things);
            }
            Err(_) => {
                self.ledger.unsure.push(things.to_vec());
                self.client = None;
            }
        }
        Some(())
    }
}

fn things(fresh: &[Uuid], old: &[Uuid]) -> Vec<Thing> {
    let begun = fresh.iter().map(|id| Thing::Begun(*id));
    begun.chain(old.iter().map(|id| Thing::Ended(*id))).collect()
}

/// Runs as parts, their payloads apart.
fn multipart(fresh: &[Uuid], old: &[Uuid]) -> Vec<u8> {
    let mut body = String::new();
    let mut part = |name: String, content: Value| {
        body += &format!(
            "--bound\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: application/json\r\n\r\n\
             {content}\r\n"
        );
    };
    let told = fresh.iter().map(|id| ("post", *id, begun(*id), "inputs"));
    for (kind, id, mut run, apart) in told.chain(old.iter().map(|id| ("patch", *id, ended(*id), "outputs"))) {
        let payload = run.as_object_mut().unwrap().remove(apart).unwrap();
        part(format!("{kind}.{id}"), run);
        part(format!("{kind}.{id}.{apart}"), payload);
    }
    body += "--bound--\r\n";
    body.into_bytes()
}
