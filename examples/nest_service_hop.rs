//! A hop to another service: the run goes along in the request's headers, and the trace goes on over there.
//!
//! Two services on loopback speak plain HTTP/1.1 here, so that every byte of the hop can be seen.

use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The service: answers one request, its run below the caller's.
async fn serve(listener: TcpListener, config: RunnableConfig) -> Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut lines = BufReader::new(&mut stream).lines();
    let mut headers = Vec::new();
    while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(": ") {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    // Headers come from strangers: without a readable parent, a trace of the service's own is in order.
    let parent = RunTree::from_headers(&config, headers).map_or(config, |caller| caller.to_config());
    let answer = RunnableLambda::new("answer", async |(): (), _| Ok("pong".to_owned()));
    let body = answer.invoke((), &parent).await?;
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    stream.write_all(response.as_bytes()).await?;
    Ok(())
}

/// The caller: sends its own run along.
#[traceable(run_type = "tool")]
async fn ask_service(address: String, config: &RunnableConfig) -> Result<String> {
    let mut request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in &runtree::tracing::propagation::to_headers(config) {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(&address).await?;
    stream.write_all(format!("{request}\r\n").as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    response.split("\r\n\r\n").nth(1).map(str::to_owned).ok_or_else(|| "the service sent no body".into())
}

/// Runs `ask_service` here and `answer` over there, and gives the answer and the tree of both.
pub(crate) async fn run() -> Result<(String, String)> {
    // Two services would each have a handler of their own; one that hears both shows that it is one trace.
    let trace = InMemory::new();
    let (here, there) = (RunnableConfig::root(), RunnableConfig::root());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let service = tokio::spawn(serve(listener, there.with_handler(trace.handler())));
    let answer = ask_service(address, &here.with_handler(trace.handler())).await?;
    service.await.or_fail("serving")??;
    Ok((answer, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (answer, tree) = run().await?;
    println!("{answer}\n\n{tree}");
    Ok(())
}
