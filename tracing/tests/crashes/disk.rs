//! F29, F30, F31: the disk is full, gone, or not ours. The program goes on, and its runs arrive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::child::{Act, Role, Running};
use super::sink::Sink;
use super::sized::sized;
use super::support::{eventually, files, folder};

/// A small disk of its own, if this process may mount one.
struct Mounted(PathBuf);

impl Mounted {
    fn at(path: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let options = format!("size={size},mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "none"]).arg(path).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            println!("skipped: a small disk cannot be mounted here");
        }
        mounted.then(|| Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn ended(sink: &Sink) -> usize {
    sink.rows().values().filter(|row| row.starts > 0 && row.ends > 0).count()
}

pub(crate) fn f29_a_full_disk_costs_nothing_as_long_as_memory_lasts() {
    let (_folder, spool) = folder();
    let Some(_mounted) = Mounted::at(&spool, sized("1m", "8m")) else { return };
    let mut sink = Sink::start();
    sink.die();
    let runs = sized(200, 1600);
    let role = Role { bytes: 20_000, ..Role::new(Act::Wait, sink.url(), &spool).runs(runs) };
    let mut running = role.start();
    running.until("ready");
    sink.live();
    eventually("what is on disk and what is in memory is sent", || ended(&sink) as u64 == runs);
    // There is room again: what comes now survives the process.
    sink.die();
    running.more().until("ready");
    let said = running.kill();
    assert!(said.problems.iter().any(|problem| problem.contains("No space left")), "{:?}", said.problems);
    sink.live();
    Role { act: Act::Drain, ..role }.run();
    let (rows, first) = (sink.rows(), usize::try_from(runs).unwrap());
    assert!(said.started[..first + 20].iter().all(|id| rows[id].starts > 0 && rows[id].ends > 0));
}

pub(crate) fn f31_a_directory_that_is_removed_costs_nothing() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let role = Role::new(Act::Wait, sink.url(), &spool).runs(100);
    let mut running = role.start();
    running.until("ready");
    // What it writes meanwhile may stand in the way.
    eventually("the directory is gone", || fs::remove_dir_all(&spool).is_ok());
    running.more().until("ready");
    sink.live();
    let after = running.said().started[100..].to_vec();
    assert_eq!(after.len(), 100);
    eventually("what came after is sent", || {
        let rows = sink.rows();
        after.iter().all(|id| rows.get(id).is_some_and(|row| row.starts > 0 && row.ends > 0))
    });
    running.kill();
}

pub(crate) fn f31_a_directory_that_cannot_be_used_is_told_of_and_memory_used() {
    let (folder, _) = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "").unwrap();
    fs::create_dir(path("target")).unwrap();
    std::os::unix::fs::symlink(path("target"), path("link")).unwrap();
    fs::create_dir(path("shared")).unwrap();
    fs::set_permissions(path("shared"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let unusable = ["file", "file/below", "link", "shared"].map(path);
    for spool in unusable.into_iter().chain(["/proc/no-such".into()]) {
        let sink = Sink::start();
        let mut running = Role::new(Act::Wait, sink.url(), &spool).start();
        running.until("ready");
        eventually("all is sent", || ended(&sink) == 100);
        let said = running.kill();
        let told: Vec<_> = said.problems.iter().filter(|problem| problem.contains("kept in memory")).collect();
        assert_eq!(told.len(), 1, "{}: {:?}", spool.display(), said.problems);
    }
    assert!(files(&path("target")).is_empty() && files(&path("shared")).is_empty());
}

/// The role in a process that may do less.
fn limited(role: &Role, limit: &str) -> Running {
    let program = std::env::current_exe().unwrap();
    let command = role.command();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$0\"")]).arg(program);
    command.get_envs().for_each(|(key, value)| {
        shell.env(key, value.unwrap());
    });
    Running::start(shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()))
}

pub(crate) fn f31_few_open_files_and_short_files_are_borne() {
    for limit in ["ulimit -n 24", "ulimit -n 10", "trap '' XFSZ; ulimit -f 64"] {
        let (_folder, spool) = folder();
        let sink = Sink::start();
        let role = Role::new(Act::Close, sink.url(), &spool);
        let said = limited(&role, limit).wait();
        assert!(said.status.unwrap().success(), "{limit}: {said:?}");
        assert_eq!(said.ended.len(), 100);
        assert_eq!(said.receipt["is_balanced"], true, "{limit}: {said:?}");
        let drained = Role { act: Act::Drain, ..role }.run();
        assert_eq!(drained.receipt["spooled"], 0, "{limit}: {drained:?}");
        let rows = sink.rows();
        let arrived: u64 = rows.values().map(|row| (row.starts.min(1) + row.ends.min(1)) as u64).sum();
        let dropped = said.receipt["dropped"].as_u64().unwrap();
        assert_eq!(arrived + dropped, 200, "{limit}: {:?}", said.receipt);
        println!("{limit}: {dropped} dropped, {:?}", said.problems.first());
    }
}
