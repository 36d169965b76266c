//! What is told of one run, looked at.

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use runtree_core::Moment;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::json::readable;
use crate::limits;
use crate::run::{Attachment, Field, Kind, Operation, time};

/// The words that a run's type may be.
const RUN_TYPES: [&str; 7] = ["chain", "llm", "tool", "retriever", "embedding", "prompt", "parser"];
/// Why a run is refused that tells no id.
pub(super) const NAMELESS: &str = "a run without an id";
/// Bytes of a refused value that are shown to its writer.
const SHOWN: usize = 80;

/// What a request says of one run, as it came.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Whether it tells of a beginning or of what came later.
    pub(super) kind: Kind,
    /// The id under which it came; it may also be in the object, and must be one of the two.
    pub(super) id: Option<Uuid>,
    /// The run's object.
    pub(super) main: Bytes,
    /// Fields that came outside the object.
    pub(super) fields: Vec<(Field, Bytes)>,
    /// Files that came with it.
    pub(super) attachments: Vec<Attachment>,
}

/// A run that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    /// Its id, as far as it could be read.
    pub(super) id: Option<Uuid>,
    /// Why, in words for its writer.
    pub(super) reason: String,
}

impl Draft {
    /// One that is the run's object alone.
    pub(super) fn of(kind: Kind, id: Option<Uuid>, main: Bytes) -> Self {
        Self { kind, id, main, fields: Vec::new(), attachments: Vec::new() }
    }

    /// What it tells, if all of it can be so.
    pub(super) fn checked(mut self) -> Result<Operation, Bad> {
        let mut id = self.id;
        self.check(&mut id).map_err(|reason| Bad { id, reason })
    }

    fn check(&mut self, id: &mut Option<Uuid>) -> Result<Operation, String> {
        let came = std::mem::take(&mut self.main);
        let main = readable(came.clone()).inspect_err(|_| {
            // It is refused by name, if that can be read.
            let object: Option<Object<'_>> = serde_json::from_slice(&came).ok();
            *id = id.or_else(|| object.and_then(|object| uuid(object.id?.get()).ok()));
        })?;
        let object: Object<'_> = serde_json::from_slice(&main).map_err(|error| format!("the run: {error}"))?;
        let size: usize = main.len() + self.fields.iter().map(|(_, json)| json.len()).sum::<usize>();
        if size > limits::RUN {
            *id = id.or_else(|| object.id.and_then(|id| uuid(id.get()).ok()));
            return Err(format!("the run has {size} bytes, more than {}", limits::RUN));
        }
        if let Some(told) = object.id.filter(|told| !is_null(told.get())) {
            let told = uuid(told.get()).map_err(|reason| format!("id: {reason}"))?;
            if id.replace(told).is_some_and(|known| known != told) {
                *id = self.id;
                return Err(format!("the run says it is {told}"));
            }
        }
        let id = id.ok_or(NAMELESS)?;
        let mut operation = Operation::new(self.kind, id);
        operation.attachments = std::mem::take(&mut self.attachments);
        let mut place = Told::default();
        let inside = object.fields.iter().map(|(field, raw)| (*field, main.slice_ref(raw.get().as_bytes())));
        for (field, json) in inside.chain(std::mem::take(&mut self.fields)) {
            let told = value(field, json, &mut place).map_err(|reason| format!("{}: {reason}", field.name()))?;
            if let Some(told) = told {
                operation.tell(field, told);
            }
        }
        if let Some(address) = object.address.filter(|address| !is_null(address.get()))
            && operation.told.get(Field::ProjectName).is_none()
        {
            let name = text(address.get().as_bytes(), limits::NAME).map_err(|reason| format!("address: {reason}"))?;
            operation.tell(Field::ProjectName, quoted(&name));
        }
        place.settle(&mut operation)?;
        if self.kind == Kind::Create {
            complete(&mut operation)?;
        }
        Ok(operation)
    }
}

/// What a create must say, or what follows from its coming now.
fn complete(operation: &mut Operation) -> Result<(), String> {
    for field in [Field::Name, Field::RunType] {
        if operation.told.get(field).is_none() {
            return Err(format!("a new run without {}", field.name()));
        }
    }
    let is_dated = [Field::Start, Field::DottedOrder].into_iter().any(|field| operation.told.get(field).is_some());
    if !is_dated {
        operation.tell(Field::Start, now().to_string());
    }
    Ok(())
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The value of a field as it is stored; none if it says nothing.
fn value(field: Field, json: Bytes, place: &mut Told) -> Result<Option<Bytes>, String> {
    let trimmed = json.trim_ascii();
    if trimmed == b"null" {
        return Ok(None);
    }
    let json = json.slice_ref(trimmed);
    let id = || uuid(std::str::from_utf8(trimmed).unwrap_or_default());
    Ok(Some(match field {
        Field::Trace => {
            let trace = id()?;
            place.trace = Some(trace);
            id_as_it_is_kept(json, trace)
        }
        Field::Parent => {
            let parent = id()?;
            place.parent = Some(parent);
            id_as_it_is_kept(json, parent)
        }
        Field::DottedOrder => {
            let told = text(trimmed, limits::DOTTED_ORDER)?;
            if told.is_empty() {
                return Ok(None);
            }
            place.order = segments(&told)?;
            // Digits, letters of a UUID, and the two letters of a time.
            match told.bytes().any(|byte| matches!(byte, b't' | b'z' | b'A'..=b'F')) {
                true => quoted(&told.to_lowercase().replace('t', "T").replace('z', "Z")),
                false => as_it_is_kept(&json, told),
            }
        }
        Field::ProjectId | Field::Example => {
            let told = id()?;
            id_as_it_is_kept(json, told)
        }
        Field::ProjectName => match text(trimmed, limits::NAME)? {
            empty if empty.is_empty() => return Ok(None),
            name => as_it_is_kept(&json, name),
        },
        Field::Name => as_it_is_kept(&json, text(trimmed, limits::NAME)?),
        Field::RunType => {
            let word = text(trimmed, SHOWN)?;
            if !RUN_TYPES.contains(&&word[..]) {
                return Err(format!("`{word}` is none of {}", RUN_TYPES.join(", ")));
            }
            as_it_is_kept(&json, word)
        }
        Field::Start | Field::End => {
            let micros = time::micros(&mut serde_json::Deserializer::from_slice(trimmed))
                .ok_or_else(|| format!("{} is no time since 1970, as ISO 8601 or in milliseconds", shown(trimmed)))?;
            micros.to_string().into()
        }
        Field::Status => match &text(trimmed, limits::NAME)?[..] {
            word @ ("pending" | "success" | "error" | "interrupted") => quoted(word),
            _ => return Ok(None),
        },
        Field::Tags => {
            let json = whole(json, b'[', "a list of texts")?;
            let tags: Vec<Cow<'_, str>> = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
            if tags.len() > limits::TAGS {
                return Err(format!("more than {} tags", limits::TAGS));
            }
            json
        }
        Field::Events => whole(json, b'[', "a list")?,
        Field::Inputs | Field::Outputs | Field::Extra | Field::Serialized => whole(json, b'{', "an object")?,
        Field::Error => {
            let json = whole(json, 0, "")?;
            match json.first() {
                Some(b'"') => json,
                _ => quoted(&String::from_utf8_lossy(&json)),
            }
        }
    }))
}

/// JSON that begins as it should, checked to its end and otherwise kept as it came.
fn whole(json: Bytes, opening: u8, what: &str) -> Result<Bytes, String> {
    if opening != 0 && json.first() != Some(&opening) {
        return Err(format!("expected {what}, found {}", shown(&json)));
    }
    let json = readable(json)?;
    serde_json::from_slice::<&RawValue>(&json).map_err(|error| error.to_string())?;
    Ok(json)
}

/// A text in JSON. Borrowed, if the JSON is the text in quotes.
fn text(json: &[u8], most: usize) -> Result<Cow<'_, str>, String> {
    let Text(text) = serde_json::from_slice(json).map_err(|_| format!("expected a text, found {}", shown(json)))?;
    match text.len() > most {
        true => Err(format!("longer than {most} bytes")),
        false => Ok(text),
    }
}

fn uuid(json: &str) -> Result<Uuid, String> {
    let id = serde_json::from_str(json).ok().and_then(|Text(text)| parsed(&text));
    id.ok_or_else(|| format!("{} is no UUID", shown(json.as_bytes())))
}

/// An id in one of its two plain forms, in any case. The nil id names nothing.
pub(crate) fn parsed(text: &str) -> Option<Uuid> {
    matches!(text.len(), 32 | 36).then_some(())?;
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

/// The first characters of what came, for its writer.
fn shown(json: &[u8]) -> String {
    let text = String::from_utf8_lossy(&json[..json.len().min(SHOWN)]);
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn is_null(json: &str) -> bool {
    json.trim_ascii() == "null"
}

fn quoted(text: &str) -> Bytes {
    serde_json::to_string(text).unwrap_or_default().into()
}

/// JSON of a text in its one form: as it came, if that has no escapes.
fn as_it_is_kept(json: &Bytes, text: Cow<'_, str>) -> Bytes {
    match text {
        Cow::Borrowed(_) => json.clone(),
        Cow::Owned(text) => quoted(&text),
    }
}

/// JSON of an id in its one form.
fn id_as_it_is_kept(json: Bytes, id: Uuid) -> Bytes {
    let mut form = [b'"'; 38];
    id.hyphenated().encode_lower(&mut form[1..37]);
    if json[..] == form { json } else { Bytes::copy_from_slice(&form) }
}

/// The ids of a dotted order, from the root down.
fn segments(order: &str) -> Result<Vec<Uuid>, String> {
    let segment = |segment: &str| {
        let at = segment.len().checked_sub(36)?;
        let (time, id) = (segment.get(..at)?, segment.get(at..)?);
        Moment::from_dotted(time).or_else(|| Moment::from_dotted(&time.to_ascii_uppercase()))?;
        parsed(id)
    };
    let ids: Option<Vec<Uuid>> = order.split('.').map(segment).collect();
    let ids = ids.ok_or_else(|| format!("`{}` is none", shown(order.as_bytes())))?;
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    match sorted.windows(2).all(|two| two[0] != two[1]) {
        true => Ok(ids),
        false => Err("it repeats an id".to_owned()),
    }
}

/// What is told of a run's place: three fields that must say the same.
#[derive(Debug, Default)]
struct Told {
    trace: Option<Uuid>,
    parent: Option<Uuid>,
    order: Vec<Uuid>,
}

impl Told {
    /// Tells what the place's other fields leave out, if they do not contradict each other.
    fn settle(&self, operation: &mut Operation) -> Result<(), String> {
        let id = operation.id;
        if self.parent == Some(id) {
            return Err("the run is its own parent".to_owned());
        }
        match self.order[..] {
            [] => self.settle_without_order(operation),
            [.., last] if last != id => Err(format!("dotted_order ends in {last}")),
            [first, ..] if self.trace.is_some_and(|trace| trace != first) => {
                Err(format!("dotted_order begins with {first}, which is not trace_id"))
            }
            [only] if self.parent.is_some() => Err(format!("parent_run_id below {only}, the only id of dotted_order")),
            [first, .., above, _] | [first @ above, _] => {
                if self.parent.is_some_and(|parent| parent != above) {
                    return Err(format!("dotted_order puts the run below {above}, which is not parent_run_id"));
                }
                self.complete(operation, first, Some(above));
                Ok(())
            }
            [first] => {
                self.complete(operation, first, None);
                Ok(())
            }
        }
    }

    /// Tells what a dotted order says, where nothing else told it.
    fn complete(&self, operation: &mut Operation, trace: Uuid, parent: Option<Uuid>) {
        if self.trace.is_none() {
            operation.tell(Field::Trace, id_as_it_is_kept(Bytes::new(), trace));
        }
        if let (None, Some(parent)) = (self.parent, parent) {
            operation.tell(Field::Parent, id_as_it_is_kept(Bytes::new(), parent));
        }
    }

    fn settle_without_order(&self, operation: &mut Operation) -> Result<(), String> {
        let id = operation.id;
        match (self.trace, self.parent, operation.kind) {
            (None, Some(_), _) => Err("parent_run_id without trace_id".to_owned()),
            (Some(trace), Some(_), _) if trace == id => Err("a root with a parent".to_owned()),
            (Some(trace), None, Kind::Create) if trace != id => {
                Err("trace_id without parent_run_id or dotted_order".to_owned())
            }
            (None, None, Kind::Create) => {
                operation.tell(Field::Trace, id_as_it_is_kept(Bytes::new(), id));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The fields of a run's object. Only names that are a field's, letter by letter, are; no field comes twice.
#[derive(Default)]
struct Object<'a> {
    id: Option<&'a RawValue>,
    address: Option<&'a RawValue>,
    fields: Vec<(Field, &'a RawValue)>,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut object = Object::default();
                while let Some(Text(key)) = map.next_key()? {
                    let json: &RawValue = map.next_value()?;
                    let twice = match (&key[..], Field::named(&key)) {
                        ("id", _) => object.id.replace(json).is_some(),
                        ("address", _) => object.address.replace(json).is_some(),
                        (_, Some(field)) => {
                            let twice = object.fields.iter().any(|(known, _)| *known == field);
                            object.fields.push((field, json));
                            twice
                        }
                        _ => false,
                    };
                    if twice {
                        return Err(serde::de::Error::custom(format_args!("`{key}` comes twice")));
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const ROOT: &str = "0198f7a0-0000-7000-8000-000000000001";
    const RUN: &str = "0198f7a0-0000-7000-8000-000000000002";

    fn told(kind: Kind, json: impl ToString) -> Result<Operation, Bad> {
        Draft::of(kind, None, Bytes::from(json.to_string())).checked()
    }

    fn with(changes: Value) -> Value {
        let mut run = json!({
            "id": RUN, "trace_id": ROOT, "parent_run_id": ROOT, "name": "n", "run_type": "tool", "session_name": "p",
            "start_time": "2026-03-04T05:06:07.12+00:00",
            "dotted_order": format!("20260304T050607000000Z{ROOT}.20260304T050607120000Z{RUN}"),
        });
        for (key, value) in changes.as_object().unwrap() {
            run[key] = value.clone();
        }
        run
    }

    fn refused(changes: Value) -> String {
        let bad = told(Kind::Create, with(changes)).unwrap_err();
        bad.reason
    }

    fn got(operation: &Operation, field: Field) -> Option<String> {
        operation.told.get(field).map(|json| String::from_utf8(json.to_vec()).unwrap())
    }

    #[test]
    fn a_run_is_taken_with_its_times_in_microseconds_and_its_payloads_as_they_came() {
        let run = with(json!({"end_time": 1_772_600_767_500_i64})).to_string();
        let run = run.replacen('{', r#"{"inputs":{"n" : 123456789012345678901234567890.0},"error":{"a":1},"#, 1);
        let operation = told(Kind::Create, run).unwrap();
        assert_eq!(got(&operation, Field::Start).as_deref(), Some("1772600767120000"));
        assert_eq!(got(&operation, Field::End).as_deref(), Some("1772600767500000"));
        let inputs = got(&operation, Field::Inputs);
        assert_eq!(inputs.as_deref(), Some(r#"{"n" : 123456789012345678901234567890.0}"#));
        assert_eq!(got(&operation, Field::Error).as_deref(), Some(r#""{\"a\":1}""#));
    }

    #[test]
    fn nulls_say_nothing_and_the_address_names_the_project() {
        let operation =
            told(Kind::Update, json!({"id": RUN, "trace_id": null, "name": null, "address": "lrn:x"})).unwrap();
        assert_eq!(got(&operation, Field::Trace), None);
        assert_eq!(got(&operation, Field::ProjectName).as_deref(), Some("\"lrn:x\""));
    }

    #[test]
    fn a_place_is_completed_from_its_dotted_order_and_a_lone_create_is_a_root() {
        let operation = told(Kind::Create, with(json!({"trace_id": null, "parent_run_id": null}))).unwrap();
        assert_eq!(got(&operation, Field::Trace), Some(format!("\"{ROOT}\"")));
        assert_eq!(got(&operation, Field::Parent), Some(format!("\"{ROOT}\"")));
        let operation = told(Kind::Create, json!({"id": ROOT, "name": "n", "run_type": "chain"})).unwrap();
        assert_eq!(got(&operation, Field::Trace), Some(format!("\"{ROOT}\"")));
        assert!(operation.told.get(Field::Start).is_some());
    }

    #[test]
    fn a_value_is_kept_in_one_form_however_it_is_written() {
        let plain = told(Kind::Create, with(json!({"name": "naïve", "session_id": ROOT}))).unwrap();
        let fancy = with(json!({"session_id": ROOT})).to_string().replace(r#""n""#, r#" "na\u00efv\u0065" "#);
        let fancy = fancy.replace(RUN, &RUN.to_uppercase()).replace(ROOT, &ROOT.to_uppercase());
        let fancy = fancy.replace("20260304T", "20260304t").replace("\"tool\"", r#""\u0074ool""#);
        assert_eq!(told(Kind::Create, fancy).unwrap(), plain);
        assert_eq!(got(&plain, Field::Name).as_deref(), Some("\"naïve\""));
    }

    #[test]
    fn ids_are_normalised_or_refused() {
        let operation = told(Kind::Update, json!({"id": RUN.to_uppercase().replace('-', "")})).unwrap();
        assert_eq!(operation.id.to_string(), RUN);
        let fullwidth = RUN.replace('0', "０");
        let odd =
            [format!("{{{RUN}}}"), format!("urn:uuid:{RUN}"), Uuid::nil().to_string(), format!("{RUN}0"), fullwidth];
        for id in odd {
            assert!(told(Kind::Update, json!({"id": id})).is_err(), "{id}");
        }
        for id in [json!(1), json!([RUN]), json!(null), json!("")] {
            assert!(told(Kind::Update, json!({"id": id})).is_err(), "{id}");
        }
    }

    #[test]
    fn a_place_that_contradicts_itself_is_refused() {
        let (run, root) = (format!("20260304T050607120000Z{RUN}"), format!("20260304T050607000000Z{ROOT}"));
        for changes in [
            json!({"parent_run_id": RUN}),
            json!({"trace_id": RUN}),
            json!({"dotted_order": run}),
            json!({"dotted_order": root}),
            json!({"dotted_order": format!("{root}.{root}.{run}")}),
            json!({"dotted_order": format!("{run}.{root}.{run}")}),
            json!({"dotted_order": "nonsense"}),
            json!({"dotted_order": format!("{root}..{run}")}),
            json!({"dotted_order": format!("20261304T050607000000Z{ROOT}.{run}")}),
            json!({"dotted_order": "x".repeat(limits::DOTTED_ORDER + 1)}),
            json!({"dotted_order": null, "trace_id": null}),
            json!({"dotted_order": null, "trace_id": RUN}),
            json!({"dotted_order": null, "parent_run_id": null}),
        ] {
            refused(changes);
        }
        // A clock that is behind, and times in milliseconds.
        let order = format!("20260304T050607900Z{ROOT}.20260304T050607120Z{RUN}");
        assert!(told(Kind::Create, with(json!({"dotted_order": order}))).is_ok());
    }

    #[test]
    fn fields_of_a_wrong_type_are_refused_by_name() {
        for field in Field::ALL {
            let lenient = [Field::Error, Field::Status].contains(&field);
            for value in [json!(true), json!(-1), json!([1]), json!({"a": 1}), json!("no\u{0}ne")] {
                let fits = match field {
                    Field::Events => value.is_array(),
                    Field::Inputs | Field::Outputs | Field::Extra | Field::Serialized => value.is_object(),
                    Field::Name | Field::ProjectName => value.is_string(),
                    _ => false,
                };
                if !fits && !lenient {
                    let reason = refused(json!({field.name(): value}));
                    assert!(reason.starts_with(field.name()), "{reason}");
                }
            }
        }
    }

    #[test]
    fn long_things_are_refused() {
        let long = "x".repeat(limits::NAME + 1);
        for changes in [
            json!({"name": long}),
            json!({"session_name": long}),
            json!({"tags": vec!["t"; limits::TAGS + 1]}),
            json!({"inputs": {"x": "x".repeat(limits::RUN)}}),
        ] {
            assert!(refused(changes).len() < 200);
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_refused_and_look_alikes_are_ignored() {
        let twice = format!(r#"{{"id":"{RUN}","id":"{ROOT}"}}"#);
        assert!(told(Kind::Update, twice).unwrap_err().reason.contains("`id` comes twice"));
        let operation = told(
            Kind::Update,
            json!({"id": RUN, "Id": ROOT, "id\u{0}": ROOT, "ｉd": ROOT, "trace_id ": ROOT, "TRACE_ID": ROOT, "name": "n"}),
        );
        let operation = operation.unwrap();
        assert_eq!((operation.id.to_string(), got(&operation, Field::Trace)), (RUN.to_owned(), None));
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        let run = with(json!({})).to_string().replacen(r#""n""#, r#""n\ud800""#, 1);
        let operation = told(Kind::Create, run).unwrap();
        assert_eq!(got(&operation, Field::Name).as_deref(), Some("\"n\u{fffd}\""));
    }

    /// What writers might put where something else belongs.
    fn anything() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            prop_oneof![Just(ROOT), Just(RUN)].prop_map(Value::from),
            "[0-9TZ.a-f-]{0,60}".prop_map(Value::from),
            Just(json!([])),
            Just(json!({"a": [1, "b"]})),
        ]
    }

    proptest! {
        #[test]
        fn what_is_taken_tells_json_and_a_place_of_one_trace(
            changes in proptest::collection::btree_map(0..Field::ALL.len(), anything(), 0..6),
            is_create: bool,
        ) {
            let changes: serde_json::Map<String, Value> =
                changes.into_iter().map(|(at, value)| (Field::ALL[at].name().to_owned(), value)).collect();
            let kind = if is_create { Kind::Create } else { Kind::Update };
            let Ok(operation) = told(kind, with(Value::Object(changes))) else { return Ok(()) };
            for (field, entry) in operation.told.iter() {
                prop_assert!(serde_json::from_slice::<Value>(&entry.json).is_ok(), "{field:?}");
            }
            prop_assert_ne!(got(&operation, Field::Parent), Some(format!("\"{RUN}\"")));
            if let (Some(order), Some(trace)) = (got(&operation, Field::DottedOrder), got(&operation, Field::Trace)) {
                prop_assert!(order[1..].get(22..58) == trace.get(1..37) || order.contains(trace.trim_matches('"')));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Draft::of(Kind::Create, None, bytes.into()).checked();
        }
    }
}
