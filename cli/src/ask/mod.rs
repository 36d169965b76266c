//! The main job: a question about a text.

mod answerer;
mod chain;
mod live;
mod model;
mod retrieve;
mod statistics;
mod text;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use runtree::prelude::*;
use runtree::tracing::Exporters;
use runtree::tracing::handlers::{Console, InMemory, Jsonl};
use runtree::{CancellationToken, Run};
use serde_json::json;

use crate::out::print;
use text::Text;

/// What is asked when nothing is.
const QUESTION: &str = "How does a child run find its parent?";

/// How long sending the trace may hold up the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// What to ask, of what, and whom.
#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question; by default, one about runtree
    question: Vec<String>,
    /// The text to ask about, `-` for standard input; by default, runtree's own documentation
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// The model: `NAME` or `openai:NAME` for an OpenAI-compatible server, `ollama:NAME` for Ollama, `extractive` for
    /// the built-in answerer, which is the default
    #[arg(long, value_name = "MODEL", env = "RUNTREE_MODEL")]
    model: Option<String>,
    /// Where the model's server is; by default OPENAI_BASE_URL or OLLAMA_HOST, else where they usually are
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// How many passages of the text the model gets to see
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    passages: u16,
    /// How long the answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Prints one JSON object with the answer and all runs, for machines
    #[arg(long)]
    json: bool,
    /// Shows no trace
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Starts a collector for the trace, prints the address of the trace's page, and stays until Ctrl-C
    #[arg(long)]
    serve: bool,
    /// Writes each run as a line of JSON to a file
    #[arg(long, value_name = "PATH")]
    trace_file: Option<PathBuf>,
}

/// Answers, and shows how.
pub(crate) async fn run(ask: Ask) -> Result<()> {
    let question = if ask.question.is_empty() { QUESTION.to_owned() } else { ask.question.join(" ") };
    let text = ask.file.as_deref().map_or_else(|| Ok(Text::own()), Text::read)?;
    let model = model::choose(ask.model.as_deref(), ask.base_url.as_deref())?;
    let model_name = model.name().into_owned();
    let chain = chain::answer_about(&text, usize::from(ask.passages), model)?;

    let stopped = CancellationToken::new();
    let mut config = RunnableConfig::root()
        .with_metadata("text", text.from.clone())
        .with_timeout(Duration::from_secs(ask.timeout))
        .with_cancellation(stopped.clone());
    let console = (!ask.json && !ask.quiet).then(Console::stderr);
    if let Some(console) = &console {
        console.println(format!("{question}\n(about {}, answered by {model_name})\n", text.from));
        config = config.with_handler(console.handler());
    }
    let memory = ask.json.then(InMemory::new);
    if let Some(memory) = &memory {
        config = config.with_handler(memory.handler());
    }
    // LANGSMITH_TRACING, OTEL_EXPORTER_OTLP_ENDPOINT, RUNTREE_ENDPOINT: whatever the environment asks for.
    let exporters = Exporters::from_env()?;
    config = exporters.listen(&config);
    let live = if ask.serve { Some(live::Live::start().await?) } else { None };
    if let Some(live) = &live {
        config = config.with_handler(live.handler());
    }
    let file = ask.trace_file.as_ref().map(Jsonl::create).transpose()?;
    if let Some(file) = &file {
        config = config.with_handler(file.handler());
    }

    let (end, to_stop) = (crate::serve::told_to_end()?, stopped.clone());
    tokio::spawn(async move {
        end.await;
        to_stop.cancel();
    });
    let answer = stream_answer(&chain, question.clone(), &config, console.as_ref(), ask.json).await;
    if let Some(console) = &console {
        console.finish();
    }
    if let Some(file) = &file {
        file.flush()?;
    }
    if !exporters.is_empty() {
        let receipt = exporters.flush(FAREWELL).await;
        if !receipt.is_complete() {
            eprintln!("runtree: not all of the trace was sent: {receipt}");
        }
    }
    let page = match &live {
        Some(live) => live.page(FAREWELL).await,
        None => Ok(None),
    };
    if let (Some(live), Ok(Some(page))) = (&live, &page)
        && !ask.json
    {
        eprintln!("\n{page}\n({live})");
        if std::io::stdin().is_terminal() {
            stopped.cancelled().await;
        }
    }
    if let Some(live) = live {
        live.end().await;
    }
    let (answer, page) = (answer?, page?);
    if let Some(memory) = &memory {
        let runs: Vec<serde_json::Value> = memory
            .runs()
            .iter()
            .map(|run: &std::sync::Arc<Run>| serde_json::to_value(&**run))
            .collect::<std::result::Result<_, _>>()?;
        let mut report =
            json!({"question": question, "text": text.from, "model": model_name, "answer": answer, "runs": runs});
        if let Some(page) = page {
            report["page"] = page.into();
        }
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    }
    Ok(())
}

/// Runs the chain and shows the answer as it comes.
async fn stream_answer(
    chain: &BoxRunnable<String, String>,
    question: String,
    config: &RunnableConfig,
    console: Option<&Console>,
    silent: bool,
) -> Result<String> {
    // Where both are one terminal, the console keeps the answer above the tree.
    let shared = console.filter(|console| console.is_live() && std::io::stdout().is_terminal());
    let show = |text: &str| match shared {
        _ if silent => Ok(()),
        Some(console) => {
            console.print(text);
            Ok(())
        }
        None => print(text),
    };
    let mut chunks = chain.stream(question, config);
    let mut answer = String::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                if !answer.is_empty() {
                    show("\n")?;
                }
                return Err(error);
            }
        };
        show(&chunk)?;
        answer.push_str(&chunk);
    }
    show("\n")?;
    Ok(answer)
}
