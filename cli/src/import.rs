//! Sends exported runs to a collector.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use runtree::prelude::*;
use runtree_collector::run::Field;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::collector::{At, Collector, refusal};
use crate::{bar, out, shown};

/// Runs of one request: as many refusals an answer names.
const RUNS: usize = 100;
/// Bytes of one request.
const BYTES: usize = 8 << 20;

/// Which files, and whereto.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files with a run a line, as `runtree export` writes them; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The project they go to; by default the one they are from
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Prints what was refused and what became of it all as lines of JSON, for machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// What waits to be sent, and what became of the rest.
struct Sender<'a> {
    collector: &'a Collector,
    project: Option<String>,
    json: bool,
    /// Runs from their beginning on, and those of which only the end is known.
    post: Vec<String>,
    patch: Vec<String>,
    bytes: usize,
    stored: usize,
    refused: usize,
    bar: ProgressBar,
}

/// What is refused, as an answer says it.
#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    id: Option<String>,
    reason: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    refused: Vec<Refused>,
    errors: Vec<Refused>,
    refused_count: Option<usize>,
}

/// Sends them all, and says what was refused.
pub(crate) async fn run(import: Import) -> Result<()> {
    let collector = import.at.connect().await?;
    let (project, json) = (import.project, import.json);
    let mut sender = Sender {
        collector: &collector,
        project,
        json,
        post: Vec::new(),
        patch: Vec::new(),
        bytes: 0,
        stored: 0,
        refused: 0,
        bar: bar::new("{wide_bar} {bytes} of {total_bytes}, {eta}"),
    };
    // Nobody knows how much comes through a pipe.
    sender
        .bar
        .set_length(import.files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|file| file.len()).sum());
    for path in &import.files {
        let named = |error: std::io::Error| Error::other(format!("reading {}: {error}", path.display()));
        let mut lines = open(path).map_err(named)?;
        let (mut line, mut number) = (Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).map_err(named)? > 0 {
            number += 1;
            sender.bar.inc(line.len() as u64);
            if !line.trim_ascii().is_empty() {
                sender.take(&line, || format!("{}:{number}", path.display())).await?;
            }
            line.clear();
        }
    }
    sender.send().await?;
    let Sender { stored, refused, bar, .. } = sender;
    bar.finish_and_clear();
    match json {
        true => out::json(&json!({"stored": stored, "refused": refused}).to_string())?,
        false => out::line(&format!("{} stored, {refused} refused", shown::count(stored as u64, "run")))?,
    }
    if refused == 0 { Ok(()) } else { Err(Error::new(ErrorKind::Other, "some runs were refused, see above")) }
}

fn open(path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    Ok(match path.to_str() {
        Some("-") => Box::new(BufReader::new(std::io::stdin())),
        _ => Box::new(BufReader::new(File::open(path)?)),
    })
}

impl Sender<'_> {
    /// Takes a line, and sends what waits if it is enough.
    async fn take(&mut self, line: &[u8], place: impl Fn() -> String) -> Result<()> {
        let (run, has_begun) = match operation(line, self.project.as_deref()) {
            Ok(run) => run,
            Err(reason) => return self.refuse(&place(), &reason),
        };
        if self.bytes + run.len() > BYTES || self.post.len() + self.patch.len() >= RUNS {
            self.send().await?;
        }
        self.bytes += run.len();
        if has_begun {
            self.post.push(run)
        } else {
            self.patch.push(run)
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<()> {
        let (post, patch) = (std::mem::take(&mut self.post), std::mem::take(&mut self.patch));
        let sent = post.len() + patch.len();
        self.bytes = 0;
        if sent == 0 {
            return Ok(());
        }
        let body = format!("{{\"post\":[{}],\"patch\":[{}]}}", post.join(","), patch.join(","));
        let (status, answer) = self.collector.post_whatever("/runs/batch", body.into()).await?;
        let Answer { refused, errors, refused_count } = serde_json::from_slice(&answer).unwrap_or_default();
        if !status.is_success() && errors.is_empty() {
            return Err(refusal(status, &answer, "POST /runs/batch"));
        }
        let refused: Vec<Refused> = refused.into_iter().chain(errors).collect();
        for Refused { id, reason } in &refused {
            self.refuse(id.as_deref().unwrap_or("a run without an id"), reason)?;
        }
        let more = refused_count.unwrap_or(0).saturating_sub(refused.len());
        self.refused += more;
        self.stored += sent.saturating_sub(refused.len() + more);
        Ok(())
    }

    fn refuse(&mut self, what: &str, reason: &str) -> Result<()> {
        self.refused += 1;
        self.bar.suspend(|| {
            if self.json {
                return out::json(&json!({"refused": what, "reason": reason}).to_string());
            }
            eprintln!("refused  {}: {}", shown::one_line(what), shown::one_line(reason));
            Ok(())
        })
    }
}

/// What a collector is told of an exported run, and whether its beginning is among it. Values stay as they came.
fn operation(line: &[u8], project: Option<&str>) -> std::result::Result<(String, bool), String> {
    let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let run: HashMap<String, &RawValue> = serde_json::from_str(line).map_err(|error| format!("no run: {error}"))?;
    let get = |name: &str| run.get(name).map(|raw| raw.get()).filter(|json| *json != "null");
    let has_begun = get("is_incomplete") != Some("true");
    let mut fields = vec![format!("\"id\":{}", get("id").ok_or("a run without an id")?)];
    let mut tell = |name: &str, json: &str| fields.push(format!("\"{name}\":{json}"));
    if let Some(project) = project {
        tell("session_name", &Value::from(project).to_string());
    } else if let Some(name) = get("session_name") {
        tell("session_name", name);
    }
    // A place that is known in part says less than the ids beside it.
    let is_partial = |order: &str| !order.contains('.') && get("parent_run_id").is_some();
    for field in Field::ALL {
        let told = match field {
            // The project is told by its name; its id is another one elsewhere.
            Field::ProjectName | Field::ProjectId => None,
            Field::DottedOrder => get("dotted_order").filter(|order| !is_partial(order)),
            Field::Status => get("status").filter(|status| *status != "\"pending\""),
            // Of a run whose beginning is not known, these are guesses.
            Field::Name | Field::RunType | Field::Start if !has_begun => None,
            _ => get(field.name()),
        };
        if let Some(json) = told {
            tell(field.name(), json);
        }
    }
    Ok((format!("{{{}}}", fields.join(",")), has_begun))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_a_writer_can_tell() {
        let line = br#"{"session_name":"p","id":"1","session_id":"2","name":"n","status":"pending","outputs":null,
            "inputs":{"n":1.50,"n2":123456789012345678901234567890},"total_tokens":7,"parent_run_id":"3","dotted_order":"x"}"#;
        let (run, has_begun) = operation(line, None).unwrap();
        assert_eq!(
            run,
            r#"{"id":"1","session_name":"p","parent_run_id":"3","name":"n","inputs":{"n":1.50,"n2":123456789012345678901234567890}}"#
        );
        assert!(has_begun);
        let (run, has_begun) =
            operation(br#"{"id":"1","is_incomplete":true,"name":"","run_type":"chain"}"#, Some("q\"")).unwrap();
        assert_eq!((&run[..], has_begun), (r#"{"id":"1","session_name":"q\""}"#, false));
        assert!(
            operation(b"[]", None).is_err() && operation(b"{}", None).is_err() && operation(b"\xff", None).is_err()
        );
    }
}
