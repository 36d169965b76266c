//! What a server answers: its status (two bytes), `Retry-After` (a line), a body; also as what it says of itself.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use runtree_tracing::fuzzing::understood;
use runtree_tracing::langsmith::wire::Info;

fuzz_target!(|bytes: &[u8]| {
    let Some((status, rest)) = bytes.split_first_chunk::<3>() else { return };
    let status = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()).unwrap_or(500);
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (retry_after, body) = (&rest[..line], rest.get(line + 1..).unwrap_or_default());
    let understood = understood(status, retry_after, body);
    for wait in understood.waits {
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
    }
    for said in understood.said {
        assert!(said.chars().count() <= 1100, "{} characters", said.chars().count());
        assert!(!said.contains(char::is_control), "{said:?}");
    }
    if let Ok(info) = serde_json::from_slice::<Info>(body) {
        let again = serde_json::to_vec(&info).expect("it is all JSON");
        assert_eq!(serde_json::from_slice::<Info>(&again).ok(), Some(info));
    }
});
