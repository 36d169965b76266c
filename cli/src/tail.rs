//! Shows runs as they begin and end.

use std::time::Duration;

use clap::Args;
use reqwest::Response;
use runtree::prelude::*;
use runtree::tracing::langsmith::wire::{Run, RunStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::collector::{At, Collector};
use crate::{out, shown};

/// The shortest and the longest pause before another try.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Bytes of an event.
const EVENT: usize = 64 << 20;

/// Whose runs.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// Only those of this project, by its name or id
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Prints each run as a line of JSON whenever it changes, for machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// Shows them until it is told to end. A stream that breaks is taken up where it broke.
pub(crate) async fn run(tail: Tail) -> Result<()> {
    let collector = tail.at.connect().await?;
    let project = match &tail.project {
        Some(name) => Some(collector.project(name).await?.to_string()),
        None => None,
    };
    let query: Vec<(&str, &str)> = project.iter().map(|project| ("project", &project[..])).collect();
    let mut reader = Reader { json: tail.json, last: None, seen: 0 };
    let mut response = collector.stream(&query, None).await?;
    let mut pause = PAUSES.0;
    loop {
        let before = reader.last;
        match reader.follow(response).await {
            Err(error) if error.downcast_ref::<out::NobodyReads>().is_some() => return Err(error),
            _ if reader.last != before => pause = PAUSES.0,
            _ => {}
        }
        eprintln!("runtree: the stream broke; it is taken up again");
        response = reader.again(&collector, &query, &mut pause).await?;
    }
}

/// What was read of a stream.
struct Reader {
    json: bool,
    /// The event that was read last.
    last: Option<i64>,
    /// The newest change that was shown: some are told twice.
    seen: i64,
}

/// An event, as its lines come.
#[derive(Default)]
struct Event {
    kind: String,
    data: String,
}

#[derive(Deserialize)]
struct Runs<'a> {
    #[serde(borrow)]
    runs: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(flatten)]
    run: Run,
    version: i64,
}

impl Reader {
    /// Opens the stream again, however long the collector is away.
    async fn again(&self, collector: &Collector, query: &[(&str, &str)], pause: &mut Duration) -> Result<Response> {
        loop {
            tokio::time::sleep(*pause).await;
            *pause = (*pause * 2).min(PAUSES.1);
            match collector.stream(query, self.last).await {
                Err(error)
                    if matches!(error.kind(), ErrorKind::Transport | ErrorKind::Provider | ErrorKind::RateLimited) => {}
                answer => return answer,
            }
        }
    }

    /// Shows what comes until the stream ends.
    async fn follow(&mut self, mut response: Response) -> Result<()> {
        let (mut rest, mut event) = (Vec::new(), Event::default());
        while let Some(chunk) = response.chunk().await.or_fail_as(ErrorKind::Transport, "reading the stream")? {
            rest.extend_from_slice(&chunk);
            let mut from = 0;
            while let Some(length) = rest[from..].iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&rest[from..from + length]).trim_end_matches('\r').to_owned();
                from += length + 1;
                self.take(&line, &mut event)?;
            }
            rest.drain(..from);
            if rest.len() + event.data.len() > EVENT {
                return Err(Error::new(ErrorKind::Provider, "an event has no end"));
            }
        }
        Ok(())
    }

    fn take(&mut self, line: &str, event: &mut Event) -> Result<()> {
        if line.is_empty() {
            let Event { kind, data } = std::mem::take(event);
            return match &kind[..] {
                "runs" => self.show(&data),
                "resync" if self.json => out::json(r#"{"resync":true}"#),
                "resync" => out::line("… more changed at once than is shown here; `runtree ls` has it all"),
                _ => Ok(()),
            };
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event.kind = value.to_owned(),
            "data" => event.data.push_str(value),
            "id" => {
                let id = value.parse().ok();
                // A collector that counts from an earlier number is another one.
                if id < self.last {
                    self.seen = id.unwrap_or(0);
                }
                self.last = id;
            }
            _ => {}
        }
        Ok(())
    }

    fn show(&mut self, data: &str) -> Result<()> {
        let Runs { runs } = serde_json::from_str(data)?;
        for raw in runs {
            let Change { run, version } = serde_json::from_str(raw.get())?;
            if version <= self.seen {
                continue;
            }
            self.seen = version;
            if self.json { out::json(raw.get())? } else { out::line(&line(&run))? }
        }
        Ok(())
    }
}

fn line(run: &Run) -> String {
    let (when, what) = match &run.status {
        RunStatus::Pending => (run.start_time, "began".to_owned()),
        status => (run.end_time.unwrap_or(run.start_time), shown::one_line(status.as_str())),
    };
    let mark = if run.is_root() { "" } else { "  " };
    let name = shown::one_line(&run.name);
    let error = run.error.as_deref().filter(|error| !error.trim().is_empty());
    let error = error.map(|error| format!("! {}", shown::first_line(error))).unwrap_or_default();
    let words = [
        format!("{} {what:<11} {mark}{name}", shown::time(when)),
        run.run_type.as_str().to_owned(),
        shown::latency(run),
        shown::tokens(run),
        run.trace_id.to_string(),
        error,
    ];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line_and_its_number_is_kept() {
        let (mut reader, mut event) = (Reader { json: true, last: None, seen: 0 }, Event::default());
        for line in ["retry: 1000", "id: 7", ": hello", ""] {
            reader.take(line, &mut event).unwrap();
        }
        assert_eq!((reader.last, event.data.as_str()), (Some(7), ""));
        reader.seen = 7;
        reader.take("id: 2", &mut event).unwrap();
        assert_eq!((reader.last, reader.seen), (Some(2), 2));
    }
}
