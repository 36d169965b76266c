//! What a run has one of.

/// What sort of values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// One of the protocol's words, which are small letters.
    Word,
    /// A UUID.
    Id,
    /// A point in time.
    Time,
    /// A duration.
    Span,
    /// A number.
    Number,
    /// A number, or true or false, which are one and zero.
    Score,
    /// True or false.
    Truth,
    /// Any JSON.
    Json,
    /// A list of texts.
    Tags,
    /// An object: it is there or not.
    Object,
}

/// A field of a run that is no pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Name,
    RunType,
    Status,
    Error,
    Start,
    End,
    FirstToken,
    Latency,
    FirstTokenLatency,
    PromptTokens,
    CompletionTokens,
    TotalTokens,
    PromptCost,
    CompletionCost,
    TotalCost,
    IsRoot,
    IsOrphan,
    ErrorsInside,
    ExecutionOrder,
    Trace,
    Parent,
    DottedOrder,
    Thread,
    Project,
    Example,
    Tags,
    Metadata,
    Inputs,
    Outputs,
}

/// All names, the one that is printed before others of the same field.
const NAMES: [(&str, Field, Kind); 33] = [
    ("id", Field::Id, Kind::Id),
    ("name", Field::Name, Kind::Text),
    ("run_type", Field::RunType, Kind::Word),
    ("status", Field::Status, Kind::Word),
    ("error", Field::Error, Kind::Text),
    ("start_time", Field::Start, Kind::Time),
    ("end_time", Field::End, Kind::Time),
    ("first_token_time", Field::FirstToken, Kind::Time),
    ("latency", Field::Latency, Kind::Span),
    ("first_token_latency", Field::FirstTokenLatency, Kind::Span),
    ("prompt_tokens", Field::PromptTokens, Kind::Number),
    ("completion_tokens", Field::CompletionTokens, Kind::Number),
    ("total_tokens", Field::TotalTokens, Kind::Number),
    ("prompt_cost", Field::PromptCost, Kind::Number),
    ("completion_cost", Field::CompletionCost, Kind::Number),
    ("total_cost", Field::TotalCost, Kind::Number),
    ("is_root", Field::IsRoot, Kind::Truth),
    ("is_orphan", Field::IsOrphan, Kind::Truth),
    ("errors_inside", Field::ErrorsInside, Kind::Number),
    ("execution_order", Field::ExecutionOrder, Kind::Number),
    ("trace_id", Field::Trace, Kind::Id),
    ("parent_run_id", Field::Parent, Kind::Id),
    ("dotted_order", Field::DottedOrder, Kind::Text),
    ("thread_id", Field::Thread, Kind::Text),
    ("session_id", Field::Project, Kind::Id),
    ("session", Field::Project, Kind::Id),
    ("reference_example", Field::Example, Kind::Id),
    ("reference_example_id", Field::Example, Kind::Id),
    ("tags", Field::Tags, Kind::Tags),
    ("tag", Field::Tags, Kind::Tags),
    ("metadata", Field::Metadata, Kind::Object),
    ("inputs", Field::Inputs, Kind::Object),
    ("outputs", Field::Outputs, Kind::Object),
];

impl Field {
    /// The field of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// The name it is printed with.
    pub(super) fn name(self) -> &'static str {
        self.row().0
    }

    /// What sort of values it has.
    pub(super) fn kind(self) -> Kind {
        self.row().2
    }

    fn row(self) -> &'static (&'static str, Self, Kind) {
        NAMES.iter().find(|row| row.1 == self).expect("every field has a name in this file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_a_field_that_has_one() {
        for (name, field, kind) in NAMES {
            assert_eq!(Field::named(name), Some(field));
            assert_eq!(Field::named(field.name()), Some(field));
            assert_eq!(field.kind(), kind);
        }
    }
}
