//! Runs, and bodies as SDKs make them: multipart, packed with zstd.

use std::io::Write;

use runtree_core::Moment;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Request;
use crate::words::text;

/// Runs of one trace.
const TRACE: usize = 5;
/// Operations of one request: what SDKs send together.
pub(crate) const TOGETHER: usize = 100;

/// A run, as a writer knows it.
pub(crate) struct Told {
    pub(crate) id: Uuid,
    pub(crate) trace: Uuid,
    pub(crate) parent: Option<Uuid>,
    pub(crate) order: String,
    pub(crate) start: u64,
    pub(crate) input: String,
}

/// So many runs in small traces, with inputs of so many bytes.
pub(crate) fn runs(count: usize, bytes: usize) -> Vec<Told> {
    let now = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap();
    let mut runs: Vec<Told> = Vec::with_capacity(count);
    for number in 0..count {
        let (id, start) = (Uuid::now_v7(), now + number as u64 * 100);
        let own = format!("{}{id}", Moment::from_micros(start).to_dotted());
        let root = (number % TRACE > 0).then(|| &runs[number - number % TRACE]);
        let (parent, trace) = (root.map(|root| root.id), root.map_or(id, |root| root.id));
        let order = root.map_or_else(|| own.clone(), |root| format!("{}.{own}", root.order));
        runs.push(Told { id, trace, parent, order, start, input: text(bytes) });
    }
    runs
}

/// What one operation tells, as parts: the end of the part's name, and its JSON.
type Parts = Vec<(String, String)>;

impl Told {
    fn main(&self, is_whole: bool) -> Value {
        let mut main = json!({
            "id": self.id, "trace_id": self.trace, "dotted_order": self.order, "name": "ChatPromptTemplate",
            "run_type": if self.parent.is_some() { "llm" } else { "chain" }, "session_name": "bench",
            "start_time": Moment::from_micros(self.start).to_string(), "tags": ["seq:step:1"],
        });
        if let Some(parent) = self.parent {
            main["parent_run_id"] = json!(parent);
        }
        if is_whole {
            main["end_time"] = json!(Moment::from_micros(self.start + 1_500).to_string());
        }
        main
    }

    fn create(&self, is_whole: bool) -> Parts {
        let part = |suffix: &str, json: Value| (format!("post.{}{suffix}", self.id), json.to_string());
        let extra = json!({
            "metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5", "revision_id": "v1.2.3-14-gabcdef"},
            "runtime": {"sdk": "langsmith-py", "sdk_version": "0.4.38", "library": "langsmith", "runtime": "python",
                "platform": "Linux-6.8.0-x86_64-with-glibc2.39", "runtime_version": "3.12.4"},
        });
        let mut parts =
            vec![part("", self.main(is_whole)), part(".inputs", json!({"input": self.input})), part(".extra", extra)];
        if is_whole {
            parts.push(part(".outputs", json!({"output": 7})));
        }
        parts
    }

    fn update(&self) -> Parts {
        let part = |suffix: &str, json: Value| (format!("patch.{}{suffix}", self.id), json.to_string());
        let mut main = json!({
            "id": self.id, "trace_id": self.trace, "dotted_order": self.order,
            "end_time": Moment::from_micros(self.start + 1_500).to_string(),
        });
        if let Some(parent) = self.parent {
            main["parent_run_id"] = json!(parent);
        }
        vec![part("", main), part(".outputs", json!({"output": 7}))]
    }
}

/// Requests in three shapes. `apart`: creates, and in later requests the updates. `together`: create and update of a run
/// in the same request, as runs are told that end soon. `whole`: as the same where an SDK makes one of the two.
pub(crate) fn requests(shape: &str, runs: &[Told]) -> Vec<Request> {
    let request = |operations: &[Parts]| {
        let mut body = Vec::new();
        for (name, json) in operations.iter().flatten() {
            write!(
                body,
                "--0198f7a000007000\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}\r\n",
                json.len()
            )
            .unwrap();
        }
        body.extend_from_slice(b"--0198f7a000007000--\r\n");
        let headers = "Content-Type: multipart/form-data; boundary=0198f7a000007000\r\nContent-Encoding: zstd\r\n";
        Request::post("/runs/multipart", headers, &zstd::bulk::compress(&body, 3).unwrap())
    };
    let operations: Vec<Parts> = match shape {
        "apart" => runs
            .chunks(TOGETHER)
            .flat_map(|some| {
                some.iter().map(|run| run.create(false)).chain(some.iter().map(Told::update)).collect::<Vec<_>>()
            })
            .collect(),
        "together" => runs.iter().flat_map(|run| [run.create(false), run.update()]).collect(),
        "whole" => runs.iter().map(|run| run.create(true)).collect(),
        _ => panic!("no shape {shape}"),
    };
    operations.chunks(TOGETHER).map(request).collect()
}
