//! Answers that are meant to hurt: F14. And what a redirect or an answer may learn or tell of a key: F11, F12.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::server::{Named, Reply, Server};
use crate::{MODES, Program, is_a_process_of_its_own, resident, sized};

/// Bytes for ever, or nearly.
fn endless(opening: &'static str, piece: &'static [u8]) -> Reply {
    let pieces = sized(64 << 20, 1 << 30) / piece.len();
    Reply::stream(std::iter::once(opening.into()).chain(std::iter::repeat_with(|| piece.to_vec()).take(pieces)))
}

#[test]
fn f14_hostile_answers_cost_no_memory_and_lose_nothing() {
    if !is_a_process_of_its_own("hostile::f14_hostile_answers_cost_no_memory_and_lose_nothing", &[]) {
        return;
    }
    const KIBS: &[u8] = &[b'x'; 64 << 10];
    let answers: [Named; 8] = [
        ("a huge body", || endless("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", KIBS)),
        ("a body without end", || endless("HTTP/1.1 500 No\r\n\r\n", KIBS)),
        ("headers without end", || {
            endless("HTTP/1.1 200 OK\r\n", b"x-filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")
        }),
        ("one header without end", || endless("HTTP/1.1 200 OK\r\nx-filler: ", KIBS)),
        ("many cookies", || endless("HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b\r\n")),
        ("no HTTP", || Reply::raw(b"\0\x01not http at all\r\n\r\n".repeat(50))),
        ("a length that is none", || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n")),
        ("slow bytes", || Reply::status(202, &[], b"{}").drip(Duration::from_millis(40))),
    ];
    let idle = resident();
    for mode in MODES {
        for (name, answer) in answers {
            let server = Server::start(move |request| if request.number == 1 { answer() } else { Reply::stored() });
            let change = |builder: runtree_tracing::langsmith::LangSmithBuilder| {
                builder.with_requests_at_once(1).with_timeout(Duration::from_millis(500))
            };
            let program = Program::with(&server.url(), *mode, change);
            program.runs(20);
            program.arrives_at(&server);
            crate::arrived_once(&server);
            assert!(server.requests().len() > 1, "{name} was taken for an answer");
            // No more was read than there is room for in the buffers of both ends.
            assert!(server.written() < 16 << 20, "{name}: {} bytes were read", server.written());
        }
    }
    if let (Some((idle, _)), Some((_, most))) = (idle, resident()) {
        assert!(most - idle <= 48, "{} MiB more than idle", most - idle);
    }
}

#[test]
fn f11_a_key_is_never_in_what_is_said() {
    let server = Server::start(|request| {
        let key = request.header("x-api-key").unwrap_or_default();
        assert_eq!(key, "lsv2_secret");
        Reply::status(401, &[], format!("{{\"detail\":\"the key {key} is not known here\"}}").as_bytes())
    });
    let program = Program::new(&server.url(), MODES[0]);
    program.runs(5);
    while server.requests().is_empty() {
        std::thread::yield_now();
    }
    let receipt = program.flush_within(Duration::from_millis(300));
    assert!(receipt.is_balanced() && receipt.waiting + receipt.merged == 10, "{receipt:?}");
    let problems = program.problems();
    let said: Vec<String> = problems.iter().flat_map(|one| [one.to_string(), format!("{one:?}")]).collect();
    assert!(said.iter().any(|line| line.contains("is not known here")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("lsv2_secret")), "{said:?}");
    assert_eq!(server.requests().len(), 1, "held: asked again after 30 s, not before");
}

#[test]
fn f12_a_redirect_is_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start(|_| Reply::stored());
        let asked = Arc::new(Mutex::new(0));
        let (place, counted) = (format!("{}/elsewhere", other.url()), asked.clone());
        let server = Server::start(move |_| {
            *counted.lock().unwrap() += 1;
            Reply::status(status, &[("location", &place)], b"")
        });
        let program = Program::new(&server.url(), MODES[0]);
        program.runs(5);
        while *asked.lock().unwrap() == 0 {
            std::thread::yield_now();
        }
        let receipt = program.flush_within(Duration::from_millis(300));
        assert!(receipt.is_balanced() && receipt.waiting + receipt.merged == 10, "{receipt:?}");
        assert_eq!((other.requests().len(), other.runs().len()), (0, 0), "status {status}");
        assert_eq!(*asked.lock().unwrap(), 1, "held: asked again after 30 s, not before");
        let said = program.problems();
        assert!(said.iter().any(|problem| problem.to_string().contains(&status.to_string())), "{said:?}");
    }
}
