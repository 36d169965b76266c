//! A file with many runs, made without HTTP.

use std::path::Path;

use runtree_collector::access::Access;
use runtree_collector::run::{Field, Kind, Operation};
use runtree_collector::store::sqlite::{Durability, Sqlite};
use runtree_collector::store::{Batch, Question, Store};
use runtree_core::Moment;
use serde_json::json;
use uuid::{Builder, Uuid};

use crate::words::text;

/// Runs of an ordinary trace.
const TRACE: usize = 10;
/// The first microsecond.
const BEGINNING: u64 = 1_767_225_600_000_000;

/// The id of the trace with so many runs, which every file has beside its ordinary ones: 100 or 10,000.
pub(crate) fn large(runs: usize) -> Uuid {
    id(BEGINNING, 1 << 40 | runs as u64)
}

fn id(start: u64, number: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Builder::from_unix_timestamp_millis(start / 1_000, &random).into_uuid()
}

/// Makes a file of so many runs: a tenth are roots; a fifth are `llm`; of a hundred one failed; one of twenty has the tag
/// `rare`; one of a thousand speaks of a `zebra`; ten users and ten thousand conversations.
pub(crate) fn make(file: &Path, runs: usize) {
    let store = Sqlite::open(file, Durability::ProcessCrashSafe).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ordinary = (0..runs / TRACE).flat_map(|trace| {
        let start = BEGINNING + trace as u64 * 10_000;
        of_a_trace(id(start, (trace * TRACE) as u64), start, TRACE, trace * TRACE)
    });
    let all = of_a_trace(large(100), BEGINNING, 100, 1 << 41)
        .chain(of_a_trace(large(10_000), BEGINNING, 10_000, 1 << 42))
        .chain(ordinary);
    let mut operations = all.peekable();
    runtime.block_on(async {
        while operations.peek().is_some() {
            let batch = Batch { operations: operations.by_ref().take(2_000).collect(), ..Batch::default() };
            assert_eq!(store.write(&Access::full(), batch).await.unwrap(), []);
        }
        let waits = Question {
            filter: Some(runtree_collector::filter::Filter::parse("search('zebra')").unwrap()),
            limit: 1,
            ..Question::default()
        };
        while store.runs(&Access::full(), &waits).await.is_err() {}
        store.close().await;
    });
}

fn of_a_trace(root: Uuid, start: u64, runs: usize, first: usize) -> impl Iterator<Item = Operation> {
    let above = format!("{}{root}", Moment::from_micros(start).to_dotted());
    (0..runs).map(move |at| {
        let number = first + at;
        let began = start + at as u64 * 10;
        let id = if at == 0 { root } else { id(began, number as u64) };
        let own = format!("{}{id}", Moment::from_micros(began).to_dotted());
        let order = if at == 0 { own } else { format!("{above}.{own}") };
        let kind = if number % 5 == 1 { "llm" } else { "chain" };
        let tags = if number % 20 == 3 { json!(["rare", "seq:step:2"]) } else { json!(["seq:step:1"]) };
        let zebra = if number % 1_000 == 7 { "zebra " } else { "" };
        let metadata = json!({
            "user": number / TRACE % 10, "ls_model_name": "gpt-5", "thread_id": format!("thread {}", number / TRACE % 10_000),
        });
        let mut told = Operation::new(Kind::Create, id)
            .with(Field::Trace, json!(root).to_string())
            .with(Field::DottedOrder, json!(order).to_string())
            .with(Field::ProjectName, "\"bench\"")
            .with(Field::Name, format!("\"step {}\"", number % 50))
            .with(Field::RunType, format!("\"{kind}\""))
            .with(Field::Start, began.to_string())
            .with(Field::End, (began + 1_500).to_string())
            .with(Field::Tags, tags.to_string())
            .with(Field::Extra, json!({"metadata": metadata}).to_string())
            .with(Field::Inputs, json!({"input": format!("{zebra}{}", text(200))}).to_string())
            .with(Field::Outputs, r#"{"output": 7}"#);
        if at > 0 {
            told = told.with(Field::Parent, json!(root).to_string());
        }
        if number % 100 == 50 {
            told = told.with(Field::Error, "\"it did not work\"");
        }
        told
    })
}
