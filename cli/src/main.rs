//! The `runtree` command. Without a subcommand it answers a question about a text, and shows the trace as it grows.

mod ask;
mod bar;
mod collector;
mod doctor;
mod export;
mod import;
mod keys;
mod ls;
mod out;
mod replay;
mod serve;
mod show;
mod shown;
mod tail;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Answers a question about a text, and shows the trace as it grows.
#[derive(Debug, Parser)]
#[command(name = "runtree", version, arg_required_else_help = false, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    ask: ask::Ask,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the traces of a project, newest first; without a project, the projects
    Ls(ls::Ls),
    /// Shows a trace as a tree, or what went into one run and came out of it
    Show(show::Show),
    /// Shows runs as they begin and end
    Tail(tail::Tail),
    /// Writes runs into a file: as lines of JSON, or a trace as one page of HTML
    Export(export::Export),
    /// Sends exported runs to a collector
    Import(import::Import),
    /// Tells what is wrong with runs, and why that may be
    Doctor(doctor::Doctor),
    /// Makes, lists and removes the keys of a collector
    Keys(keys::Keys),
    /// Sends what processes left on disk: spools, and requests that were refused
    Replay(replay::Replay),
    /// Takes in traces and answers questions about them
    Serve(serve::Serve),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Replay(command)) => {
            // It has a runtime of its own.
            let done = tokio::task::spawn_blocking(|| replay::run(command)).await;
            done.unwrap_or_else(|panicked| Err(runtree::Error::other(panicked)))
        }
        Some(Command::Serve(command)) => serve::run(command).await,
        Some(Command::Ls(command)) => ls::run(command).await,
        Some(Command::Show(command)) => show::run(command).await,
        Some(Command::Tail(command)) => tail::run(command).await,
        Some(Command::Export(command)) => export::run(command).await,
        Some(Command::Import(command)) => import::run(command).await,
        Some(Command::Doctor(command)) => doctor::run(command).await,
        Some(Command::Keys(command)) => keys::run(command).await,
        None => ask::run(cli.ask).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.downcast_ref::<out::NobodyReads>().is_some() => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever a server put into its answer.
            let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("runtree: {}", shown::one_line(&line));
            ExitCode::FAILURE
        }
    }
}
