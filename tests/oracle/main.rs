//! What langchain-core does, case by case, done with runtree: see `README.md` beside this file.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod batch;
mod case;
mod checks;
mod compare;
mod components;
mod config;
mod events;
mod extra;
mod fallback;
mod graph;
mod lambda;
mod nest;
mod parallel;
mod python;
mod record;
mod retry;
mod routing;
mod sequence;
mod stream;

/// Makes each program a test of its own name.
macro_rules! cases {
    ($($area:ident: $($name:ident)*;)*) => {
        const TESTED: &[&str] = &[$($(stringify!($name)),*),*];
        $($(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                let case = case::Case::named(stringify!($name));
                let result = $area::$name(&case).await;
                case.assert_agrees(result);
            }
        )*)*
    };
}

cases! {
    lambda: lambda_invoke lambda_names lambda_dict_io lambda_error lambda_config_child lambda_child_extra_config
        lambda_implicit_child lambda_generator_fn lambda_recursion_limit;
    sequence: seq_invoke seq_flatten seq_dict_coercion seq_stream_generators seq_astream seq_empty_stream;
    parallel: parallel_invoke parallel_stream parallel_error_async;
    routing: branch_invoke passthrough_and_assign assign_requires_map pick_stream map_each;
    batch: batch_lambda batch_sequence batch_raises_first batch_as_completed batch_empty batch_max_concurrency
        abatch_sequence;
    config: run_id_given bind_kwargs with_config_merge tags_dedupe listeners configurable_fields config_specs;
    retry: retry_second_attempt retry_only_some_errors retry_not_on_stream;
    fallback: fallback_invoke fallback_all_fail fallback_stream_before_first_chunk;
    stream: generator_invoke stream_non_addable stream_error_mid lambda_streams_child stream_passthrough_chunks_live;
    components: chain_prompt_model_parser_invoke chain_prompt_model_parser_stream llm_text_stream
        generic_model_stream_usage model_tool_calls json_parser_stream list_parser_stream
        prompt_partial_and_placeholder prompt_few_shot;
    events: events_lambda events_chain events_error;
    graph: graph_drawing json_schemas;
    nest: nest_a_config_to_child_astream nest_a_implicit nest_b_traceable_parent nest_c_combined
        nest_c_runnable_to_traceable nest_c_traceable_to_runnable nest_context_thread_pool
        nest_manual_parent_thread_pool nest_trace_block nest_chain_group;
}

/// What is not built yet, and when it will be.
const NOT_YET_BUILT: &[(&str, &str)] = &[
    ("tool_invoke", "tools"),
    ("runnable_as_tool", "tools"),
    ("retriever_invoke", "retrievers"),
    ("message_history", "message history"),
    ("log_stream_state", "the log stream is deprecated in langchain-core; stream events tell the same"),
];

/// No document is forgotten: each is a test, or stands in the one list of what is not built.
#[test]
fn every_document_is_tested_or_listed_as_not_yet_built() {
    use std::collections::BTreeSet;

    let files = std::fs::read_dir(case::folder()).unwrap().map(|file| file.unwrap().path());
    let documents: BTreeSet<String> =
        files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let waiting: Vec<&str> = NOT_YET_BUILT.iter().map(|(name, _)| *name).collect();
    let accounted: BTreeSet<String> = TESTED.iter().chain(&waiting).map(|name| (*name).to_owned()).collect();
    assert_eq!(documents, accounted);
    assert_eq!(accounted.len(), TESTED.len() + waiting.len(), "a case is tested, or waits, and stands there once");
}
