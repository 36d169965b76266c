//! LangSmith's own SDKs write to `runtree serve`, and read back what they wrote.
//!
//! The suites are programs of theirs in `tests/interop`. `tests/interop/setup` installs what these need; without, these
//! tests are skipped. Those in Postgres need a server as well; `tests/postgres/run` starts one.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[allow(dead_code, reason = "each of the tests uses some of it")]
#[path = "../../../collector/tests/support/database.rs"]
mod database;
#[allow(dead_code, reason = "each of the tests uses some of it")]
#[path = "../support/served.rs"]
mod served;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use database::Database;
use served::{Served, command};

const KEY: &str = "a-key-of-this-test";

/// How a collector is asked.
struct Way {
    key: Option<&'static str>,
    prefix: &'static str,
    /// The checks that have nothing to look at.
    skipped: &'static [&'static str],
}

const OPEN: Way = Way { key: None, prefix: "", skipped: &["core/wrong_key_is_refused"] };
const LOCKED: Way = Way { key: Some(KEY), prefix: "", skipped: &[] };
const PREFIXED: Way = Way { key: Some(KEY), prefix: "/api/v1", skipped: &["extra/prefixed_paths"] };

/// Where traces are kept.
#[derive(Clone, Copy)]
enum Place {
    File,
    Postgres,
}

/// A place that is removed in the end.
enum Kept {
    File(tempfile::TempDir),
    Postgres(Database),
}

impl Place {
    /// A new one; none if the environment says nothing of a server.
    fn make(self) -> Option<Kept> {
        Some(match self {
            Self::File => Kept::File(tempfile::tempdir().unwrap()),
            Self::Postgres => {
                installed("RUNTREE_POSTGRES")?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                Kept::Postgres(runtime.block_on(Database::new()))
            }
        })
    }
}

impl Kept {
    /// What `--db` is told.
    fn place(&self) -> PathBuf {
        match self {
            Self::File(folder) => folder.path().join("traces.db"),
            Self::Postgres(database) => PathBuf::from(&database.url),
        }
    }
}

fn suite(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop").join(name)
}

/// What the environment says was installed.
fn installed(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        eprintln!("skipped: {variable} is not set; `tests/run` sets it");
    }
    found
}

/// Runs a suite against a new collector: nothing fails, nothing else is skipped, and so many checks pass.
fn run(way: &Way, place: Place, suite: &mut Command, least: usize) {
    let Some(kept) = place.make() else { return };
    let mut serve = command(&kept.place());
    serve.stderr(Stdio::inherit()).envs(way.key.map(|key| ("RUNTREE_KEY", key)));
    let served = Served::start(&mut serve).unwrap();
    suite.env("BASE_URL", format!("{}{}", served.url(), way.prefix));
    if let Some(key) = way.key {
        suite.env("LANGSMITH_API_KEY", key).env("EXPECT_AUTH", "1");
    }
    let output = suite.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    print!("{stdout}");
    let checks = |verdict: &str| -> Vec<&str> {
        let lines = stdout.lines().filter_map(|line| line.strip_prefix(verdict));
        lines.map(|line| line.split_whitespace().next().unwrap()).collect()
    };
    assert_eq!(checks("skip "), way.skipped);
    assert_eq!(checks("FAIL "), [""; 0]);
    assert!(checks("ok   ").len() >= least, "{stdout}");
}

fn python(way: &Way, place: Place) {
    let Some(python) = installed("RUNTREE_PYTHON") else { return };
    run(way, place, Command::new(python).arg(suite("py_client_suite.py")), 58);
}

fn javascript(way: &Way, place: Place) {
    let Some(modules) = installed("RUNTREE_NODE_MODULES") else { return };
    let folder = Path::new(&modules).parent().unwrap();
    let way = &Way { skipped: &[], ..*way };
    run(way, place, Command::new("node").arg(suite("js_client_suite.cjs")).env("LANGSMITH_JS_DIR", folder), 10);
}

/// All that an SDK is asked to do, with traces kept in one place.
macro_rules! sdks_agree {
    ($module:ident, $place:ident) => {
        mod $module {
            use super::*;

            #[test]
            fn the_python_sdk_without_keys() {
                python(&OPEN, Place::$place);
            }

            #[test]
            fn the_python_sdk_with_a_key() {
                python(&LOCKED, Place::$place);
            }

            #[test]
            fn the_python_sdk_under_a_prefix() {
                python(&PREFIXED, Place::$place);
            }

            #[test]
            fn the_javascript_sdk_without_keys() {
                javascript(&OPEN, Place::$place);
            }

            #[test]
            fn the_javascript_sdk_with_a_key() {
                javascript(&LOCKED, Place::$place);
            }

            #[test]
            fn the_javascript_sdk_under_a_prefix() {
                javascript(&PREFIXED, Place::$place);
            }
        }
    };
}

sdks_agree!(in_a_file, File);
sdks_agree!(in_postgres, Postgres);
