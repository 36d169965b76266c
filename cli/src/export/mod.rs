//! Writes runs into a file: as lines of JSON, or a trace as a page.

mod page;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};
use runtree::prelude::*;
use runtree::tracing::langsmith::client::RunQuery;
use runtree::tracing::langsmith::wire::{Order, RunQueryBody};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::collector::{At, Collector, hinted};
use crate::{bar, out, shown};

/// Runs of a page.
const PAGE: u64 = 100;

/// Which runs, and into what.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct Export {
    /// The runs of this trace
    #[arg(long, value_name = "ID", group = "which")]
    trace: Option<Uuid>,
    /// The runs of this project, by its name or id
    #[arg(long, value_name = "NAME", group = "which")]
    project: Option<String>,
    /// `jsonl`: a line of JSON for each run, oldest first, as `runtree import` reads it; `html`: a trace as one page
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// The file to write; by default standard output
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Prints what was written to the file as a line of JSON, for machines
    #[arg(long, requires = "output")]
    json: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Html,
}

/// What of a run is needed to write it.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    session_id: Option<Uuid>,
    #[serde(default)]
    s3_urls: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Fetches and writes them. A file is either written whole or left as it was.
pub(crate) async fn run(export: Export) -> Result<()> {
    if export.format == Format::Html && export.trace.is_none() {
        return Err(Error::invalid_input("a page is of one trace: give --trace ID"));
    }
    let collector = export.at.connect().await?;
    let Some(path) = &export.output else {
        let mut out = BufWriter::new(std::io::stdout());
        return write(&export, &collector, &mut out).await.map(drop);
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named =
        |error: std::io::Error| Error::new(ErrorKind::Other, format!("writing {}", path.display())).with_source(error);
    if !folder.is_dir() {
        let message = format!("writing {}: there is no folder {}", path.display(), folder.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let mut file = NamedTempFile::new_in(folder).map_err(named)?;
    let runs = write(&export, &collector, &mut BufWriter::new(&mut file)).await?;
    file.persist(path).map_err(|error| named(error.error))?;
    match export.json {
        true => out::json(&json!({"runs": runs, "file": path}).to_string()),
        false => Ok(()),
    }
}

/// Writes the runs, and tells how many they are.
async fn write(export: &Export, collector: &Collector, out: &mut impl Write) -> Result<usize> {
    let mut query = RunQueryBody::default();
    query.trace = export.trace;
    query.order = Some(Order::Asc);
    query.limit = Some(PAGE);
    let mut counted = RunQuery::new();
    if let Some(name) = &export.project {
        let project = collector.project(name).await?;
        query.session = Some(vec![project]);
        counted = counted.project_id(project);
    }
    if let Some(trace) = export.trace {
        counted = counted.trace(trace);
    }
    let bar = bar::new("{wide_bar} {pos} of {len} runs, {eta}");
    if !bar.is_hidden() {
        let stats = collector.client.run_stats(counted).await.map_err(hinted)?;
        bar.set_length(stats.run_count.unwrap_or(0));
    }
    let mut pages = collector.pages(query);
    let mut writer = Lines { collector, out, project: None, files: 0, runs: 0 };
    let mut whole = Vec::new();
    while let Some(page) = pages.next().await? {
        bar.inc(page.len() as u64);
        match export.format {
            Format::Jsonl => writer.lines(&page).await?,
            Format::Html => whole.extend(page),
        }
    }
    bar.finish_and_clear();
    if export.format == Format::Html {
        writer.runs = whole.len();
    }
    if let (0, Some(trace)) = (writer.runs, export.trace) {
        return Err(Error::new(ErrorKind::NotFound, format!("there is no trace {trace}")));
    }
    if writer.files > 0 {
        eprintln!("runtree: without the {} of these runs", shown::count(writer.files as u64, "file"));
    }
    if export.format == Format::Html {
        page::write(&whole, writer.out)?;
    }
    writer.out.flush().map_err(out::failed)?;
    Ok(writer.runs)
}

/// Writes runs as lines.
struct Lines<'a, W> {
    collector: &'a Collector,
    out: W,
    /// The project of the run before, and its name.
    project: Option<(Uuid, String)>,
    files: usize,
    runs: usize,
}

impl<W: Write> Lines<'_, W> {
    async fn lines(&mut self, page: &[Box<RawValue>]) -> Result<()> {
        for run in page {
            let told: Told = serde_json::from_str(run.get())?;
            self.files += told.s3_urls.map_or(0, |files| files.len());
            self.runs += 1;
            let named = match told.session_id {
                Some(project) => self.named(project).await?,
                None => String::new(),
            };
            // The name of the project goes in front, for another collector that knows no ids of this one.
            let run = out::on_one_line(run.get());
            let fields = run.strip_prefix('{').ok_or_else(|| Error::new(ErrorKind::Parse, "a run is no object"))?;
            writeln!(self.out, "{{{named}{fields}").map_err(out::failed)?;
        }
        Ok(())
    }

    /// The name of a project, as a field.
    async fn named(&mut self, id: Uuid) -> Result<String> {
        match &self.project {
            Some((known, named)) if *known == id => Ok(named.clone()),
            _ => {
                let project = self.collector.client.read_project(id).await.map_err(hinted)?;
                let named = format!("\"session_name\":{},", serde_json::to_string(&project.name)?);
                self.project = Some((id, named.clone()));
                Ok(named)
            }
        }
    }
}
