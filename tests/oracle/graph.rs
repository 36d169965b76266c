//! Drawings and schemas.

use runtree::graph::Mermaid;
use runtree::models::fake::FakeListChatModel;
use runtree::parsers::StrOutputParser;
use runtree::prompts::PromptTemplate;
use runtree::{Fields, IntoRunnable, Result, RunnableExt, RunnableParallel, RunnablePassthrough};
use serde_json::{Value, json};

use crate::case::Case;

pub(crate) async fn graph_drawing(_case: &Case) -> Result<Value> {
    fn join(d: Fields) -> String {
        d.get::<String>("a").unwrap()
    }
    let answer = FakeListChatModel::new(["x"]).pipe(StrOutputParser::new());
    let both = RunnableParallel::new().with("a", answer).with("b", RunnablePassthrough::new());
    let graph = PromptTemplate::new("Q {x}")?.pipe(both).pipe(join).graph();
    let drawn = graph.to_json();
    let nodes = drawn["nodes"].as_array().unwrap().iter().map(|node| {
        let name = node["data"].as_str().or(node["data"]["name"].as_str());
        json!({"id": node["id"], "type": node["type"], "name": name})
    });
    Ok(json!({
        "nodes": nodes.collect::<Value>(),
        "edges": drawn["edges"],
        "mermaid": graph.draw_mermaid_with(&Mermaid::unstyled()),
        "mermaid_styled": graph.draw_mermaid(),
    }))
}

pub(crate) async fn json_schemas(_case: &Case) -> Result<Value> {
    fn add1(x: i64) -> i64 {
        x + 1
    }
    fn to_s(x: i64) -> String {
        x.to_string()
    }
    let prompt = PromptTemplate::new("Q {x} {y}")?;
    let function = add1.into_runnable();
    let parallel = RunnableParallel::new().with("n", add1).with("s", to_s);
    let sequence = prompt.clone().pipe(FakeListChatModel::new(["x"])).pipe(StrOutputParser::new());
    Ok(json!({
        "prompt_input": prompt.input_schema(),
        "fn_input": function.input_schema(),
        "fn_output": function.output_schema(),
        "parallel_output": parallel.output_schema(),
        "seq_input": sequence.input_schema(),
        "seq_output": sequence.output_schema(),
    }))
}
