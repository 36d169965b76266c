//! Tells what is wrong with runs, and why that may be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use runtree::Moment;
use runtree::prelude::*;
use runtree::tracing::langsmith::wire::moment;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::collector::At;
use crate::{out, shown};

/// Of which time, and how much.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Only runs that began since: `2026-03-04T05:06:07Z`, or `30m`, `12h`, `7d` ago
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<String>,
    /// How many runs of each trouble
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Prints each trouble as a line of JSON, for machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Deserialize)]
struct Findings {
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    trouble: String,
    likely_cause: String,
    runs: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Found {
    run_id: Uuid,
    trace_id: Uuid,
    name: String,
    start_time: String,
    other: Option<Uuid>,
}

/// Asks, and tells.
pub(crate) async fn run(doctor: Doctor) -> Result<()> {
    let collector = doctor.at.connect().await?;
    let limit = doctor.limit.to_string();
    let mut query = vec![("limit", &limit[..])];
    query.extend(doctor.since.iter().map(|since| ("since", &since[..])));
    let answer = collector.get("/findings", &query).await?;
    let Findings { findings } = serde_json::from_slice(&answer)?;
    let mut is_well = true;
    for Finding { trouble, likely_cause, runs } in findings {
        if doctor.json {
            let runs: Vec<Value> =
                runs.iter().map(|run| serde_json::from_str(run.get())).collect::<serde_json::Result<_>>()?;
            let line = serde_json::json!({
                "trouble": trouble, "count": runs.len(), "is_all": runs.len() < usize::from(doctor.limit),
                "likely_cause": likely_cause, "runs": runs,
            });
            out::json(&line.to_string())?;
            continue;
        }
        if runs.is_empty() {
            continue;
        }
        is_well = false;
        let more = if runs.len() < usize::from(doctor.limit) { "" } else { " or more" };
        out::line(&format!("{}: {}{more}", shown::one_line(&trouble), runs.len()))?;
        out::line(&format!("  likely cause: {}", shown::one_line(&likely_cause)))?;
        let rows: Vec<Vec<String>> = runs.iter().map(|run| row(run)).collect::<Result<_>>()?;
        out::print(&shown::table(&rows))?;
    }
    if is_well && !doctor.json {
        out::line("nothing wrong was found")?;
    }
    Ok(())
}

fn row(run: &RawValue) -> Result<Vec<String>> {
    let Found { run_id, trace_id, name, start_time, other } = serde_json::from_str(run.get())?;
    let start = start_time.replacen('T', " ", 1).chars().take(19).collect::<String>();
    let other = other.map(|other| format!("other {other}")).unwrap_or_default();
    let run = format!("run {run_id}");
    Ok(vec![format!("  {}", shown::one_line(&start)), shown::one_line(&name), run, format!("trace {trace_id}"), other])
}

/// A time, or how long ago it was.
fn since(text: &str) -> std::result::Result<String, String> {
    let ago = text.char_indices().next_back().and_then(|(at, unit)| {
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        text[..at].parse::<u64>().ok()?.checked_mul(seconds)
    });
    let Some(ago) = ago else {
        let is_time = moment(&Value::from(text)).is_ok();
        return is_time
            .then(|| text.to_owned())
            .ok_or_else(|| "no time, as 2026-03-04T05:06:07Z is, and 30m, 12h, 7d ago".to_owned());
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = now.saturating_sub(Duration::from_secs(ago)).as_micros();
    Ok(Moment::from_micros(u64::try_from(then).unwrap_or(0)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_it_is_or_as_how_long_ago() {
        assert_eq!(since("2026-03-04T05:06:07Z").unwrap(), "2026-03-04T05:06:07Z");
        assert!(since("1h").unwrap() < since("1m").unwrap());
        assert_eq!(since("99999999999d").unwrap(), "1970-01-01T00:00:00.000000Z");
        assert!(since("ü").is_err() && since("5y").is_err());
    }
}
