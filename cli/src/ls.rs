//! Lists traces, or projects.

use clap::Args;
use futures::TryStreamExt;
use runtree::prelude::*;
use runtree::tracing::langsmith::client::ProjectQuery;
use runtree::tracing::langsmith::wire::{Run, RunQueryBody};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::collector::{At, Collector, hinted};
use crate::{out, shown};

/// Runs of a page.
const PAGE: u64 = 100;

/// Which traces. Without a project, the projects are listed.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// The project, by its name or id
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Only those that meet this, in the filter language: 'and(eq(status, "error"), gt(latency, 2))'
    #[arg(long, value_name = "EXPR", requires = "project")]
    filter: Option<String>,
    /// All runs, not only the roots of traces
    #[arg(long, requires = "project")]
    all: bool,
    /// How many at most; 0 for all there are
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: u64,
    /// Prints each as a line of JSON, for machines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// A run of a page.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    run: Run,
    #[serde(default)]
    errors_inside: Option<i64>,
}

/// Lists them, newest first.
pub(crate) async fn run(ls: Ls) -> Result<()> {
    let collector = ls.at.connect().await?;
    match &ls.project {
        Some(project) => traces(&ls, &collector, project).await,
        None => projects(&ls, &collector).await,
    }
}

async fn traces(ls: &Ls, collector: &Collector, project: &str) -> Result<()> {
    let mut left = if ls.limit == 0 { u64::MAX } else { ls.limit };
    let mut query = RunQueryBody::default();
    query.session = Some(vec![collector.project(project).await?]);
    query.is_root = (!ls.all).then_some(true);
    query.filter.clone_from(&ls.filter);
    query.limit = Some(left.min(PAGE));
    // Payloads are not wanted, so the collector does not read them.
    if !ls.json {
        let fields = [
            "id",
            "trace_id",
            "parent_run_id",
            "name",
            "run_type",
            "status",
            "start_time",
            "end_time",
            "total_tokens",
            "errors_inside",
            "is_orphan",
        ];
        query.select = Some(fields.map(str::to_owned).to_vec());
    }
    let mut pages = collector.pages(query);
    while left > 0
        && let Some(mut page) = pages.next().await?
    {
        page.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= page.len() as u64;
        if ls.json {
            page.iter().try_for_each(|run| out::json(run.get()))?;
        } else {
            let rows: Vec<Vec<String>> = page.iter().map(|run| row(run, ls.all)).collect::<Result<_>>()?;
            out::print(&shown::table(&rows))?;
        }
    }
    Ok(())
}

fn row(run: &RawValue, all: bool) -> Result<Vec<String>> {
    let Line { run, errors_inside } = serde_json::from_str(run.get())?;
    let inside = errors_inside.filter(|errors| *errors > 0).map(|errors| format!("({errors} inside)"));
    let mut row = vec![
        shown::time(run.start_time),
        shown::one_line(run.status.as_str()),
        shown::one_line(&run.name),
        shown::latency(&run),
        shown::tokens(&run),
        inside.unwrap_or_default(),
        run.trace_id.to_string(),
    ];
    if all {
        row.push(run.id.to_string());
    }
    Ok(row)
}

async fn projects(ls: &Ls, collector: &Collector) -> Result<()> {
    let query = ProjectQuery::new().include_stats();
    let query = if ls.limit == 0 { query } else { query.limit(usize::try_from(ls.limit).unwrap_or(usize::MAX)) };
    let projects: Vec<_> = collector.client.list_projects(query).try_collect().await.map_err(hinted)?;
    if ls.json {
        return projects.iter().try_for_each(|project| out::json(&serde_json::to_string(project)?));
    }
    let row = |project: &runtree::tracing::langsmith::wire::Project| {
        let stats = &project.stats;
        let failed = stats.error_rate.filter(|rate| *rate > 0.0).map(|rate| format!("{:.1} % failed", rate * 100.0));
        vec![
            shown::one_line(&project.name),
            shown::count(stats.run_count.unwrap_or(0), "trace"),
            failed.unwrap_or_default(),
            stats.last_run_start_time.map(|last| format!("last {}", shown::time(last))).unwrap_or_default(),
            project.id.to_string(),
        ]
    };
    out::print(&shown::table(&projects.iter().map(row).collect::<Vec<_>>()))
}
