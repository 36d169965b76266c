//! The fields of a run.

/// A field of a run, as the protocol names them. Its number is how it is stored, and so never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Field {
    /// `trace_id`
    Trace = 1,
    /// `parent_run_id`
    Parent = 2,
    /// `dotted_order`
    DottedOrder = 3,
    /// `session_name`: the name of its project
    ProjectName = 4,
    /// `session_id`: the id of its project
    ProjectId = 5,
    /// `name`
    Name = 6,
    /// `run_type`
    RunType = 7,
    /// `start_time`, in microseconds since 1970
    Start = 8,
    /// `end_time`, in microseconds since 1970
    End = 9,
    /// `status`, where a writer says it
    Status = 10,
    /// `tags`
    Tags = 11,
    /// `reference_example_id`
    Example = 12,
    /// `inputs`
    Inputs = 13,
    /// `outputs`
    Outputs = 14,
    /// `error`
    Error = 15,
    /// `events`
    Events = 16,
    /// `extra`
    Extra = 17,
    /// `serialized`
    Serialized = 18,
}

impl Field {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Trace,
        Self::Parent,
        Self::DottedOrder,
        Self::ProjectName,
        Self::ProjectId,
        Self::Name,
        Self::RunType,
        Self::Start,
        Self::End,
        Self::Status,
        Self::Tags,
        Self::Example,
        Self::Inputs,
        Self::Outputs,
        Self::Error,
        Self::Events,
        Self::Extra,
        Self::Serialized,
    ];

    /// The name it has in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace_id",
            Self::Parent => "parent_run_id",
            Self::DottedOrder => "dotted_order",
            Self::ProjectName => "session_name",
            Self::ProjectId => "session_id",
            Self::Name => "name",
            Self::RunType => "run_type",
            Self::Start => "start_time",
            Self::End => "end_time",
            Self::Status => "status",
            Self::Tags => "tags",
            Self::Example => "reference_example_id",
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Error => "error",
            Self::Events => "events",
            Self::Extra => "extra",
            Self::Serialized => "serialized",
        }
    }

    /// The field of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The field that is stored under this number.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}
