//! What is wrong with stored runs, and why that may be.

use uuid::Uuid;

/// What is wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The run it is below is not known.
    Orphan,
    /// It began long ago and has not ended.
    NeverEnded,
    /// It is a root, and was opened inside another run.
    LostRoot,
    /// It seems to have begun before the run it is below, to have ended before it began, or to begin in the future.
    SkewedClock,
    /// Its end came, and its beginning did not.
    NoBeginning,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Orphan, Self::NeverEnded, Self::LostRoot, Self::SkewedClock, Self::NoBeginning];

    /// A word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::NeverEnded => "never ended",
            Self::LostRoot => "lost root",
            Self::SkewedClock => "skewed clock",
            Self::NoBeginning => "no beginning",
        }
    }

    /// What the cause most likely is, and what to do.
    pub fn likely_cause(self) -> &'static str {
        match self {
            Self::Orphan => {
                "its parent was not sent: another process that traces elsewhere or samples differently, or one that ended \
                 before it sent everything; check the other service's endpoint and project, and flush before it exits"
            }
            Self::NeverEnded => {
                "the process ended while the run was open, or the end was lost on the way; flush or close the client on \
                 exit, or use a spool"
            }
            Self::LostRoot => "a fresh root was opened inside a run; hand on the config that the run was given",
            Self::SkewedClock => {
                "the clocks of two services differ, or one was set while the run was open; times across them are not to \
                 be compared"
            }
            Self::NoBeginning => "the create was refused or is still on the way; look at what was refused",
        }
    }
}

/// A run that something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub trouble: Trouble,
    /// The run.
    pub run: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// The id of its project.
    pub project: Uuid,
    /// Its name.
    pub name: String,
    /// When it began, in microseconds since 1970.
    pub start: i64,
    /// The other run that is concerned: the parent that is missing or seems to begin later, or the run it was opened inside of.
    pub other: Option<Uuid>,
}
