//! S05, S12: what a collector does not start with, and what it says then.

use std::path::Path;

use super::served::{Ended, Served, command};

/// The one line of a collector that does not start.
fn refusal(database: &Path) -> String {
    let Ended { status, stderr } = Served::start(&mut command(database)).err().expect("it does not start");
    assert_eq!(status.code(), Some(1));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn s12_a_second_collector_of_one_file_is_refused_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let first = Served::start(&mut command(&database)).unwrap();
    let line = refusal(&database);
    assert!(line.contains("another collector has") && line.contains("traces.db"), "{line}");
    let mut client = super::client::Client::connect(&first.address).unwrap();
    assert_eq!(client.get("/sessions").status, 200);
    first.signal("KILL");
    drop(first);
    Served::start(&mut command(&database)).unwrap();
}

#[test]
fn s05_a_file_of_something_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "These are my notes.\n".repeat(1_000)).unwrap();
    let other = folder.path().join("other.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)")
        .unwrap();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&other, &link).unwrap();
    for (file, reason) in [(&text, "not a database"), (&other, "of something else"), (&link, "is a link")] {
        let before = std::fs::read(file).unwrap();
        let line = refusal(file);
        assert!(line.contains(reason) && line.contains(file.to_str().unwrap()), "{line}");
        assert_eq!(std::fs::read(file).unwrap(), before);
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains(folder.path().to_str().unwrap()), "a folder is no file");
}

#[test]
fn s05_a_damaged_file_is_refused_with_the_way_to_save_it_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let served = Served::start(&mut command(&database)).unwrap();
    served.signal("TERM");
    assert!(served.wait().1.status.success());
    let whole = std::fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    damaged[100..4_000].fill(0xff);
    for bytes in [&damaged[..], &whole[..whole.len() / 2], &whole[..10]] {
        std::fs::write(&database, bytes).unwrap();
        let line = refusal(&database);
        assert!(line.contains("traces.db"), "{line}");
        assert_eq!(std::fs::read(&database).unwrap(), bytes, "{line}");
    }
}

#[test]
fn whoever_may_be_reached_by_strangers_needs_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    for host in ["0.0.0.0", "::", "[::]"] {
        for key in [None, Some(""), Some("  ")] {
            let mut serve = command(&database);
            serve.args(["--host", host]).envs(key.map(|key| ("RUNTREE_KEY", key)));
            let Err(ended) = Served::start(&mut serve) else { panic!("{host} is open to everybody") };
            assert!(!ended.status.success());
            assert!(ended.stderr.contains("RUNTREE_KEY") || ended.stderr.contains("listening on"), "{ended:?}");
        }
    }
    let served = Served::start(command(&database).args(["--host", "0.0.0.0"]).env("RUNTREE_KEY", "k")).unwrap();
    let port = served.address.rsplit(':').next().unwrap();
    let mut client = super::client::Client::connect(&format!("127.0.0.1:{port}")).unwrap();
    assert_eq!((client.get("/info").status, client.get("/sessions").status), (200, 401));
}

#[test]
fn g03_what_is_refused_is_not_repeated_where_others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(command(&folder.path().join("traces.db")).env("RUNTREE_KEY", "the-key")).unwrap();
    let secret = "sk-secret\u{1b}[31m";
    for (method, path, kind) in [
        ("POST", "/runs", "application/json"),
        ("POST", "/runs/batch", "application/json"),
        ("POST", "/runs/multipart", "multipart/form-data; boundary=b"),
        ("POST", "/v1/traces", "application/x-protobuf"),
        ("DELETE", "/sessions", "text/plain"),
        ("GET", "/runs/sk-secret?key=the-key", "text/plain"),
    ] {
        for key in ["x-api-key: sk-secret", "x-api-key: the-key"] {
            let kind = format!("{kind}\r\n{key}");
            let mut client = super::client::Client::connect(&served.address).unwrap();
            let answer = client.send(method, path, &kind, secret.as_bytes()).unwrap();
            assert!((400..500).contains(&answer.status), "{answer:?}");
            let told = [answer.head.as_bytes(), &answer.body].concat();
            assert!(!String::from_utf8_lossy(&told).contains("the-key"), "{answer:?}");
        }
    }
    served.signal("TERM");
    assert_eq!(served.wait().1.stderr, "");
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = std::fs::read(file.unwrap().path()).unwrap();
        assert!(
            !["sk-secret", "the-key"].iter().any(|word| file.windows(word.len()).any(|part| part == word.as_bytes()))
        );
    }
}
