//! F34, F40, F41: what the next process makes of what the last one left.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::child::{Act, Oracle, Role};
use super::crash_loop::assert_nothing_is_lost;
use super::sink::Sink;
use super::sized::sized;
use super::support::{eventually, files, folder, segments};

pub(crate) fn f34_one_of_several_processes_adopts_what_the_dead_left() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool);
    let mut living = role.start();
    living.until("ready");
    let dying: Vec<_> = (0..3).map(|_| role.start()).collect();
    for mut process in dying {
        process.until("ready");
        oracle.hear(process.kill());
    }
    let of_the_dead = 2 * oracle.started.len() as u64;
    sink.live();
    let drains: Vec<_> = (0..4).map(|_| Role { act: Act::Drain, ..role.clone() }.start()).collect();
    let adopted: u64 = drains
        .into_iter()
        .map(|drain| {
            let said = drain.wait();
            assert_eq!(said.receipt["spooled"], 0, "{said:?}");
            said.receipt["adopted"].as_u64().unwrap()
        })
        .sum();
    // The living one may have looked in time to take one over; nothing is taken over twice, nor left.
    assert!(adopted <= of_the_dead, "{adopted} of {of_the_dead} were taken over");
    oracle.hear(living.kill());
    assert_eq!(oracle.started.len(), 400);
    assert_nothing_is_lost(&sink, &role, &oracle);
}

pub(crate) fn f40_a_project_of_its_own_is_kept_and_no_key_is_written() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool);
    let mut running = Role { project: Some("of another tenant".into()), ..role.clone() }.start();
    running.until("ready");
    oracle.hear(running.kill());
    for file in files(&spool) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(15).any(|window| window == b"lsv2_secret_key"), "{}", file.display());
    }
    sink.live();
    assert_nothing_is_lost(&sink, &role, &oracle);
    assert!(sink.rows().values().all(|row| row.fields["session_name"] == "of another tenant"));
}

pub(crate) fn f32_damage_costs_what_it_hit_and_holds_nobody_up() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let role = Role::new(Act::Wait, sink.url(), &spool).runs(200);
    let mut running = role.start();
    running.until("ready");
    let said = running.kill();
    let hit = segments(&spool);
    // One is altered in the middle, one is cut short, one is nothing but the beginning of a record.
    let mut bytes = fs::read(&hit[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&hit[0], bytes).unwrap();
    let last = hit.last().unwrap();
    fs::OpenOptions::new().write(true).open(last).unwrap().set_len(fs::metadata(last).unwrap().len() - 1).unwrap();
    let torn = last.parent().unwrap().with_file_name("0198c0f5a1b27c3d8e4f5a6b7c8d9e0f");
    fs::create_dir(&torn).unwrap();
    fs::write(torn.join("00000000000000000001.seg"), &fs::read(last).unwrap()[..20]).unwrap();
    sink.live();
    let begun = std::time::Instant::now();
    let drained = Role { act: Act::Drain, ..role }.run();
    assert!(begun.elapsed() < std::time::Duration::from_secs(30), "a drain that waits for damage waits a minute");
    assert_eq!((&drained.receipt["adopted"], &drained.receipt["stored"]), (&json!(398), &json!(398)), "{drained:?}");
    assert!(drained.problems.iter().any(|problem| problem.contains("1 damaged pieces")), "{drained:?}");
    let rows = sink.rows();
    assert!(said.started.iter().filter(|id| rows.contains_key(id)).count() >= 199);
    let left: Vec<_> = files(&spool).into_iter().filter(|path| !path.ends_with("destination.json")).collect();
    assert!(matches!(&left[..], [one] if one.extension().is_some_and(|kind| kind == "damaged")), "{left:?}");
}

/// N10: the large form says how long it takes.
pub(crate) fn n10_a_large_spool_is_sent() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut oracle = Oracle::default();
    let role = Role { bytes: 20_000, ..Role::new(Act::Wait, sink.url(), &spool).runs(sized(400, 10_000)) };
    let mut running = role.start();
    running.until("ready");
    oracle.hear(running.kill());
    sink.live();
    let begun = std::time::Instant::now();
    let drain = Role { act: Act::Drain, ..role.clone() }.start();
    eventually("something is sent", || sink.requests() > 0);
    let first = begun.elapsed();
    drain.wait();
    println!("{} runs of 10 kB: the first request after {first:?}, all after {:?}", role.runs, begun.elapsed());
    assert_nothing_is_lost(&sink, &role, &oracle);
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/spool-1")
}

fn rows(sink: &Sink) -> Value {
    sink.rows()
        .into_iter()
        .map(|(id, row)| (id.to_string(), Value::Object(row.fields)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

pub(crate) fn f41_what_this_version_wrote_is_sent_by_later_ones() {
    let (_folder, spool) = folder();
    let sink = Sink::start();
    let role = Role::new(Act::Drain, sink.url(), &spool);
    role.run(); // makes the folder of the destination
    let destination = fs::read_dir(&spool).unwrap().next().unwrap().unwrap().path();
    for file in segments(&golden()) {
        let owner = destination.join(file.parent().unwrap().file_name().unwrap());
        fs::create_dir_all(&owner).unwrap();
        fs::copy(&file, owner.join(file.file_name().unwrap())).unwrap();
    }
    let said = role.run();
    let expected: Value = serde_json::from_slice(&fs::read(golden().join("expected.json")).unwrap()).unwrap();
    assert_eq!(said.receipt["spooled"], 0);
    assert_eq!(rows(&sink), expected);
}

/// Writes the golden files, once for each form of records: name this test and say `--ignored`.
pub(crate) fn write_golden() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let role = Role { bytes: 200, ..Role::new(Act::Wait, sink.url(), &spool).runs(4) };
    let mut running = role.start();
    running.until("ready");
    running.kill();
    for file in segments(&spool) {
        let owner = golden().join(file.parent().unwrap().file_name().unwrap());
        fs::create_dir_all(&owner).unwrap();
        fs::copy(&file, owner.join(file.file_name().unwrap())).unwrap();
    }
    sink.live();
    let drained = Role { act: Act::Drain, ..role }.run();
    assert_eq!(drained.receipt["adopted"], json!(8));
    fs::write(golden().join("expected.json"), format!("{:#}\n", rows(&sink))).unwrap();
}
