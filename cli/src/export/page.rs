//! A trace as one page: no scripts, nothing fetched, everything that runs say escaped.

use std::collections::HashMap;
use std::io::Write;

use runtree::prelude::*;
use runtree::tracing::langsmith::client::{RunNode, TraceTree};
use runtree::tracing::langsmith::wire::Run;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{out, shown};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.3rem}\
.run{border-left:1px solid #8886;padding-left:1rem;margin:.25rem 0}\
summary{cursor:pointer}\
.kind,.took{color:#777;font-size:.85em}\
.error{color:#c22}\
.orphan{color:#a60}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.5rem;margin:.25rem 0;font-size:.85em}";

/// Levels that are drawn; below, runs stand side by side and tell their depth.
const DEEPEST: usize = 60;

#[derive(Deserialize)]
struct Payloads<'a> {
    #[serde(borrow, default)]
    inputs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    outputs: Option<&'a RawValue>,
}

/// Writes the page.
pub(super) fn write(runs: &[Box<RawValue>], page: &mut impl Write) -> Result<()> {
    let mut payloads: HashMap<Uuid, Payloads<'_>> = HashMap::with_capacity(runs.len());
    let mut read = Vec::with_capacity(runs.len());
    for raw in runs {
        let run: Run = serde_json::from_str(raw.get())?;
        payloads.insert(run.id, serde_json::from_str(raw.get())?);
        read.push(run);
    }
    let tree = TraceTree::new(read);
    let title = tree.root().map_or_else(|| "a trace without its root".to_owned(), |root| escaped(&root.run().name));
    let mut print = |text: &str| page.write_all(text.as_bytes()).map_err(out::failed);
    print(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n"
    ))?;
    let mut open = 0;
    for node in tree.iter() {
        // A run of a level closes those before it that are as deep or deeper.
        let level = node.depth().min(DEEPEST);
        while open > level {
            print("</div>\n")?;
            open -= 1;
        }
        print("<div class=\"run\">\n")?;
        open += 1;
        print(&details(node, payloads.get(&node.run().id)))?;
    }
    for _ in 0..open {
        print("</div>\n")?;
    }
    print("</body>\n</html>\n")
}

/// A run without those below it.
fn details(node: RunNode<'_>, payloads: Option<&Payloads<'_>>) -> String {
    let run = node.run();
    let took = [shown::latency(run), shown::tokens(run)].join(" ");
    let mut text = format!(
        "<details><summary><b>{}</b> <span class=\"kind\">{} {}</span> <span class=\"took\">{}</span>",
        escaped(&run.name),
        run.run_type.as_str(),
        escaped(run.status.as_str()),
        took.trim(),
    );
    if node.depth() > DEEPEST {
        text.push_str(&format!(" <span class=\"kind\">{} deep</span>", node.depth()));
    }
    if node.is_orphan() {
        text.push_str(" <span class=\"orphan\">orphan: its parent is missing</span>");
    }
    let error = run.error.as_deref().filter(|error| !error.trim().is_empty());
    if let Some(error) = error {
        text.push_str(&format!(" <span class=\"error\">{}</span>", escaped(&shown::first_line(error))));
    }
    text.push_str("</summary>\n");
    text.push_str(&format!("<p class=\"kind\">{} began {}</p>\n", run.id, run.start_time));
    for (what, payload) in
        [("inputs", payloads.and_then(|told| told.inputs)), ("outputs", payloads.and_then(|told| told.outputs))]
    {
        if let Some(payload) = payload.filter(|payload| payload.get() != "null") {
            text.push_str(&format!("{what}<pre>{}</pre>\n", escaped(&shown::indented(payload.get()))));
        }
    }
    if let Some(error) = error {
        text.push_str(&format!("error<pre class=\"error\">{}</pre>\n", escaped(error)));
    }
    text.push_str("</details>\n");
    text
}

/// A text as text in HTML. What would act on a reader's screen is spelled out.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(character),
            acts if shown::is_active(acts) => html.extend(acts.escape_unicode()),
            plain => html.push(plain),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(runs: &[String]) -> String {
        let runs: Vec<Box<RawValue>> = runs.iter().map(|run| RawValue::from_string(run.clone()).unwrap()).collect();
        let mut page = Vec::new();
        write(&runs, &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn nothing_that_a_run_says_is_markup() {
        let id = Uuid::now_v7();
        let page = page(&[serde_json::json!({
            "id": id, "trace_id": id, "name": "<script>alert(1)</script>", "run_type": "llm", "status": "\"><img src=x>",
            "start_time": "2026-03-04T05:06:07Z", "inputs": {"a": "</pre><script>'&\u{1b}\u{202e}"},
            "error": "</details><style>*{}</style>",
        })
        .to_string()]);
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{1b}'), "{page}");
        assert_eq!((page.matches("<style>").count(), page.matches("</details>").count()), (1, 1));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    #[test]
    fn a_deep_trace_is_a_page_whose_tags_close() {
        let ids: Vec<Uuid> = (0..3_000).map(|_| Uuid::now_v7()).collect();
        let run = |at: usize| {
            let parent = at.checked_sub(1).map(|above| ids[above]);
            serde_json::json!({
                "id": ids[at], "trace_id": ids[0], "parent_run_id": parent, "name": "n", "run_type": "chain",
                "status": "success", "start_time": 1_772_600_767_000_u64 + at as u64,
            })
            .to_string()
        };
        let page = page(&(0..ids.len()).map(run).collect::<Vec<_>>());
        assert_eq!(page.matches("<div").count(), 3_000);
        assert_eq!(page.matches("</div>").count(), 3_000);
        assert!(page.contains("2999 deep"));
    }
}
