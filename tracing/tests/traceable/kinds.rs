//! What kinds of functions can be traced.

use std::fmt::Display;
use std::future::Future;

use async_trait::async_trait;
use futures::future::BoxFuture;
use runtree_core::{Result, RunnableConfig};
use runtree_tracing::handlers::traced;
use runtree_tracing::{RunTree, TraceHeaders, traceable};
use serde_json::json;

#[traceable]
fn double(n: i64, config: &RunnableConfig) -> i64 {
    assert_eq!(config.parent().map_or("", |run| run.name()), "double");
    n * 2
}

#[traceable]
async fn double_later(n: i64, config: &RunnableConfig) -> Result<i64> {
    tokio::task::yield_now().await;
    Ok(double(n, config))
}

#[tokio::test]
async fn sync_and_async_functions_nest_in_each_other() {
    let (config, trace) = traced();
    assert_eq!(double_later(4, &config).await, Ok(8));
    trace.assert_tree(
        "
        double_later
          double",
    );
    assert_eq!(trace.get("double").inputs(), json!({"n": 4}));
    assert_eq!(trace.get("double").outputs(), Some(json!({"output": 8})));
    assert!(trace.get("double").events().is_empty());
}

#[tokio::test]
async fn untraced_functions_make_no_run() {
    #[traceable]
    async fn asks(n: i64, config: &RunnableConfig) -> (i64, bool) {
        (n, config.parent().is_some())
    }
    assert_eq!(asks(1, &RunnableConfig::root()).await, (1, false));
}

#[traceable]
fn owned(config: RunnableConfig) -> i64 {
    double(1, &config)
}

#[traceable]
async fn with_tree(run_tree: RunTree) -> i64 {
    run_tree.add_metadata("seen", true);
    double(2, &run_tree.to_config())
}

#[traceable]
fn with_borrowed_tree(run_tree: &RunTree) -> String {
    run_tree.name().to_owned()
}

#[traceable]
fn with_headers(headers: TraceHeaders) -> bool {
    headers.to_headers().get("langsmith-trace").is_some_and(|trace| trace.contains('.'))
}

#[traceable]
fn with_mutable_parent(mut config: RunnableConfig) -> i64 {
    config = config.with_tag("mine");
    double(3, &config)
}

#[tokio::test]
async fn each_parent_type_is_the_functions_own_run_inside() {
    let (config, trace) = traced();
    let root = RunTree::open(&config, "root");
    owned(root.to_config());
    with_tree(root.clone()).await;
    assert_eq!(with_borrowed_tree(&root), "with_borrowed_tree");
    assert!(with_headers(TraceHeaders::from_headers(&config, root.to_headers())));
    with_mutable_parent(root.to_config());
    root.end(());
    trace.assert_tree(
        "
        root
          owned
            double
          with_tree
            double
          with_borrowed_tree
          with_headers
          with_mutable_parent
            double",
    );
    assert_eq!(trace.get("with_tree").metadata()["seen"], true);
    assert_eq!(trace.find("double")[2].tags(), ["mine"]);
}

struct Counter {
    step: i64,
}

impl Counter {
    #[traceable]
    fn next(&mut self, by: i64, config: &RunnableConfig) -> &mut i64 {
        self.step += double(by, config);
        &mut self.step
    }

    #[traceable]
    async fn look<'a>(&'a self, _text: &'a str, config: &RunnableConfig) -> Result<&'a i64> {
        double(0, config);
        Ok(&self.step)
    }

    #[traceable]
    fn take(self, config: &RunnableConfig) -> Self {
        Self { step: double(self.step, config) }
    }
}

#[tokio::test]
async fn methods_are_traced_without_self() {
    let (config, trace) = traced();
    let mut counter = Counter { step: 0 };
    *counter.next(2, &config) += 1;
    assert_eq!(counter.look("x", &config).await, Ok(&5));
    assert_eq!(counter.take(&config).step, 10);
    assert_eq!(trace.get("next").inputs(), json!({"by": 2}));
    assert_eq!(trace.get("look").inputs(), json!({"_text": "x"}));
    assert_eq!(trace.get("take").inputs(), json!({}));
    assert_eq!(trace.tree(), "next\n  double\nlook\n  double\ntake\n  double");
}

#[traceable]
fn generic<T, const N: usize>(
    items: [T; N],
    r#type: impl Into<String> + std::fmt::Debug,
    config: &RunnableConfig,
) -> String
where
    T: Display + serde::Serialize,
    [T; N]: serde::Serialize,
{
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    format!("{}:{}", r#type.into(), items.join("+"))
}

#[traceable]
fn destructured(
    (a, mut b): (i64, i64),
    Point { x, .. }: Point,
    #[cfg(any())] gone: Gone,
    #[cfg(not(any()))] here: i64,
    mut text: String,
    config: &RunnableConfig,
) -> String {
    b += a;
    text.push_str(&format!("{b}{x}{here}"));
    text
}

#[derive(Clone, Copy)]
struct Point {
    x: i64,
    #[allow(dead_code)]
    y: i64,
}

#[test]
fn generics_patterns_and_cfg_are_kept() {
    let (config, trace) = traced();
    assert_eq!(generic([1, 2], "sum", &config), "sum:1+2");
    assert_eq!(destructured((1, 2), Point { x: 3, y: 4 }, 5, "t".into(), &config), "t335");
    assert_eq!(trace.get("generic").inputs(), json!({"items": [1, 2], "type": "\"sum\""}));
    assert_eq!(trace.get("destructured").inputs(), json!({"a": 1, "b": 2, "x": 3, "here": 5, "text": "t"}));
}

#[traceable]
fn boxed<'a>(text: &'a str, config: &'a RunnableConfig) -> BoxFuture<'a, Result<usize>> {
    Box::pin(async move {
        double(1, config);
        Ok(text.len())
    })
}

#[traceable]
#[allow(clippy::manual_async_fn)]
fn opaque(text: String, config: RunnableConfig) -> impl Future<Output = usize> + Send {
    async move {
        double(2, &config);
        text.len()
    }
}

#[async_trait]
trait Tool: Sync {
    async fn use_it(&self, argument: &str, config: &RunnableConfig) -> Result<String>;
}

struct Shout;

#[async_trait]
impl Tool for Shout {
    #[traceable(run_type = "tool")]
    async fn use_it(&self, argument: &str, config: &RunnableConfig) -> Result<String> {
        double(3, config);
        Ok(argument.to_uppercase())
    }
}

#[tokio::test]
async fn functions_that_return_a_future_and_async_trait_are_async_functions() {
    let (config, trace) = traced();
    assert_eq!(boxed("abc", &config).await, Ok(3));
    assert_eq!(tokio::spawn(opaque("ab".into(), config.clone())).await.unwrap(), 2);
    let tool: Box<dyn Tool> = Box::new(Shout);
    assert_eq!(tool.use_it("hey", &config).await.unwrap(), "HEY");
    assert_eq!(trace.tree(), "boxed\n  double\nopaque\n  double\nuse_it\n  double");
    assert_eq!(trace.get("boxed").inputs(), json!({"text": "abc"}));
    assert_eq!(trace.get("boxed").outputs(), Some(json!({"output": 3})));
    assert_eq!(trace.get("use_it").inputs(), json!({"argument": "hey"}));
    assert_eq!(trace.get("use_it").outputs(), Some(json!({"output": "HEY"})));
    assert_eq!(trace.get("use_it").run_type().as_str(), "tool");
}

#[traceable(parent = config)]
async fn like_a_handler(Extract(config): Extract<RunnableConfig>, n: i64) -> i64 {
    double(n, &config)
}

struct Extract<T>(T);

#[traceable(parent = parent)]
fn any_parent<P: runtree_tracing::TraceParent>(parent: &P, n: i64) -> i64 {
    double(n, &parent.to_config())
}

type Context = RunnableConfig;

#[traceable(parent = cx)]
fn aliased(cx: &Context) -> i64 {
    double(1, cx)
}

#[tokio::test]
async fn the_parent_may_be_named() {
    let (config, trace) = traced();
    like_a_handler(Extract(config.clone()), 1).await;
    any_parent(&config, 2);
    aliased(&config);
    assert_eq!(trace.tree(), "like_a_handler\n  double\nany_parent\n  double\naliased\n  double");
    assert_eq!(trace.get("like_a_handler").inputs(), json!({"n": 1}));
}

#[traceable]
async fn factorial(n: u64, config: &RunnableConfig) -> u64 {
    if n == 0 {
        return 1;
    }
    n * Box::pin(factorial(n - 1, config)).await
}

#[tokio::test]
async fn recursion_and_early_return_work() {
    let (config, trace) = traced();
    assert_eq!(tokio::spawn(async move { factorial(3, &config).await }).await.unwrap(), 6);
    assert_eq!(trace.tree(), "factorial\n  factorial\n    factorial\n      factorial");
}

// Names that the macro's own code uses must not matter to the user's.
#[traceable]
fn names(call: i64, entry: i64, own: i64, output: i64, config: &RunnableConfig) -> i64 {
    call + entry + own + output
}

#[test]
fn argument_names_cannot_collide_with_the_macros() {
    let (config, trace) = traced();
    assert_eq!(names(1, 2, 3, 4, &config), 10);
    assert_eq!(trace.get("names").inputs(), json!({"call": 1, "entry": 2, "own": 3, "output": 4}));
}
