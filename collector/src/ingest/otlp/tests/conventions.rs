//! The conventions of instrumentations, one by one.

use super::*;

#[test]
fn a_plain_span_is_a_chain_with_its_times_and_what_it_says() {
    let run = told(span(json!({"shop.size": 3, "shop.open": true, "shop.at": [1, "x"]})));
    assert_eq!(
        run,
        json!({
            "id": "00000000-0000-0000-00f0-67aa0ba902b7",
            "trace_id": "01234567-89ab-cdef-0123-456789abcdef",
            "session_name": "shop",
            "name": "span",
            "run_type": "chain",
            "start_time": 1_700_000_000_000_001_i64,
            "end_time": 1_700_000_001_000_002_i64,
            "extra": {"metadata": {
                "service.name": "shop",
                "shop.size": 3,
                "shop.open": true,
                "shop.at": [1, "x"],
                "OTEL_TRACE_ID": TRACE,
                "OTEL_SPAN_ID": SPAN,
            }},
        })
    );
}

#[test]
fn openllmetrys_indexed_messages() {
    let run = told(span(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "acme",
        "gen_ai.request.model": "m-1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "hi",
        "gen_ai.prompt.1.message.role": "assistant",
        "gen_ai.prompt.1.message.content": "{\"said\": 1}",
        "gen_ai.prompt.10.content": "[{\"type\":\"text\",\"text\":\"again\"}]",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "sky",
        "gen_ai.completion.0.tool_calls.0.arguments": "{\"at\":\"noon\"}",
        "gen_ai.usage.prompt_tokens": 3,
        "gen_ai.usage.completion_tokens": "4",
        "gen_ai.usage.cache_read_input_tokens": 2,
        "llm.request.functions.0.name": "sky",
        "llm.request.functions.0.parameters": "{\"type\":\"object\"}",
    })));
    assert_eq!(run["run_type"], "llm");
    assert_eq!(
        run["inputs"],
        json!({"messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "{\"said\": 1}"},
            {"role": "user", "content": [{"type": "text", "text": "again"}]},
        ]})
    );
    assert_eq!(
        run["outputs"],
        json!({"messages": [{
            "role": "assistant",
            "finish_reason": "tool_calls",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "sky", "arguments": "{\"at\":\"noon\"}"}}],
        }]})
    );
    let metadata = &run["extra"]["metadata"];
    assert_eq!(
        metadata["usage_metadata"],
        json!({"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "input_token_details": {"cache_read": 2}})
    );
    let noted = ["ls_provider", "ls_model_name", "ls_model_type", "ls_temperature"].map(|key| metadata[key].clone());
    assert_eq!(noted, [json!("acme"), json!("m-1"), json!("chat"), json!(0.5)]);
    assert_eq!(
        run["extra"]["invocation_params"],
        json!({
            "model": "m-1",
            "temperature": 0.5,
            "tools": [{"type": "function", "function": {"name": "sky", "parameters": {"type": "object"}}}],
        })
    );
}

#[test]
fn opentelemetrys_messages_with_parts() {
    let run = told(span(json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": "th",
        "gen_ai.system_instructions": json!([{"type": "text", "content": "be brief"}]).to_string(),
        // Structured, as the newest conventions have it.
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "what is "}, {"type": "image", "url": "http://i"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "sky", "arguments": {"at": "noon"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "blue"}]},
        ],
        "gen_ai.output.messages":
            json!([{"role": "assistant", "parts": [{"type": "text", "content": "blue"}], "finish_reason": "stop"}]).to_string(),
    })));
    assert_eq!(
        run["inputs"]["messages"],
        json!([
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "what is "}, {"type": "image", "url": "http://i"}]},
            {"role": "assistant", "content": "", "tool_calls":
                [{"id": "c1", "type": "function", "function": {"name": "sky", "arguments": "{\"at\":\"noon\"}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        ])
    );
    assert_eq!(run["outputs"]["messages"], json!([{"role": "assistant", "content": "blue", "finish_reason": "stop"}]));
    assert_eq!(run["extra"]["metadata"]["conversation_id"], "th");
}

#[test]
fn opentelemetrys_messages_as_events() {
    let events = json!([
        event("gen_ai.system.message", json!({"gen_ai.system": "acme", "content": "be brief"})),
        event("gen_ai.user.message", json!({"content": "hi"})),
        event("gen_ai.tool.message", json!({"id": "c1", "content": "blue"})),
        event(
            "gen_ai.choice",
            json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}})
        ),
        event("new_token", json!({"token": "h"})),
    ]);
    let run = told(with(span(json!({})), "events", events));
    assert_eq!(
        run["inputs"]["messages"],
        json!([
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hi"},
            {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        ])
    );
    let said = &run["outputs"]["messages"][0];
    assert_eq!(
        (&said["role"], &said["content"], &said["finish_reason"]),
        (&json!("assistant"), &json!("ho"), &json!("stop"))
    );
    assert_eq!(
        run["events"],
        json!([{"name": "new_token", "time": "2023-11-14T22:13:20.500000Z", "kwargs": {"token": "h"}}])
    );
}

#[test]
fn prompts_and_completions_as_events() {
    let events = json!([
        event("gen_ai.content.prompt", json!({"gen_ai.prompt": "[{\"role\":\"user\",\"content\":\"hi\"}]"})),
        event("gen_ai.content.completion", json!({"gen_ai.completion": "ho"})),
    ]);
    let run = told(with(span(json!({})), "events", events));
    assert_eq!(run["inputs"], json!({"messages": [{"role": "user", "content": "hi"}]}));
    assert_eq!(run["outputs"], json!({"messages": [{"role": "assistant", "content": "ho"}]}));
}

#[test]
fn openinferences_model() {
    let run = told(span(json!({
        "openinference.span.kind": "LLM",
        "llm.model_name": "m-1",
        "llm.invocation_parameters": "{\"top_p\":0.9}",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "what is",
        "llm.input_messages.0.message.contents.1.message_content.image.image.url": "http://i",
        "llm.input_messages.0.message.contents.1.message_content.type": "image",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "sky",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 2,
        "llm.token_count.total": 12,
        "llm.token_count.completion_details.reasoning": 1,
        "llm.cost.total": 0.25,
        "llm.tools.0.tool.json_schema": "{\"type\":\"function\"}",
        "session.id": "th",
        "user.id": "u1",
        "tag.tags": ["a", "b"],
        "metadata": "{\"shop\":{\"size\":3}}",
        "input.value": "{\"model\":\"m-1\"}",
        "input.mime_type": "application/json",
    })));
    assert_eq!(
        run["inputs"]["messages"],
        json!([{"role": "user", "content": [
            {"type": "text", "text": "what is"},
            {"type": "image_url", "image_url": {"url": "http://i"}},
        ]}])
    );
    assert_eq!(
        run["outputs"]["messages"][0]["tool_calls"],
        json!([{"id": "c1", "type": "function", "function": {"name": "sky", "arguments": "{}"}}])
    );
    assert_eq!(run["tags"], json!(["a", "b"]));
    assert_eq!(
        run["extra"],
        json!({
            "metadata": {
                "service.name": "shop",
                "shop": {"size": 3},
                "ls_model_name": "m-1",
                "session_id": "th",
                "user_id": "u1",
                "usage_metadata": {
                    "input_tokens": 10, "output_tokens": 2, "total_tokens": 12,
                    "output_token_details": {"reasoning": 1}, "total_cost": 0.25,
                },
                "OTEL_TRACE_ID": TRACE,
                "OTEL_SPAN_ID": SPAN,
            },
            "invocation_params": {"top_p": 0.9, "tools": [{"type": "function"}]},
        })
    );
}

#[test]
fn openinferences_retriever_and_tool() {
    let run = told(span(json!({
        "openinference.span.kind": "RETRIEVER",
        "input.value": "cats",
        "input.mime_type": "text/plain",
        "output.value": "found two",
        "retrieval.documents.0.document.content": "page 1",
        "retrieval.documents.0.document.metadata": "{\"n\":1}",
        "retrieval.documents.0.document.score": 0.5,
        "retrieval.documents.1.document.content": "page 2",
    })));
    assert_eq!(run["run_type"], "retriever");
    assert_eq!(run["inputs"], json!({"input": "cats"}));
    assert_eq!(
        run["outputs"]["documents"],
        json!([
            {"page_content": "page 1", "metadata": {"n": 1}, "type": "Document", "score": 0.5},
            {"page_content": "page 2", "metadata": {}, "type": "Document"},
        ])
    );

    let run = told(span(json!({
        "openinference.span.kind": "TOOL", "tool.name": "calculator",
        "input.value": "{\"x\":1}", "output.value": "[2]",
    })));
    assert_eq!((&run["run_type"], &run["name"]), (&json!("tool"), &json!("calculator")));
    assert_eq!((&run["inputs"], &run["outputs"]), (&json!({"x": 1}), &json!({"output": [2]})));
}

#[test]
fn traceloops_workflow() {
    let run = told(span(json!({
        "traceloop.span.kind": "workflow",
        "traceloop.entity.name": "order",
        "traceloop.entity.input": "{\"args\": [1], \"kwargs\": {}}",
        "traceloop.entity.output": "done",
        "traceloop.association.properties.user": "u1",
    })));
    assert_eq!((&run["run_type"], &run["name"]), (&json!("chain"), &json!("order")));
    assert_eq!(run["inputs"], json!({"args": [1], "kwargs": {}}));
    assert_eq!(run["outputs"], json!({"text": "done"}));
    assert_eq!(run["extra"]["metadata"]["user"], "u1");
}

#[test]
fn langsmiths_own_names() {
    let run = told(span(json!({
        "langsmith.span.kind": "LLM",
        "langsmith.trace.name": "ask",
        "langsmith.trace.session_name": "p1",
        "langsmith.span.tags": "one, two,,one",
        "langsmith.metadata.user": "u1",
        "langsmith.metadata.ls_stop": "[\"END\"]",
        "langsmith.usage_metadata": "{\"input_tokens\":1}",
        "langsmith.reference_example_id": "11111111-1111-4111-8111-111111111111",
        "langsmith.span.runtime": "{\"sdk\":\"x\"}",
        "gen_ai.serialized.name": "Chat",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.prompt": "{\"question\":\"why?\"}",
        "gen_ai.completion": "because",
    })));
    assert_eq!(run["run_type"], "llm");
    assert_eq!((&run["name"], &run["session_name"]), (&json!("ask"), &json!("p1")));
    assert_eq!(run["tags"], json!(["one", "two"]));
    assert_eq!(run["reference_example_id"], "11111111-1111-4111-8111-111111111111");
    assert_eq!((&run["inputs"], &run["outputs"]), (&json!({"question": "why?"}), &json!({"text": "because"})));
    assert_eq!((&run["extra"]["runtime"], &run["serialized"]), (&json!({"sdk": "x"}), &json!({"name": "Chat"})));
    let metadata = &run["extra"]["metadata"];
    assert_eq!(
        (&metadata["user"], &metadata["ls_stop"], &metadata["usage_metadata"]),
        (&json!("u1"), &json!(["END"]), &json!({"input_tokens": 1}))
    );
}

#[test]
fn attachments_are_what_the_span_carries_and_nothing_is_fetched() {
    let list = json!([
        {"name": "a.txt", "content": "aGk=", "mime_type": "text/plain"},
        {"name": "b", "data": "data:image/png;base64,aGk"},
        {"name": "c", "content": "https://example.com/x.png"},
        {"name": "d", "content": "data:https://example.com"},
        {"name": "a.txt", "content": "aG8="},
        7,
    ]);
    let told = taken(json!([span(json!({"langsmith.attachments": list.to_string()}))]));
    let kept: Vec<_> =
        told.operations[0].attachments.iter().map(|file| (&*file.name, &*file.mime_type, &file.data[..])).collect();
    assert_eq!(kept, [("a.txt", "text/plain", &b"hi"[..]), ("b", "image/png", &b"hi"[..])]);
}

#[test]
fn a_run_that_our_exporter_sent_is_the_same_run() {
    let id = "019aa000-0000-7000-8000-00f067aa0ba9";
    let parent = "019aa000-0000-7000-8000-00f067aa0ba8";
    let order = format!("20231114T221320000001Z{parent}.20231114T221320000001Z{id}");
    let sent = json!({
        "gen_ai.completion": "{\"generations\":[[{\"text\":\"blue\"}]]}",
        "gen_ai.conversation.id": "th",
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]",
        "gen_ai.operation.name": "chat",
        "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"blue\"}]}]",
        "gen_ai.prompt": "{\"messages\":[[{\"type\":\"human\",\"content\":\"hi\"}]]}",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.model": "gpt-x",
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.system": "openai",
        "gen_ai.usage.input_tokens": 10,
        "error.type": "rate_limited",
        "langsmith.metadata.ls_invocation_params": "{\"top_p\":0.9}",
        "langsmith.metadata.ls_max_tokens": 100,
        "langsmith.metadata.ls_model_name": "gpt-x",
        "langsmith.metadata.ls_model_type": "chat",
        "langsmith.metadata.ls_provider": "openai",
        "langsmith.metadata.ls_stop": "[\"END\"]",
        "langsmith.metadata.thread_id": "th",
        "langsmith.span.dotted_order": order,
        "langsmith.span.id": id,
        "langsmith.span.kind": "llm",
        "langsmith.span.parent_id": parent,
        "langsmith.span.tags": "t, u",
        "langsmith.trace.id": parent,
        "langsmith.trace.name": "FakeChat",
        "langsmith.trace.session_name": "shop",
        "langsmith.usage_metadata": "{\"input_tokens\":10,\"output_tokens\":2}",
    });
    let failed = with(span(sent), "status", json!({"code": 2, "message": "slow down"}));
    let events = json!([
        event("note", json!({"message": "half way"})),
        event("exception", json!({"exception.type": "rate_limited", "exception.message": "slow down"})),
    ]);
    let run = told(with(with(failed, "events", events), "parentSpanId", json!("0011223344556677")));
    assert_eq!(
        run,
        json!({
            "id": id,
            "trace_id": parent,
            "parent_run_id": parent,
            "dotted_order": order,
            "session_name": "shop",
            "name": "FakeChat",
            "run_type": "llm",
            "start_time": 1_700_000_000_000_001_i64,
            "end_time": 1_700_000_001_000_002_i64,
            "tags": ["t", "u"],
            "inputs": {"messages": [[{"type": "human", "content": "hi"}]]},
            "outputs": {"generations": [[{"text": "blue"}]]},
            "error": "slow down",
            "events": [{"name": "note", "time": "2023-11-14T22:13:20.500000Z", "kwargs": {"message": "half way"}}],
            "extra": {
                "metadata": {
                    "service.name": "shop",
                    "ls_invocation_params": {"top_p": 0.9},
                    "ls_max_tokens": 100,
                    "ls_model_name": "gpt-x",
                    "ls_model_type": "chat",
                    "ls_provider": "openai",
                    "ls_stop": ["END"],
                    "thread_id": "th",
                    "usage_metadata": {"input_tokens": 10, "output_tokens": 2},
                    "OTEL_TRACE_ID": TRACE,
                    "OTEL_SPAN_ID": SPAN,
                },
                "invocation_params": {"max_tokens": 100, "model": "gpt-x", "stop_sequences": ["END"]},
            },
        })
    );
}

#[test]
fn an_exception_is_the_error_unless_all_was_well() {
    let exception = json!([event(
        "exception",
        json!({"exception.type": "ValueError", "exception.message": "no", "exception.stacktrace": "at line 1"})
    )]);
    let failed = |status: Value| told(with(with(span(json!({})), "events", exception.clone()), "status", status));
    for status in [json!({"code": 2, "message": "ValueError: no"}), json!({}), Value::Null] {
        let run = failed(status);
        assert_eq!(run["error"], "ValueError: no\n\nat line 1");
        assert_eq!(run.get("events"), None);
    }
    let run = failed(json!({"code": "STATUS_CODE_OK"}));
    assert_eq!((run.get("error"), &run["events"][0]["name"]), (None, &json!("exception")));

    let plain = |said, status| told(with(span(said), "status", status))["error"].clone();
    assert_eq!(plain(json!({}), json!({"code": "STATUS_CODE_ERROR", "message": "broke"})), "broke");
    assert_eq!(plain(json!({"error.type": "timeout"}), json!({"code": 2})), "timeout");
    assert_eq!(plain(json!({}), json!({"code": 2})), "error");
    assert_eq!(plain(json!({}), json!({"code": 0, "message": "fine"})), Value::Null);
}

#[test]
fn a_project_is_the_requests_then_the_spans_then_the_resources() {
    let body = request(json!([span(json!({"langsmith.trace.session_name": "said"}))]));
    let project =
        |header| fields(&take("application/json", &body, header).unwrap().operations[0])["session_name"].clone();
    assert_eq!(
        (project(Some("asked")), project(Some(" ")), project(None)),
        (json!("asked"), json!("said"), json!("said"))
    );

    let of_resource = |said: Value| {
        let resource = json!({"attributes": attributes(said.as_object().unwrap())});
        let body = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span(json!({}))]}]}]});
        fields(&take("application/json", body.to_string().as_bytes(), None).unwrap().operations[0])["session_name"]
            .clone()
    };
    assert_eq!(of_resource(json!({"service.name": "s", "openinference.project.name": "p"})), "p");
    assert_eq!(of_resource(json!({"service.name": "s"})), "s");
    assert_eq!(of_resource(json!({})), "default");

    let id = "11111111-1111-4111-8111-111111111111";
    let run = told(span(json!({"langsmith.trace.session_id": id})));
    assert_eq!((&run["session_id"], run.get("session_name")), (&json!(id), None));
}

#[test]
fn text_that_says_it_is_text_stays_text() {
    let run = told(span(json!({
        "input.value": "[1]", "input.mime_type": "text/plain",
        "output.value": "[1]", "output.mime_type": "application/json",
        "input.other": 1,
    })));
    assert_eq!((&run["inputs"], &run["outputs"]), (&json!({"input": "[1]"}), &json!({"output": [1]})));
    assert_eq!(run["extra"]["metadata"]["input.other"], 1);
}
