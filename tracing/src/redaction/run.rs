//! The fields of a run, one after the other.

use std::borrow::Cow;

use serde_json::Value;

use super::failure::{Failed, MESSAGE, instead, is_time};
use super::hide::Hide;
use super::rules::Step;
use super::{Field, Settings};

pub(super) fn field(settings: &Settings, field: Field, value: &mut Value) {
    let done = match field {
        Field::Inputs => settings.inputs.apply(value, "input", settings.allow_unprocessed),
        Field::Outputs => settings.outputs.apply(value, "output", settings.allow_unprocessed),
        Field::Metadata => settings.metadata.apply(value, "metadata", settings.allow_unprocessed),
        Field::Extra => {
            extra(settings, value);
            Ok(())
        }
        Field::Events => {
            strip_tokens(settings, value);
            Ok(())
        }
        _ => Ok(()),
    };
    if done.and_then(|()| rules(settings, field, value)).is_err() {
        *value = instead(field, value);
    }
}

pub(super) fn text<'t>(settings: &Settings, field: Field, text: &'t str) -> Cow<'t, str> {
    let whole = match field {
        Field::Inputs => &settings.inputs,
        Field::Outputs => &settings.outputs,
        Field::Metadata | Field::Extra => &settings.metadata,
        _ => &Hide::Nothing,
    };
    if whole.does_something() {
        return Cow::Borrowed("");
    }
    let mut text = Cow::Borrowed(text);
    for rules in &settings.rules {
        match rules.text(&text, &[Step::Key(field.as_str())], settings.allow_unprocessed) {
            Ok(None) => {}
            Ok(Some(new)) => text = Cow::Owned(new),
            Err(Failed) => return Cow::Borrowed(MESSAGE),
        }
    }
    text
}

/// The parameters of a call to a model are metadata as well.
fn extra(settings: &Settings, value: &mut Value) {
    for key in ["metadata", "invocation_params"] {
        let Some(part) = value.get_mut(key).filter(|part| !part.is_null()) else { continue };
        if settings.metadata.apply(part, key, settings.allow_unprocessed).is_err() {
            *part = instead(Field::Metadata, part);
        }
    }
}

/// The tokens of a model's answer are the answer: of outputs that are hidden, only when they came is told.
fn strip_tokens(settings: &Settings, events: &mut Value) {
    if !settings.outputs.does_something() {
        return;
    }
    for event in events.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if event.get("name").is_some_and(|name| name == "new_token") {
            event.retain(|key, _| key == "name" || key == "time");
        }
    }
}

fn rules(settings: &Settings, field: Field, value: &mut Value) -> Result<(), Failed> {
    let mut times = Vec::new();
    if field == Field::Events && !settings.rules.is_empty() {
        // Rules for numbers must not spoil when things happened.
        let events = value.as_array_mut().into_iter().flatten();
        times.extend(events.map(|event| event.get_mut("time").filter(|time| is_time(time)).map(Value::take)));
    }
    let done = settings.rules.iter().try_for_each(|rules| rules.value(field, value, settings.allow_unprocessed));
    for (event, time) in value.as_array_mut().into_iter().flatten().zip(times) {
        if let (Some(place), Some(time)) = (event.get_mut("time"), time) {
            *place = time;
        }
    }
    done
}
