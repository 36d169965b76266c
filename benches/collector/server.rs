//! The server, in a process of its own, and what it costs.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtree_collector::http::{Collector, serve as answer};
use runtree_collector::store::Store;
use runtree_collector::store::sqlite::{Durability, Sqlite};
use tokio::net::TcpListener;

/// Serves as `runtree serve` does, until its input ends. Prints its address first.
pub(crate) fn serve(file: &Path) {
    let (end, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = end.send(());
    });
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(file, Durability::default()).unwrap());
        let collector = Collector::over(store).await.unwrap();
        println!("{address}");
        answer(listener, collector, async { drop(ended.await) }).await.unwrap();
    });
}

/// A server in another process: this program, told to be one. It ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// How long it took until it listened.
    pub(crate) started: Duration,
}

impl Server {
    pub(crate) fn start(file: &Path) -> Self {
        let begun = Instant::now();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("serve").arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().parse().unwrap(), started: begun.elapsed() }
    }

    /// CPU time of all its threads until now, in user mode and in the kernel.
    pub(crate) fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = text.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(10 * ticks)
    }

    /// Its CPU time once it has nothing to do any more.
    pub(crate) fn cpu_at_rest(&self) -> Duration {
        let mut before = self.cpu();
        loop {
            std::thread::sleep(Duration::from_millis(300));
            let now = self.cpu();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// The most memory it held, in MiB.
    pub(crate) fn peak(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
