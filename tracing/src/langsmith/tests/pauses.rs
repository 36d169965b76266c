//! A server that lets us in no more, one that lacks what it said to have, a name that leads nowhere: F07, F11, F17.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Bench;
use super::clock::TestClock;
use super::server::{Reply, Server};

#[test]
fn f11_a_key_that_is_revoked_for_a_minute_is_tried_every_half_minute() {
    for status in [401, 403] {
        let (clock, times) = (Arc::new(TestClock::new()), Arc::new(Mutex::new(Vec::new())));
        let (at, noted) = (clock.clone(), times.clone());
        let server = Server::start(move |_| {
            noted.lock().unwrap().push(at.passed());
            match at.passed() < Duration::from_secs(60) {
                true => Reply::status(status, &[], b"{\"detail\":\"no such key\"}"),
                false => Reply::stored(),
            }
        });
        let bench = Bench::new(&server.url(), &clock, None);
        bench.runs(50);
        assert!(bench.settles().is_complete());
        assert_eq!(server.runs().len(), 50);
        let times = times.lock().unwrap();
        let refused: Vec<&Duration> = times.iter().filter(|time| **time < Duration::from_secs(60)).collect();
        assert_eq!(refused.len(), 2, "{times:?}");
        assert!(*refused[1] - *refused[0] >= Duration::from_secs(30), "{times:?}");
        assert!(bench.problems().iter().all(|line| line.contains("no such key") && !line.contains("lsv2")));
    }
}

#[test]
fn f07_a_server_without_the_multipart_it_promised_gets_batches_without_a_pause() {
    let clock = Arc::new(TestClock::new());
    let server = Server::start(|request| match request.path.ends_with("/runs/multipart") {
        true => Reply::status(404, &[], b"{}"),
        false => Reply::stored(),
    });
    let bench = Bench::new(&server.url(), &clock, None);
    bench.runs(1_000); // several requests find out at once
    assert!(bench.settles().is_complete());
    assert_eq!(server.runs().len(), 1_000);
    assert!(clock.passed() < Duration::from_secs(1), "{:?}", clock.passed());
    assert!(bench.problems().is_empty(), "{:?}", bench.problems());
    let in_vain = server.requests().iter().filter(|request| request.path.ends_with("/runs/multipart")).count();
    assert!(in_vain <= 4, "{in_vain} requests to where nothing is");
}

/// Knows no name at first, then one address, then another.
#[derive(Debug)]
struct Names {
    /// What is known of the name; none while it cannot be looked up.
    known: Arc<Mutex<Option<SocketAddr>>>,
    asked: Arc<Mutex<usize>>,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        assert_eq!(name.as_str(), "runs.invalid");
        *self.asked.lock().unwrap() += 1;
        let known = *self.known.lock().unwrap();
        Box::pin(async move {
            let address = known.ok_or_else(|| std::io::Error::other("no such name"))?;
            // The port is the address's own.
            Ok(Box::new(std::iter::once(SocketAddr::new(address.ip(), 0))) as Addrs)
        })
    }
}

#[test]
fn f17_a_name_is_looked_up_again_with_each_new_connection() {
    // Two servers on one port, at two addresses of this machine.
    let (clock, stored) = (Arc::new(TestClock::new()), |_: &super::server::Request| Reply::stored());
    let first = Server::start(stored);
    let second_at = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), first.address().port()));
    let second = Server::at(second_at, stored);
    let (known, asked) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(0)));
    let names = Arc::new(Names { known: known.clone(), asked: asked.clone() });
    let url = format!("http://runs.invalid:{}", first.address().port());
    let bench = Bench::new(&url, &clock, Some(names));

    bench.runs(10);
    let healed = known.clone();
    let later = std::thread::spawn({
        let (problems, first) = (bench.problems.clone(), first.address());
        move || {
            while !problems.lock().unwrap().iter().any(|line| line.contains("no such name")) {
                std::thread::yield_now();
            }
            *healed.lock().unwrap() = Some(first);
        }
    });
    assert!(bench.settles().is_complete());
    later.join().unwrap();
    assert_eq!((first.runs().len(), second.runs().len()), (10, 0));

    *known.lock().unwrap() = Some(second_at);
    first.go_down();
    bench.runs(10);
    assert!(bench.settles().is_complete());
    assert_eq!((first.runs().len(), second.runs().len()), (10, 10));
    assert!(*asked.lock().unwrap() >= 3);
}
