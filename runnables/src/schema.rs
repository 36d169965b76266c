//! The JSON schemas of what is put together from others: a sequence, a map of branches, a map with added fields.

use std::collections::HashMap;

use runtree_core::shape::{Parts, Shape, suffixed};
use serde_json::{Map, Value, json};

/// A sequence: it takes what its first step takes, and gives what its last one gives. Assigned and picked fields are
/// followed as far as the fields of the map are known.
pub(crate) fn sequence(own: Shape, steps: Vec<Shape>) -> Shape {
    let input = sequence_input(&steps).unwrap_or_else(|| own.input.clone());
    let output = sequence_output(&steps).unwrap_or_else(|| own.output.clone());
    Shape { input, output, parts: Parts::Sequence(steps), ..own }
}

/// A map of branches: it takes what all branches need, and gives a field for each.
pub(crate) fn parallel(own: Shape, branches: Vec<(String, Shape)>) -> Shape {
    let input = branches_input(&branches).map(|needed| needed.titled(suffixed(&own.name, "Input")));
    let input = input.unwrap_or_else(|| own.input.clone());
    let output = branches_output(&branches).titled(suffixed(&own.name, "Output"));
    Shape { input, output, parts: Parts::Parallel(branches), ..own }
}

/// A map with fields added to it: it takes what the added fields are computed from.
pub(crate) fn assign(own: Shape, branches: Vec<(String, Shape)>) -> Shape {
    let mapper = mapper_name(&branches);
    let needed = branches_input(&branches).map(|needed| needed.titled(suffixed(&mapper, "Input")));
    let added = branches_output(&branches);
    let output = match &needed {
        Some(needed) => Object::of(needed).and(added).titled("RunnableAssignOutput"),
        None => added.titled(suffixed(&mapper, "Output")),
    };
    Shape { input: needed.unwrap_or_else(|| own.input.clone()), output, parts: Parts::Assign(branches), ..own }
}

/// The name of the map that computes the fields of an assign.
pub(crate) fn mapper_name(branches: &[(String, Shape)]) -> String {
    let keys: Vec<_> = branches.iter().map(|(key, _)| key.as_str()).collect();
    format!("RunnableParallel<{}>", keys.join(","))
}

fn sequence_input(steps: &[Shape]) -> Option<Value> {
    let (first, rest) = steps.split_first()?;
    let passed_on = match &first.parts {
        Parts::Assign(added) => sequence_input(rest).filter(|next| properties(next).is_some()).map(|next| {
            let added = |key: &str| added.iter().any(|(name, _)| name == key);
            Object::of(&next).keep(|key| !added(key)).titled("RunnableSequenceInput")
        }),
        Parts::Pick { .. } => sequence_input(rest),
        _ => None,
    };
    Some(passed_on.unwrap_or_else(|| first.input.clone()))
}

fn sequence_output(steps: &[Shape]) -> Option<Value> {
    let (last, before) = steps.split_last()?;
    let known = || sequence_output(before).filter(|given| properties(given).is_some());
    let followed = match &last.parts {
        Parts::Assign(added) => {
            known().map(|given| Object::of(&given).and(branches_output(added)).titled("RunnableSequenceOutput"))
        }
        Parts::Pick { keys, one } => known().and_then(|given| picked(&given, keys, *one)),
        _ => None,
    };
    Some(followed.unwrap_or_else(|| last.output.clone()))
}

/// What a pick leaves of an object; `None` if the pick itself knows better.
fn picked(given: &Value, keys: &[String], one: bool) -> Option<Value> {
    if !one {
        let subset = Object::of(given).keep(|key| keys.iter().any(|name| name == key));
        return (!subset.properties.is_empty()).then(|| subset.titled("RunnableSequenceOutput"));
    }
    let property = properties(given)?.get(keys.first()?)?;
    if says_nothing(property) {
        return None;
    }
    let mut picked = property.clone();
    picked["title"] = "RunnableSequenceOutput".into();
    if let Some(definitions) = given.get("$defs") {
        picked["$defs"] = definitions.clone();
    }
    Some(picked)
}

/// The fields that all branches need together; `None` if a branch takes something else than a map, or if no branch
/// says which fields it needs.
fn branches_input(branches: &[(String, Shape)]) -> Option<Object> {
    let inputs = || branches.iter().map(|(_, branch)| &branch.input);
    if !inputs().all(|input| is_map(input) || says_nothing(input)) || !inputs().any(|input| properties(input).is_some())
    {
        return None;
    }
    Some(inputs().fold(Object::default(), |needed, input| needed.and(Object::of(input))))
}

fn branches_output(branches: &[(String, Shape)]) -> Object {
    branches.iter().fold(Object::default(), |mut given, (key, branch)| {
        let mut output = branch.output.clone();
        if !output.is_object() {
            output = json!({});
        }
        output["title"] = words(key).into();
        given.require(key, output);
        given
    })
}

/// `user_name` as `User Name`.
pub(crate) fn words(key: &str) -> String {
    let mut title = String::with_capacity(key.len());
    let mut inside = false;
    for letter in key.chars() {
        match inside {
            true => title.extend(letter.to_lowercase()),
            false => title.extend(letter.to_uppercase()),
        }
        inside = letter.is_alphabetic();
    }
    title.replace('_', " ").trim().to_owned()
}

/// The fields of a map, as far as its schema names them.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    if is_map(schema) { schema.get("properties")?.as_object() } else { None }
}

fn is_map(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// Whether anything fits it.
fn says_nothing(schema: &Value) -> bool {
    schema.as_object().is_none_or(|schema| schema.keys().all(|key| matches!(key.as_str(), "title" | "description")))
}

/// The schema of a map in the making.
#[derive(Default)]
struct Object {
    properties: Map<String, Value>,
    required: Vec<String>,
    definitions: Map<String, Value>,
}

impl Object {
    fn of(schema: &Value) -> Self {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let definitions = schema.get("$defs").and_then(Value::as_object);
        Self {
            properties: properties(schema).cloned().unwrap_or_default(),
            required: required.filter_map(Value::as_str).map(str::to_owned).collect(),
            definitions: definitions.cloned().unwrap_or_default(),
        }
    }

    fn require(&mut self, key: &str, mut schema: Value) {
        if let Some(Value::Object(definitions)) = schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
            self.define(definitions, [&mut schema]);
        }
        self.properties.insert(key.to_owned(), schema);
        if !self.required.iter().any(|known| known == key) {
            self.required.push(key.to_owned());
        }
    }

    /// With the fields of another; a field of both is the other's.
    fn and(mut self, mut other: Self) -> Self {
        self.define(std::mem::take(&mut other.definitions), other.properties.values_mut());
        self.required.retain(|key| !other.properties.contains_key(key));
        self.properties.extend(other.properties);
        self.required.extend(other.required);
        self
    }

    fn keep(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.properties.retain(|key, _| wanted(key));
        self.required.retain(|key| wanted(key));
        self
    }

    /// Takes in definitions. One whose name stands for something else here gets another name, where it is used too.
    fn define<'a>(&mut self, definitions: Map<String, Value>, users: impl IntoIterator<Item = &'a mut Value>) {
        let mut renamed = HashMap::new();
        for (name, definition) in &definitions {
            let is_free = |new: &String| !self.definitions.contains_key(new) && !definitions.contains_key(new);
            if self.definitions.get(name).is_some_and(|known| known != definition) {
                let new = (2..).map(|number| format!("{name}{number}")).find(is_free).unwrap_or_default();
                renamed.insert(format!("#/$defs/{name}"), new);
            }
        }
        users.into_iter().for_each(|user| rename(user, &renamed));
        for (name, mut definition) in definitions {
            rename(&mut definition, &renamed);
            let name = renamed.get(&format!("#/$defs/{name}")).cloned().unwrap_or(name);
            self.definitions.insert(name, definition);
        }
    }

    fn titled(self, title: impl Into<String>) -> Value {
        let mut schema = Map::new();
        if !self.definitions.is_empty() {
            schema.insert("$defs".into(), self.definitions.into());
        }
        schema.insert("properties".into(), self.properties.into());
        if !self.required.is_empty() {
            schema.insert("required".into(), self.required.into());
        }
        schema.insert("title".into(), title.into().into());
        schema.insert("type".into(), "object".into());
        schema.into()
    }
}

/// Renames the definitions that a schema refers to.
fn rename(schema: &mut Value, renamed: &HashMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str().and_then(|path| renamed.get(path)) {
                    Some(name) if key == "$ref" => *value = format!("#/$defs/{name}").into(),
                    _ => rename(value, renamed),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use runtree_core::{Flow, RunType};

    use super::*;

    fn shape(name: &'static str, input: Value, output: Value) -> Shape {
        let (run_type, flow, parts) = (RunType::Chain, Flow::Chunks, Parts::Step);
        let (input, output) = (with_title(input, name, "Input"), with_title(output, name, "Output"));
        Shape { name: name.into(), run_type, flow, input, output, parts, config: Vec::new() }
    }

    fn with_title(schema: Value, name: &str, suffix: &str) -> Value {
        runtree_core::shape::titled(schema, suffixed(name, suffix))
    }

    fn integer() -> Value {
        json!({"type": "integer"})
    }

    fn object(keys: &[&str]) -> Value {
        keys.iter()
            .fold(Object::default(), |mut object, key| {
                object.require(key, json!({"title": words(key), "type": "string"}));
                object
            })
            .titled("PromptInput")
    }

    fn prompt(keys: &[&str]) -> Shape {
        shape("PromptTemplate", object(keys), json!({}))
    }

    fn add() -> Shape {
        shape("add1", integer(), integer())
    }

    /// `{n: add1, s: to_s}`.
    fn both() -> Shape {
        let text = shape("to_s", integer(), json!({"type": "string"}));
        let own = shape("RunnableParallel<n,s>", integer(), json!({"type": "object"}));
        parallel(own, vec![("n".into(), add()), ("s".into(), text)])
    }

    fn total() -> Shape {
        let fields = json!({"type": "object"});
        let own = shape("RunnableAssign<total>", fields.clone(), fields.clone());
        assign(own, vec![("total".into(), shape("total", fields, integer()))])
    }

    fn pick(keys: &[&str], output: Value) -> Shape {
        let one = output != json!({"type": "object"});
        shape("RunnablePick", json!({"type": "object"}), output)
            .parts(Parts::Pick { keys: keys.iter().map(|&k| k.into()).collect(), one })
    }

    fn chain(steps: impl Into<Vec<Shape>>) -> Shape {
        sequence(shape("RunnableSequence", json!({}), json!({})), steps.into())
    }

    #[test]
    fn a_parallel_gives_a_titled_field_for_each_branch() {
        let both = both();
        assert_eq!(both.input, json!({"title": "RunnableParallel<n,s>Input", "type": "integer"}));
        let fields = json!({"n": {"title": "N", "type": "integer"}, "s": {"title": "S", "type": "string"}});
        let expected = json!({
            "properties": fields, "required": ["n", "s"], "title": "RunnableParallel<n,s>Output", "type": "object"
        });
        assert_eq!(both.output, expected);
    }

    #[test]
    fn a_parallel_takes_what_its_branches_need_together() {
        let own = shape("facts", json!({"type": "object"}), json!({}));
        let anything = shape("any", json!({}), json!({}));
        let branches = [("a", prompt(&["x"])), ("b", anything), ("c", prompt(&["x", "y"]))];
        let facts = parallel(own, branches.map(|(key, branch)| (key.to_owned(), branch)).into());
        let mut expected = object(&["x", "y"]);
        expected["title"] = "facts_input".into();
        assert_eq!(facts.input, expected);
        assert_eq!(facts.output["title"], "facts_output");
    }

    #[test]
    fn a_sequence_takes_what_its_first_step_takes_and_gives_what_its_last_gives() {
        let chain = chain([prompt(&["x"]), shape("StrOutputParser", json!({}), json!({"type": "string"}))]);
        assert_eq!(chain.input, object(&["x"]));
        assert_eq!(chain.output, json!({"title": "StrOutputParserOutput", "type": "string"}));
    }

    #[test]
    fn assigned_fields_are_given_besides_those_of_the_step_before() {
        for steps in [vec![both(), total()], vec![add(), both(), total()]] {
            let output = chain(steps).output;
            assert_eq!(output["title"], "RunnableSequenceOutput");
            assert_eq!(output["required"], json!(["n", "s", "total"]));
            assert_eq!(output["properties"]["total"], json!({"title": "Total", "type": "integer"}));
        }
    }

    #[test]
    fn assigned_fields_need_not_be_put_in() {
        let mut expected = object(&["y"]);
        expected["title"] = "RunnableSequenceInput".into();
        assert_eq!(chain([total(), prompt(&["total", "y"])]).input, expected);
        let picked = pick(&["total", "y"], json!({"type": "object"}));
        assert_eq!(chain([total(), total(), picked, prompt(&["total", "y"])]).input, expected);
    }

    #[test]
    fn an_assign_alone_takes_what_its_fields_are_computed_from() {
        let own = shape("RunnableAssign<answer>", json!({"type": "object"}), json!({"type": "object"}));
        let assign = assign(own, vec![("answer".into(), prompt(&["x"]))]);
        assert_eq!(assign.input["title"], "RunnableParallel<answer>Input");
        assert_eq!(assign.output["title"], "RunnableAssignOutput");
        assert_eq!(assign.output["required"], json!(["x", "answer"]));
        assert_eq!(total().input["title"], "RunnableAssign<total>Input");
        assert_eq!(total().output["title"], "RunnableParallel<total>Output");
    }

    #[test]
    fn a_picked_field_has_the_schema_of_the_field() {
        let integer = json!({"title": "RunnableSequenceOutput", "type": "integer"});
        assert_eq!(chain([both(), pick(&["n"], json!({}))]).output, integer);
        assert_eq!(chain([add(), both(), pick(&["n"], json!({}))]).output, integer);
        assert_eq!(chain([pick(&["x"], json!({})), prompt(&["x"])]).input, object(&["x"]));
    }

    #[test]
    fn a_pick_of_a_field_that_is_not_known_speaks_for_itself() {
        let text = json!({"title": "RunnablePickOutput", "type": "string"});
        assert_eq!(chain([both(), pick(&["other"], json!({"type": "string"}))]).output, text);
        assert_eq!(chain([add(), pick(&["n"], json!({"type": "string"}))]).output, text);
    }

    #[test]
    fn picked_fields_are_a_smaller_map() {
        let three = chain([both(), total(), pick(&["n", "total"], json!({"type": "object"}))]).output;
        assert_eq!(three["required"], json!(["n", "total"]));
        assert_eq!(three["properties"].as_object().unwrap().len(), 2);
        let one = chain([both(), pick(&["n"], json!({"type": "object"}))]).output;
        assert_eq!(one["required"], json!(["n"]));
    }

    #[test]
    fn definitions_stay_reachable_and_apart() {
        let row = |kind: &str| json!({"$ref": "#/$defs/Row", "$defs": {"Row": {"type": kind}}});
        let step = |kind: &str| shape("step", json!({}), row(kind));
        let branches =
            [("a", "object"), ("b", "array"), ("c", "object")].map(|(key, kind)| (key.to_owned(), step(kind)));
        let own = shape("RunnableParallel<a,b,c>", json!({}), json!({}));
        let output = parallel(own, branches.into()).output;
        assert_eq!(output["$defs"], json!({"Row": {"type": "object"}, "Row2": {"type": "array"}}));
        let refs = ["a", "b", "c"].map(|key| output["properties"][key]["$ref"].as_str().unwrap().to_owned());
        assert_eq!(refs, ["#/$defs/Row", "#/$defs/Row2", "#/$defs/Row"]);
    }

    #[test]
    fn keys_become_words() {
        let titles = ["n", "user_name", "userName", "x2y", "_a", "größe"].map(words);
        assert_eq!(titles, ["N", "User Name", "Username", "X2Y", "A", "Größe"]);
    }
}
