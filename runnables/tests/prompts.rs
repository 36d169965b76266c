//! Prompts fill their templates, say what they need, and are recorded as the prompts they are.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "models_support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runtree_core::{ErrorKind, Fields, Runnable, fields};
use runtree_runnables::messages::{AiMessage, Message, PromptValue};
use runtree_runnables::prompts::{
    ChatPromptTemplate, FewShotPromptTemplate, MessageTemplate, MessagesPlaceholder, PromptTemplate, Template,
};
use serde_json::json;
use support::{silent, traced};

fn texts(messages: &[Message]) -> Vec<(&str, String)> {
    messages.iter().map(|message| (message.role(), message.text().into_owned())).collect()
}

#[tokio::test]
async fn a_chat_prompt_is_recorded_as_the_messages_it_made() {
    let (config, runs) = traced();
    let prompt = ChatPromptTemplate::new([("system", "You are {role}."), ("human", "{q}")]).unwrap();
    prompt.invoke(fields! { "q" => "hi", "role" => "a cat" }, &config).await.unwrap();
    assert_eq!(
        runs.one(),
        json!({
            "name": "ChatPromptTemplate", "run_type": "prompt", "events": ["start", "end"],
            "inputs": {"q": "hi", "role": "a cat"},
            "outputs": {"output": {"messages": [
                {"type": "system", "content": "You are a cat."}, {"type": "human", "content": "hi"}]}},
        })
    );
}

#[tokio::test]
async fn partials_and_placeholders_fill_up_and_the_input_is_recorded_as_given() {
    let (config, runs) = traced();
    let prompt = ChatPromptTemplate::new([
        MessageTemplate::system("Be {mood}."),
        MessageTemplate::placeholder("history"),
        MessageTemplate::human("{q}"),
    ])
    .unwrap()
    .with_partial("mood", "kind");
    let input = Fields::try_from(json!({"history": [["human", "hi"], ["ai", "yo"]], "q": "bye"})).unwrap();
    let value = prompt.invoke(input, &config).await.unwrap();
    let expected = [("system", "Be kind."), ("human", "hi"), ("ai", "yo"), ("human", "bye")];
    assert_eq!(texts(&value.to_messages()), expected.map(|(role, text)| (role, text.to_owned())));
    assert_eq!(runs.one()["inputs"], json!({"history": [["human", "hi"], ["ai", "yo"]], "q": "bye"}));
}

#[tokio::test]
async fn a_prompt_of_one_variable_takes_a_plain_value_in_its_own_run() {
    let (config, runs) = traced();
    let prompt = PromptTemplate::new("Q: {q}").unwrap().single_input::<String>().unwrap();
    assert_eq!(prompt.invoke("x".into(), &config).await.unwrap(), PromptValue::from("Q: x"));
    assert_eq!(
        runs.one(),
        json!({
            "name": "PromptTemplate", "run_type": "prompt", "events": ["start", "end"],
            "inputs": {"input": "x"}, "outputs": {"output": {"text": "Q: x", "type": "StringPromptValue"}},
        })
    );
}

#[test]
fn a_plain_value_is_refused_for_none_or_many_variables() {
    for (source, known) in [("none", "it has none"), ("{a} {b}", "it has a, b")] {
        let error = PromptTemplate::new(source).unwrap().single_input::<String>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(known), "{error}");
    }
    assert!(PromptTemplate::new("{a} {b}").unwrap().with_partial("a", 1).single_input::<String>().is_ok());
}

#[tokio::test]
async fn a_missing_variable_is_named_with_what_to_do() {
    let prompt = ChatPromptTemplate::new(["{a} {b}"]).unwrap();
    let error = prompt.invoke(fields! { "b" => 1, "c" => 2 }, &silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.message(),
        "ChatPromptTemplate lacks a value for `a`; it was given `b`, `c`; if {a} is meant as literal text, write {{a}}"
    );
    let error = PromptTemplate::new("{x}").unwrap().format(&Fields::new()).unwrap_err();
    assert!(error.message().contains("PromptTemplate lacks a value for `x`; it was given nothing"), "{error}");
}

#[test]
fn placeholders_take_messages_in_any_form() {
    let prompt = ChatPromptTemplate::new([MessageTemplate::placeholder("h")]).unwrap();
    let hi = [Message::human("hi")];
    for input in [
        fields! { "h" => vec![Message::human("hi")] },
        fields! { "h" => Message::human("hi") },
        fields! { "h" => PromptValue::from("hi") },
        fields! { "h" => json!(["hi"]) },
        fields! { "h" => json!([{"role": "user", "content": "hi"}]) },
        fields! { "h" => json!({"messages": [["human", "hi"]]}) },
        fields! { "h" => json!({"type": "human", "content": "hi"}) },
    ] {
        assert_eq!(prompt.format(&input).unwrap(), hi, "{input:?}");
    }
    assert_eq!(prompt.format(&fields! { "h" => AiMessage::new("yo") }).unwrap(), [Message::ai("yo")]);
    for (input, complaint) in [
        (fields! { "h" => "hi" }, "the placeholder `h` takes a list of messages: it was given \"hi\""),
        (fields! { "h" => json!(["hi", 7]) }, "message 1: a message is a text"),
        (fields! { "h" => json!(null) }, "it was given null"),
    ] {
        let error = prompt.format(&input).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.message().contains(complaint), "{error}");
    }
}

#[test]
fn placeholders_may_be_optional_and_limited() {
    let limited = MessagesPlaceholder::new("h").optional().limit(2);
    let prompt = ChatPromptTemplate::new([limited]).unwrap();
    assert!(prompt.input_variables().is_empty());
    assert_eq!(prompt.format(&Fields::new()).unwrap(), []);
    assert_eq!(prompt.format(&fields! { "h" => json!(null) }).unwrap(), []);
    let given = fields! { "h" => json!(["a", "b", "c"]) };
    assert_eq!(prompt.format(&given).unwrap(), [Message::human("b"), Message::human("c")]);
    assert_eq!(ChatPromptTemplate::new([("placeholder", "{h}")]).unwrap().format(&Fields::new()).unwrap(), []);
}

#[test]
fn what_cannot_be_read_is_refused_when_the_prompt_is_made() {
    for (message, complaint) in [
        (("humna", "x"), "no template of a message is said by `humna`"),
        (("tool", "x"), "no template of a message is said by `tool`"),
        (("human", "{"), "line 1 column 1"),
        (("placeholder", "{a} {b}"), "one variable, such as `{history}`, not as `{a} {b}`"),
        (("placeholder", "history"), "one variable"),
    ] {
        let error = ChatPromptTemplate::new([message]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(complaint), "{error}");
    }
}

#[test]
fn messages_stay_as_they_are_and_parts_come_together() {
    let prompt = ChatPromptTemplate::new([Message::system("{literal}")])
        .unwrap()
        .with_message(MessageTemplate::chat("critic", "{x}"))
        .unwrap()
        .with_all_of(ChatPromptTemplate::new(["{y}"]).unwrap().with_partial("y", "why"));
    assert_eq!(prompt.input_variables(), ["x"]);
    let messages = prompt.format(&fields! { "x" => "meh" }).unwrap();
    assert_eq!(messages, [Message::system("{literal}"), Message::chat("critic", "meh"), Message::human("why")]);
}

#[test]
fn a_partial_function_runs_once_per_call_and_gives_way_to_the_input() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let prompt =
        PromptTemplate::new("{n} {n}").unwrap().with_partial_fn("n", move || counted.fetch_add(1, Ordering::Relaxed));
    assert_eq!(prompt.format(&Fields::new()).unwrap(), "0 0");
    assert_eq!(prompt.format(&Fields::new()).unwrap(), "1 1");
    assert_eq!(prompt.format(&fields! { "n" => 7 }).unwrap(), "7 7");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn a_template_can_be_replaced_and_a_bad_one_changes_nothing() {
    let mut prompt = PromptTemplate::new("Tell me about {topic}").unwrap();
    assert!(prompt.set_template("{").is_err());
    assert_eq!(prompt.template().source(), "Tell me about {topic}");
    prompt.set_template("Sing of {topic}".to_owned()).unwrap();
    assert_eq!(prompt.format(&fields! { "topic" => "cats" }).unwrap(), "Sing of cats");
}

#[test]
fn schemas_tell_what_a_prompt_takes() {
    let input = |prompt: &dyn Fn() -> serde_json::Value| prompt();
    assert_eq!(
        input(&|| PromptTemplate::new("Q {y} {x}").unwrap().shape().input),
        json!({
            "title": "PromptInput", "type": "object", "required": ["x", "y"],
            "properties": {"x": {"title": "X", "type": "string"}, "y": {"title": "Y", "type": "string"}},
        })
    );
    let chat = ChatPromptTemplate::new([("placeholder", "{h}"), ("human", "{a} {b}")]).unwrap().with_partial("b", 1);
    let schema = chat.shape().input;
    assert_eq!(schema["required"], json!(["a"]));
    assert_eq!(schema["properties"]["h"]["type"], "array");
    assert!(schema["properties"].get("b").is_none());
    assert_eq!(chat.shape().output["title"], "ChatPromptTemplateOutput");
}

#[tokio::test]
async fn few_shot_prompts_show_their_examples() {
    let (config, runs) = traced();
    let examples = [fields! { "i" => "1", "o" => "one" }, fields! { "i" => "2", "o" => "two" }];
    let prompt = FewShotPromptTemplate::new(examples, &PromptTemplate::new("{i} -> {o}").unwrap(), "{q} ->")
        .unwrap()
        .with_prefix("Words:")
        .unwrap()
        .with_separator("\n");
    prompt.invoke(fields! { "q" => "3" }, &config).await.unwrap();
    let run = runs.one();
    assert_eq!(run["name"], "FewShotPromptTemplate");
    assert_eq!(run["outputs"]["output"]["text"], "Words:\n1 -> one\n2 -> two\n3 ->");
    let lacking = FewShotPromptTemplate::new([fields! { "i" => 1 }], &PromptTemplate::new("{o}").unwrap(), "x");
    assert_eq!(lacking.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn templates_are_equal_by_text() {
    assert_eq!(Template::new("{a}").unwrap(), Template::new("{a}").unwrap());
    assert_ne!(Template::new("{a}").unwrap(), Template::new("{b}").unwrap());
}

#[cfg(feature = "jinja")]
mod jinja {
    use super::*;

    #[test]
    fn jinja_prompts_know_their_variables() {
        let template =
            Template::jinja("{% for x in xs %}{{ loop.index }}{{ x }}{% endfor %}{{ range(2)|length }}{{ q }}\n");
        let prompt = ChatPromptTemplate::new([MessageTemplate::human(template.unwrap())]).unwrap();
        assert_eq!(prompt.input_variables(), ["q", "xs"]);
        let messages = prompt.format(&fields! { "q" => "<&>", "xs" => vec!["a".to_owned()] }).unwrap();
        assert_eq!(messages, [Message::human("1a2<&>\n")], "nothing is escaped, no line end is lost");
    }

    #[test]
    fn jinja_errors_say_where() {
        let error = Template::jinja("a\n{% if %}").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains("at line 2"), "{error}");
        let error = Template::jinja("{{ x.y.z }}").unwrap().fill(&fields! { "x" => json!({}) }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn a_template_that_does_not_end_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
        let error = Template::jinja(endless).unwrap().fill(&Fields::new()).unwrap_err();
        assert!(error.to_string().contains("fuel"), "{error}");
    }
}
