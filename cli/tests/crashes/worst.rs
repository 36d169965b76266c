//! S13: traces that nobody should make. All of each is kept and can be read, and reading one takes little memory.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;
use super::memory::{forget_peak, peak};
use super::served::{Served, command};
use super::sized::sized;

const PROJECT: &str = "worst";
/// What the collector may hold more because of such a trace, and what an export may hold.
const ROOM: u64 = 200 << 20;

struct World {
    served: Served,
    client: Client,
    folder: tempfile::TempDir,
}

/// A run, below others or a root.
fn run(id: Uuid, trace: Uuid, parent: Option<Uuid>) -> Value {
    json!({
        "id": id, "trace_id": trace, "parent_run_id": parent, "name": "run", "run_type": "chain", "inputs": {},
        "session_name": PROJECT, "start_time": "2026-03-04T05:06:07Z", "end_time": "2026-03-04T05:06:08Z",
    })
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served = Served::start(&mut command(&folder.path().join("traces.db"))).unwrap();
        let client = Client::connect(&served.address).unwrap();
        Self { served, client, folder }
    }

    /// Sends runs; they are taken.
    fn has(&mut self, runs: &[Value]) {
        let answer = self.client.json("POST", "/runs/batch", &json!({"post": runs})).unwrap();
        assert_eq!(answer.status, 202, "{:?}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["refused"], json!([]));
    }

    /// The first page of a trace, which is asked for as a list asks for it.
    fn first_page(&mut self, trace: Uuid) -> Vec<Value> {
        let begun = Instant::now();
        let asked = json!({"trace": trace, "limit": 100, "select": ["id", "name", "status"]});
        let answer = self.client.json("POST", "/runs/query", &asked).unwrap();
        println!("the first page took {:?}", begun.elapsed());
        assert_eq!(answer.status, 200);
        answer.json()["runs"].as_array().unwrap().clone()
    }

    /// The ids of a trace's tree, each before those below it.
    fn tree(&mut self, trace: Uuid) -> Vec<Uuid> {
        let begun = Instant::now();
        let answer = self.client.get(&format!("/traces/{trace}/tree"));
        println!("the tree took {:?}, {} bytes", begun.elapsed(), answer.body.len());
        assert_eq!(answer.status, 200);
        answer.json()["runs"].as_array().unwrap().iter().map(id_of).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runtree"));
        command.args(arguments).env_clear().env("RUNTREE_URL", self.served.url()).stdin(Stdio::null());
        command
    }

    /// The lines that a command prints.
    fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Exports all there is, and asserts that this takes little memory. Answers the runs, as far as `told` reads them.
    fn exported<T>(&self, told: impl Fn(&Value) -> T) -> Vec<T> {
        let path = self.folder.path().join("runs.jsonl");
        let (begun, file) = (Instant::now(), path.to_str().unwrap());
        let mut export = self.command(&["export", "--project", PROJECT, "-o", file]).spawn().unwrap();
        let mut most = None;
        let status = loop {
            most = peak(export.id()).or(most);
            match export.try_wait().unwrap() {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        assert!(status.success());
        let bytes = std::fs::metadata(&path).unwrap().len();
        println!("the export of {bytes} bytes took {:?} and {most:?} bytes of memory", begun.elapsed());
        assert!(most.is_none_or(|most| most < ROOM));
        lines_of(&path).map(|line| told(&serde_json::from_str(&line).unwrap())).collect()
    }

    /// Asserts that reading took the collector little memory beyond what it held.
    fn held_little(&self, before: Option<u64>) {
        let most = peak(self.served.id());
        println!("the collector held {before:?} bytes, then {most:?}");
        if let (Some(before), Some(most)) = (before, most) {
            assert!(most < before + ROOM);
        }
    }
}

fn lines_of(path: &Path) -> impl Iterator<Item = String> {
    use std::io::BufRead;
    std::io::BufReader::new(std::fs::File::open(path).unwrap()).lines().map(Result::unwrap)
}

fn id_of(run: &Value) -> Uuid {
    run["id"].as_str().unwrap().parse().unwrap()
}

fn is_each_once(told: Vec<Uuid>, sent: &[Uuid]) -> bool {
    told.len() == sent.len() && told.into_iter().collect::<HashSet<_>>() == sent.iter().copied().collect()
}

#[test]
fn s13_one_parent_of_a_hundred_thousand() {
    let mut world = World::new();
    let root = Uuid::now_v7();
    world.has(&[run(root, root, None)]);
    let before = peak(world.served.id());
    let mut sent = vec![root];
    while sent.len() < sized(20_000, 100_000) {
        let children: Vec<Uuid> = (0..2_000).map(|_| Uuid::now_v7()).collect();
        world.has(&children.iter().map(|child| run(*child, root, Some(root))).collect::<Vec<_>>());
        sent.extend(children);
    }
    assert_eq!(world.first_page(root).len(), 100);
    // Others are served while somebody reads all of it.
    let mut other = Client::connect(&world.served.address).unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let tree = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut answers = 0;
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                assert_eq!(other.get("/sessions").status, 200);
                answers += 1;
            }
            answers
        });
        let tree = world.tree(root);
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(others.join().unwrap() > 0);
        tree
    });
    assert_eq!(tree[0], root);
    assert!(is_each_once(tree, &sent));
    assert!(is_each_once(world.exported(id_of), &sent));
    world.held_little(before);
}

#[test]
fn s13_a_chain_of_two_thousand() {
    let mut world = World::new();
    let sent: Vec<Uuid> = (0..2_000).map(|_| Uuid::now_v7()).collect();
    let runs: Vec<Value> =
        (0..sent.len()).map(|at| run(sent[at], sent[0], at.checked_sub(1).map(|above| sent[above]))).collect();
    // The deepest comes first.
    for part in runs.chunks(150).rev() {
        world.has(part);
    }
    assert_eq!(world.first_page(sent[0]).len(), 100);
    assert!(is_each_once(world.tree(sent[0]), &sent));
    assert_eq!(world.client.get("/findings").json()["findings"][0]["runs"], json!([]), "no run is an orphan");
    let shown = world.lines(&["show", &sent[0].to_string()]);
    assert_eq!(shown.len(), sent.len());
    assert!(shown.last().unwrap().contains("1999 deep"), "{}", shown.last().unwrap());
    let parents: Vec<(Uuid, Value)> = world.exported(|run| (id_of(run), run["parent_run_id"].clone()));
    assert!(parents.iter().all(|(id, parent)| {
        let at = sent.iter().position(|sent| sent == id).unwrap();
        *parent == at.checked_sub(1).map_or(Value::Null, |above| json!(sent[above]))
    }));
    assert!(is_each_once(parents.into_iter().map(|(id, _)| id).collect(), &sent));
}

#[test]
fn s13_fields_of_fifteen_megabytes() {
    const LARGE: usize = 15_000_000;
    let mut world = World::new();
    let root = Uuid::now_v7();
    let mut sent = vec![root];
    world.has(&[run(root, root, None)]);
    for _ in 0..sized(14, 60) {
        let (id, mut large) = (Uuid::now_v7(), run(Uuid::nil(), root, Some(root)));
        (large["id"], large["inputs"]) = (json!(id), json!({"text": id.to_string().repeat(LARGE / 36)}));
        world.has(&[large]);
        sent.push(id);
    }
    forget_peak(world.served.id());
    let before = peak(world.served.id());
    assert_eq!(world.first_page(root).len(), sent.len());
    assert!(is_each_once(world.tree(root), &sent));
    let told = world.exported(|run| {
        let (id, text) = (id_of(run), run["inputs"]["text"].as_str().unwrap_or_default());
        assert!(id == root || text == id.to_string().repeat(LARGE / 36), "{id}");
        id
    });
    assert!(is_each_once(told, &sent));
    world.held_little(before);
}

#[test]
fn s13_orphans_and_circles() {
    let mut world = World::new();
    let root = Uuid::now_v7();
    let orphans: Vec<Uuid> = (0..500).map(|_| Uuid::now_v7()).collect();
    world.has(&[run(root, root, None)]);
    world.has(&orphans.iter().map(|orphan| run(*orphan, root, Some(Uuid::now_v7()))).collect::<Vec<_>>());
    let mut sent = [vec![root], orphans.clone()].concat();
    for length in [2, 3, 50] {
        let circle: Vec<Uuid> = (0..length).map(|_| Uuid::now_v7()).collect();
        world.has(&(0..length).map(|at| run(circle[at], root, Some(circle[(at + 1) % length]))).collect::<Vec<_>>());
        sent.extend(circle);
    }
    // No run is its own parent, and none becomes the parent of what it is below.
    let own = Uuid::now_v7();
    assert_eq!(world.client.json("POST", "/runs", &run(own, root, Some(own))).unwrap().status, 422);
    let back = json!({"trace_id": root, "parent_run_id": sent[1], "end_time": "2026-03-04T05:06:09Z"});
    assert_eq!(world.client.json("PATCH", &format!("/runs/{root}"), &back).unwrap().status, 422);
    assert_eq!(world.first_page(root).len(), 100);
    assert!(is_each_once(world.tree(root), &sent));
    let found = world.client.get("/findings?limit=1000").json();
    let found: HashSet<Uuid> = found["findings"][0]["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["run_id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(found, orphans.into_iter().collect(), "whoever is in a circle has a parent");
    assert_eq!(world.lines(&["show", &root.to_string()]).len(), sent.len());
    assert!(is_each_once(world.exported(id_of), &sent));
}
