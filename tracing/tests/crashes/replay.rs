//! What is left on disk is sent by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use runtree_tracing::langsmith::{ReplaySettings, replay};
use serde_json::{Value, json};

use super::child::{Act, Oracle, Role};
use super::crash_loop::assert_nothing_is_lost;
use super::sink::{Fault, Sink};
use super::support::{assert_empty, files, folder};

fn settings(url: &str) -> ReplaySettings {
    ReplaySettings::new().with_endpoint(url).with_key("k").with_timeout(Duration::from_secs(2))
}

/// Copies the files that the Python SDK wrote for requests that a server refused with 422.
fn failed_traces(to: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(to).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/failed-traces");
    let copy = |file: PathBuf| {
        let copy = to.join(file.file_name().unwrap());
        fs::copy(file, &copy).unwrap();
        copy
    };
    let copies: Vec<_> = files(&golden).into_iter().map(copy).collect();
    assert_eq!(copies.len(), 2, "one compressed, one plain");
    copies
}

pub(crate) fn failed_traces_of_the_python_sdk_are_sent_and_removed() {
    let (folder, _) = folder();
    failed_traces(folder.path());
    failed_traces(&folder.path().join("of another program"));
    let sink = Sink::start();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let settings = settings(&sink.url()).on_progress({
        let heard = heard.clone();
        move |path, reason| heard.lock().unwrap().push((path.to_owned(), reason.map(str::to_owned)))
    });
    let replayed = replay(folder.path(), &settings).unwrap();
    assert!(replayed.is_complete(), "{replayed:?}");
    assert_eq!(replayed.files, 4);
    assert_eq!(heard.lock().unwrap().len(), 4);
    assert!(files(folder.path()).is_empty());
    let rows = sink.rows();
    let roots: Vec<_> = rows.values().filter(|row| row.fields["name"] == "from python").collect();
    assert_eq!((rows.len(), roots.len()), (4, 2));
    assert!(roots.iter().all(|row| row.fields["outputs"] == json!({"answer": "because"})));
}

pub(crate) fn what_the_server_does_not_take_stays_with_the_reason() {
    for (fault, reason) in [
        (Fault::Status(422), "status 422"),
        (Fault::Status(401), "status 401"),
        (Fault::Status(307), "status 307"),
        (Fault::Refuse, ""),
    ] {
        let (folder, _) = folder();
        let copies = failed_traces(folder.path());
        let sink = Sink::start();
        sink.fault(fault);
        let replayed = replay(folder.path(), &settings(&sink.url())).unwrap();
        assert_eq!(replayed.files, 0);
        assert_eq!(replayed.kept.iter().map(|kept| kept.path.clone()).collect::<Vec<_>>(), copies);
        assert!(replayed.kept.iter().all(|kept| kept.reason.contains(reason)), "{:?}", replayed.kept);
        assert_eq!(files(folder.path()), copies);
        // A server that has it already is as good.
        sink.fault(Fault::Status(409));
        assert!(replay(folder.path(), &settings(&sink.url())).unwrap().is_complete());
        assert!(files(folder.path()).is_empty());
    }
}

pub(crate) fn hostile_files_stay_and_send_nothing() {
    let (folder, _) = folder();
    let sink = Sink::start();
    let write = |name: &str, file: &Value| fs::write(folder.path().join(name), file.to_string()).unwrap();
    let file = |endpoint: &str, version: u64| json!({"version": version, "endpoint": endpoint, "headers": {}, "body_base64": ""});
    for (number, endpoint) in
        ["api-key", "../../admin", "http://127.0.0.1:1/runs/multipart", "runs/../api-key", "//other/runs"]
            .iter()
            .enumerate()
    {
        write(&format!("trace_{number}_0.json"), &file(endpoint, 1));
    }
    write("trace_6_0.json", &file("runs/multipart", 2));
    write(
        "trace_7_0.json",
        &json!({"version": 1, "endpoint": "runs", "headers": {"Content-Type": "a\r\nx-api-key: b"}, "body_base64": ""}),
    );
    write("trace_8_0.json", &json!({"version": 1, "endpoint": "runs", "body_base64": "?"}));
    fs::write(folder.path().join("trace_9_0.json"), "[".repeat(1 << 20)).unwrap();
    fs::File::create(folder.path().join("trace_9_1.json")).unwrap().set_len(1 << 40).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("trace_9_2.json")).unwrap();
    let replayed = replay(folder.path(), &settings(&sink.url())).unwrap();
    assert_eq!((replayed.files, replayed.kept.len()), (0, 10), "{replayed:?}");
    assert!(replayed.kept.iter().all(|kept| kept.reason.starts_with("it cannot be read")), "{replayed:?}");
    assert_eq!(sink.requests(), 0);
}

/// A file may say what its body is, and not who sends it.
pub(crate) fn a_file_brings_no_credentials_of_its_own() {
    let (folder, _) = folder();
    let sink = Sink::start();
    let body = BASE64_STANDARD.encode("--b--\r\n");
    let headers = json!({"Content-Type": "multipart/form-data; boundary=b", "X-API-Key": "theirs", "Host": "theirs"});
    let file = json!({"version": 1, "endpoint": "runs/multipart", "headers": headers, "body_base64": body});
    fs::write(folder.path().join("trace_0_0.json"), file.to_string()).unwrap();
    assert_eq!(replay(folder.path(), &settings(&sink.url())).unwrap().files, 1);
    let headers = sink.last_headers();
    assert_eq!(headers["x-api-key"], "k");
    assert_eq!(format!("http://{}", headers["host"]), sink.url());
    sink.rows();
}

pub(crate) fn spools_and_dead_letters_go_where_they_were_meant_to_go() {
    for nested in [false, true] {
        let (_folder, spool) = folder();
        let sink = Sink::start();
        let mut oracle = Oracle::default();
        let role = Role::new(Act::Close, sink.url(), &spool).runs(3);
        // One process has its runs refused; the next one dies with them.
        sink.fault(Fault::Status(422));
        let mut refusing = Role { act: Act::Wait, ..role.clone() }.start();
        refusing.until("ready");
        let letters =
            || files(&spool).iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")).count();
        super::support::eventually("all are refused", || letters() > 3);
        oracle.hear(refusing.kill());
        sink.fault(Fault::Status(503));
        let mut dying = Role { act: Act::Wait, ..role.clone() }.runs(50).start();
        dying.until("ready");
        oracle.hear(dying.kill());
        sink.fault(Fault::None);
        let directory = if nested { spool.clone() } else { destination(&spool) };
        let replayed = replay(directory, &settings("http://127.0.0.1:1")).unwrap();
        assert!(replayed.is_complete(), "{replayed:?}");
        assert!(replayed.files >= 3 && replayed.spools.stored >= 100, "{replayed:?}");
        assert_empty(&spool);
        assert_nothing_is_lost(&sink, &role, &oracle);
    }
}

fn destination(spool: &Path) -> PathBuf {
    fs::read_dir(spool).unwrap().next().unwrap().unwrap().path()
}

pub(crate) fn a_spool_in_a_folder_that_others_write_to_is_not_sent() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut running = Role::new(Act::Wait, sink.url(), &spool).start();
    running.until("ready");
    running.kill();
    sink.live();
    fs::set_permissions(destination(&spool), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let replayed = replay(&spool, &settings(&sink.url())).unwrap();
    assert_eq!(replayed.kept.len(), 1);
    assert!(replayed.kept[0].reason.contains("can be written by others"), "{replayed:?}");
    assert_eq!(sink.requests(), 0, "the key went nowhere");
}

pub(crate) fn a_server_that_is_away_keeps_the_spool() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool);
    let mut running = role.start();
    running.until("ready");
    oracle.hear(running.kill());
    let replayed = replay(&spool, &settings(&sink.url()).with_longest(Duration::from_millis(200))).unwrap();
    assert_eq!((replayed.spools.adopted, replayed.spools.spooled, replayed.kept.len()), (200, 200, 1), "{replayed:?}");
    assert!(replayed.kept[0].reason.contains("fails"), "{replayed:?}");
    sink.live();
    assert_nothing_is_lost(&sink, &role, &oracle);
}
