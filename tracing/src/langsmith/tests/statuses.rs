//! F07: every status, with every kind of `Retry-After`: how often is asked, after which pauses, and what becomes of a run.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Bench;
use super::clock::TestClock;
use super::server::{Reply, Server, Stored};

const STATUSES: [u16; 28] = [
    200, 201, 202, 203, 204, 205, 206, 301, 302, 307, 308, 400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 500, 501,
    502, 503, 504, 507, 521,
];

/// Names of `Retry-After`, and what they are.
fn retry_afters() -> [(&'static str, Option<String>); 7] {
    let date = httpdate::fmt_http_date(crate::export::wall() + Duration::from_secs(20));
    let is = |text: &str| Some(text.to_owned());
    [
        ("none", None),
        ("0", is("0")),
        ("2", is("2")),
        ("date", Some(date)),
        ("1e9", is("1000000000")),
        ("abc", is("abc")),
        ("-5", is("-5")),
    ]
}

/// A pause in words: how long exactly, or which of the growing ones, half of which is drawn.
fn in_words(pause: Duration) -> &'static str {
    match pause.as_micros() {
        0 => "at once",
        125_000..250_000 => "≤¼s",
        250_000..500_000 => "≤½s",
        500_000..1_000_000 => "≤1s",
        2_000_000 => "2s",
        // The date is a whole second, and some of that has passed.
        18_000_000..=20_000_000 => "20s",
        30_000_000 => "30s",
        60_000_000 => "60s",
        other => panic!("no pause that is known: {other} µs"),
    }
}

/// What becomes of one run when the first three requests for it get this answer.
fn outcome(status: u16, retry_after: Option<String>) -> String {
    let (clock, asked) = (Arc::new(TestClock::new()), Arc::new(Mutex::new(Vec::new())));
    let (at, noted) = (clock.clone(), asked.clone());
    let server = Server::start(move |_| {
        let mut asked = noted.lock().unwrap();
        asked.push(at.passed());
        let headers: Vec<(&str, &str)> = retry_after.iter().map(|value| ("retry-after", value.as_str())).collect();
        match (asked.len(), status) {
            (4.., _) => Reply::stored(),
            (_, 200..300 | 409) => Reply::status(status, &headers, b"{}").storing(),
            _ => Reply::status(status, &headers, b"{}"),
        }
    });
    let bench = Bench::new(&server.url(), &clock, None);
    bench.runs(1);
    let receipt = bench.settles();
    let fate = match (receipt.merged + receipt.stored, receipt.merged + receipt.refused) {
        (2, refused) if refused == receipt.merged => "stored",
        (stored, 2) if stored == receipt.merged => "refused",
        _ => panic!("status {status}: {receipt:?}"),
    };
    let has: u64 = server.runs().values().map(Stored::units).sum();
    assert_eq!(has, if receipt.stored > 0 { 2 } else { 0 }, "status {status}");
    let asked = asked.lock().unwrap();
    let pauses: Vec<&str> = asked.windows(2).map(|two| in_words(two[1] - two[0])).collect();
    let pauses = if pauses.is_empty() { "-".to_owned() } else { pauses.join(", ") };
    format!("{}  {pauses:<21}  {fate}", asked.len())
}

/// What becomes of it with each `Retry-After`; those with the same outcome in one line.
fn row(status: u16) -> String {
    let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, value) in retry_afters() {
        let outcome = outcome(status, value);
        match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, names)) => names.push(name),
            None => outcomes.push((outcome, vec![name])),
        }
    }
    let mut row = String::new();
    for (at, (outcome, names)) in outcomes.iter().enumerate() {
        let status = if at == 0 { status.to_string() } else { String::new() };
        let names = if names.len() == retry_afters().len() { "any".to_owned() } else { names.join(" ") };
        writeln!(row, "{status:<7} {names:<18} {outcome}").unwrap();
    }
    row
}

/// The first three requests for a run get the status; what is asked after that is answered as it should be.
#[test]
fn f07_each_status_has_its_pauses_and_its_fate() {
    let rows: String = STATUSES.iter().map(|status| row(*status)).collect();
    let table = format!("status  retry-after        asked, after pauses of    fate\n{rows}");
    insta::assert_snapshot!(table, @r"
    status  retry-after        asked, after pauses of    fate
    200     any                1  -                      stored
    201     any                1  -                      stored
    202     any                1  -                      stored
    203     any                1  -                      stored
    204     any                1  -                      stored
    205     any                1  -                      stored
    206     any                1  -                      stored
    301     any                4  30s, 30s, 30s          stored
    302     any                4  30s, 30s, 30s          stored
    307     any                4  30s, 30s, 30s          stored
    308     any                4  30s, 30s, 30s          stored
    400     any                2  at once                refused
    401     any                4  30s, 30s, 30s          stored
    403     any                4  30s, 30s, 30s          stored
    404     any                4  at once, 30s, at once  stored
    408     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    409     any                2  at once                stored
    413     any                1  -                      refused
    422     any                2  at once                refused
    425     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    429     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    500     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    501     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    502     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    503     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    504     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    507     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    521     none 0 abc -5      4  ≤¼s, ≤½s, ≤1s          stored
            2                  4  2s, 2s, 2s             stored
            date               4  20s, 20s, 20s          stored
            1e9                4  60s, 60s, 60s          stored
    ");
}
