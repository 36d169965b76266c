//! The guide on nesting traces: each example makes the tree that it promises.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![allow(dead_code, reason = "an example's `main` is not called here")]

#[cfg(all(feature = "axum", feature = "reqwest"))]
#[path = "../../examples/nest_axum.rs"]
mod nest_axum;
#[path = "../../examples/nest_combined.rs"]
mod nest_combined;
#[path = "../../examples/nest_config_into_stream.rs"]
mod nest_config_into_stream;
#[path = "../../examples/nest_functions.rs"]
mod nest_functions;
#[path = "../../examples/nest_manual_parent.rs"]
mod nest_manual_parent;
#[path = "../../examples/nest_service_hop.rs"]
mod nest_service_hop;
#[path = "../../examples/nest_task.rs"]
mod nest_task;
#[path = "../../examples/nest_thread_pool.rs"]
mod nest_thread_pool;

macro_rules! promises {
    ($($name:ident: $result:expr, $tree:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let (result, tree) = $name::run().await.unwrap();
            assert_eq!(format!("{result:?}"), $result);
            assert_eq!(tree, $tree, "\n{tree}");
        }
    )*};
}

promises! {
    nest_config_into_stream: r#"["A", "response"]"#, "parent_runnable\n  my_child_runnable";
    nest_functions: r#"["A", "response"]"#, "parent_function\n  my_child_function";
    nest_combined: r#"["A", "response"]"#,
        "parent_function\n  parent_runnable\n    my_child_function\n      my_child_runnable";
    nest_thread_pool: "[10, 20]", "outer_func\n  inner_func\n  inner_func";
    nest_manual_parent: "[10, 20]", "pipeline\n  outer_func\n    inner_func\n    inner_func";
    nest_task: "[10, 20]", "fan_out\n  fetch\n  fetch";
    nest_service_hop: r#""pong""#, "ask_service\n  answer";
}

#[cfg(all(feature = "axum", feature = "reqwest"))]
promises! {
    nest_axum: r#""pong""#, "ask\n  GET /front\n    front\n      ask\n        GET /back\n          back";
}
