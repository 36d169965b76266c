//! Requests and answers that are cut, lost, or lie: F06, F08, F13.

use std::time::Duration;

use crate::server::{Named, Reply, Server, Setup};
use crate::{MODES, Program, arrived_once, sized};

#[test]
fn f06_a_request_that_is_cut_is_sent_again() {
    let cuts: [fn(usize) -> usize; 4] = [|_| 1, |_| 100, |length| length / 2, |length| length - 1];
    for mode in MODES {
        for (which, cut) in cuts.into_iter().enumerate() {
            let cut = move |number: usize, length: usize| (number <= 2 && length > 0).then(|| cut(length));
            let setup = Setup { cut: Some(Box::new(cut)), ..Setup::default() };
            let server = Server::with(setup, |_| Reply::stored());
            let program = Program::new(&server.url(), *mode);
            program.runs(sized(100, 2_000));
            program.arrives_at(&server);
            arrived_once(&server);
            assert!(server.requests().len() > 2, "cut {which}");
        }
    }
}

#[test]
fn f06_an_answer_that_is_lost_stalls_or_is_cut_makes_no_second_run() {
    let answers: [Named; 6] = [
        ("lost", || Reply::reset().storing()),
        ("closed", || Reply::raw([]).storing()),
        ("stalls", || Reply::stored().cut(10).then_silence()),
        ("stalls in its body", || Reply::stored().cut(80).then_silence()),
        ("is cut in its head", || Reply::stored().cut(20)),
        ("is cut in its body", || Reply::stored().cut(80).then_reset()),
    ];
    for mode in MODES {
        for (name, answer) in answers {
            let server = Server::start(move |request| if request.number <= 2 { answer() } else { Reply::stored() });
            let program =
                Program::with(&server.url(), *mode, |builder| builder.with_timeout(Duration::from_millis(200)));
            program.runs(sized(50, 2_000));
            program.arrives_at(&server);
            let twice = server.runs().values().filter(|run| run.creates > 1).count();
            assert!(twice > 0, "an answer that {name} was taken for an answer");
        }
    }
}

#[test]
fn f08_a_failure_though_it_was_stored_makes_no_second_run() {
    for mode in MODES {
        let server = Server::start(|request| match request.number {
            ..=3 => Reply::status(503, &[("retry-after", "0")], b"{}").storing(),
            _ => Reply::stored(),
        });
        let program = Program::new(&server.url(), *mode);
        program.runs(sized(200, 5_000));
        program.arrives_at(&server);
    }
}

#[test]
fn f13_a_page_that_is_no_answer_of_this_protocol_stores_nothing() {
    let page = || Reply::status(200, &[("content-type", "text/html")], b"<html>Please sign in</html>");
    for mode in MODES {
        let setup = Setup { scripts_info: true, ..Setup::default() };
        let server = Server::with(setup, move |request| match request.number {
            ..=4 => page(),
            _ if request.path.ends_with("/info") => Reply::status(200, &[], b"{}"),
            _ => Reply::stored(),
        });
        let program = Program::new(&server.url(), *mode);
        program.runs(20);
        program.arrives_at(&server);
        arrived_once(&server);
        let named = program.problems().iter().any(|problem| problem.to_string().contains("not this protocol's"));
        assert!(named, "{:?}", program.problems());
    }
}
