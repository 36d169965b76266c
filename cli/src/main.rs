//! The `runtree` command. Without a subcommand it answers a question about a text, and shows the trace as it grows.

mod ask;

use std::process::ExitCode;

use clap::Parser;

/// Answers a question about a text, and shows the trace as it grows.
#[derive(Debug, Parser)]
#[command(name = "runtree", version, arg_required_else_help = false)]
struct Cli {
    #[command(flatten)]
    ask: ask::Ask,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match ask::run(cli.ask).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever a server put into its answer.
            let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("runtree: {line}");
            ExitCode::FAILURE
        }
    }
}
