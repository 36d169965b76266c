//! From calls to conditions: every name is known, and every value of its field's type.

use serde_json::{Map, Value};

use super::FilterError;
use super::condition::{Column, Condition, Side, Test};
use super::field::{Field, Kind};
use super::operand::Operand;
use super::pair::Pair;
use super::parser::{Argument, Call, Literal, Plain, too_many_terms};
use crate::limits;
use crate::run::flattened;

/// What a call means, in which there are so many calls and values.
pub(super) fn check(call: &Call<'_>, terms: usize) -> Result<Condition, FilterError> {
    Checker { terms }.check(call)
}

struct Checker {
    /// Calls and values, with the entries of objects that were looked into so far.
    terms: usize,
}

impl Checker {
    fn check(&mut self, call: &Call<'_>) -> Result<Condition, FilterError> {
        match call.name {
            "and" => self.each(call).map(Condition::All),
            "or" => self.each(call).map(Condition::Any),
            "not" => {
                let [argument] = arguments(call)?;
                Ok(Condition::Not(Box::new(self.condition(argument)?)))
            }
            "eq" => {
                let (place, literal) = compared(call)?;
                Ok(place.with(Test::Is(place.operand(literal)?)))
            }
            "neq" => {
                let (place, literal) = compared(call)?;
                Ok(place.with(Test::IsNot(place.operand(literal)?)))
            }
            "in" => {
                let [field, list] = arguments(call)?;
                let place = Place::of(field)?;
                let Argument::List(literals, _) = list else {
                    return Err(FilterError::new(list.at(), "expected values in `[` and `]`"));
                };
                let operands: Result<_, _> = literals.iter().map(|literal| place.operand(literal)).collect();
                Ok(place.with(Test::In(operands?)))
            }
            "exists" => {
                let [field] = arguments(call)?;
                Ok(Place::of(field)?.with(Test::IsNot(Operand::Null)))
            }
            "like" => {
                let (place, literal) = compared(call)?;
                Ok(place.with(Test::Like(place.text(call, literal)?)))
            }
            "search" => search(call),
            "has" => self.has(call),
            name => match Side::ALL.into_iter().find(|side| side.1 == name) {
                Some((side, _, _)) => {
                    let (place, literal) = compared(call)?;
                    Ok(place.with(Test::On(side, place.ordered(call, literal)?)))
                }
                None => Err(FilterError::new(call.at, format!("there is no function `{name}`"))),
            },
        }
    }

    fn each(&mut self, call: &Call<'_>) -> Result<Vec<Condition>, FilterError> {
        call.arguments.iter().map(|argument| self.condition(argument)).collect()
    }

    fn condition(&mut self, argument: &Argument<'_>) -> Result<Condition, FilterError> {
        match argument {
            Argument::Call(call) => self.check(call),
            other => Err(FilterError::new(other.at(), "expected a condition")),
        }
    }

    fn has(&mut self, call: &Call<'_>) -> Result<Condition, FilterError> {
        let (place, literal) = compared(call)?;
        match place.what {
            What::Field(Field::Tags) => Ok(place.with(Test::Is(Operand::Text(text(literal)?.to_owned())))),
            What::Field(Field::Metadata) => {
                let object: Result<Map<String, Value>, _> = serde_json::from_str(text(literal)?);
                let object = object.map_err(|_| FilterError::new(literal.at, "expected a JSON object as text"))?;
                let leaves = flattened(&object);
                self.terms += leaves.len();
                if self.terms > limits::FILTER_TERMS {
                    return Err(too_many_terms(literal.at));
                }
                Ok(Condition::Metadata(leaves))
            }
            _ => Err(FilterError::new(place.at, "`has` takes `tags` or `metadata`")),
        }
    }
}

/// As many arguments as the function takes.
fn arguments<'a, const COUNT: usize>(call: &'a Call<'a>) -> Result<&'a [Argument<'a>; COUNT], FilterError> {
    call.arguments.as_slice().try_into().map_err(|_| {
        // What is too much stands there, what is missing should stand before the end.
        let at = call.arguments.get(COUNT).map_or(call.end, Argument::at);
        let found = call.arguments.len();
        let plural = if COUNT == 1 { "" } else { "s" };
        FilterError::new(at, format!("`{}` takes {COUNT} argument{plural} and has {found}", call.name))
    })
}

fn compared<'a>(call: &'a Call<'a>) -> Result<(Place, &'a Literal), FilterError> {
    let [field, value] = arguments(call)?;
    Ok((Place::of(field)?, literal(value)?))
}

fn literal<'a>(argument: &'a Argument<'a>) -> Result<&'a Literal, FilterError> {
    match argument {
        Argument::Value(literal) => Ok(literal),
        other => Err(FilterError::new(other.at(), "expected a value")),
    }
}

fn text(literal: &Literal) -> Result<&str, FilterError> {
    match &literal.value {
        Plain::Text(text) => Ok(text),
        _ => Err(FilterError::new(literal.at, "expected a text")),
    }
}

fn search(call: &Call<'_>) -> Result<Condition, FilterError> {
    if let [Argument::Value(literal)] = call.arguments.as_slice() {
        return Ok(Condition::Words(None, text(literal)?.to_owned()));
    }
    let (place, literal) = compared(call)?;
    if let What::Field(field) = place.what
        && let Some(column) = Column::of(field)
    {
        return Ok(Condition::Words(Some(column), text(literal)?.to_owned()));
    }
    Ok(place.with(Test::Search(place.text(call, literal)?)))
}

/// What is asked about, and where that stands.
#[derive(Clone, Copy)]
struct Place {
    what: What,
    at: usize,
}

#[derive(Clone, Copy)]
enum What {
    Field(Field),
    Pair(Pair),
}

impl Place {
    fn of(argument: &Argument<'_>) -> Result<Self, FilterError> {
        let Argument::Field(name, at) = *argument else {
            return Err(FilterError::new(argument.at(), "expected a field"));
        };
        let what = Field::named(name).map(What::Field).or_else(|| Pair::named(name).map(What::Pair));
        let what = what.ok_or_else(|| FilterError::new(at, format!("there is no field `{name}`")))?;
        Ok(Self { what, at })
    }

    fn kind(self) -> Kind {
        match self.what {
            What::Field(field) => field.kind(),
            What::Pair(pair) => pair.kind(),
        }
    }

    fn name(self) -> &'static str {
        match self.what {
            What::Field(field) => field.name(),
            What::Pair(pair) => pair.name(),
        }
    }

    fn with(self, test: Test) -> Condition {
        match self.what {
            What::Field(field) => Condition::Field(field, test),
            What::Pair(pair) => Condition::Pair(pair, test),
        }
    }

    fn operand(self, literal: &Literal) -> Result<Operand, FilterError> {
        Operand::of(self.kind(), literal)
    }

    /// A value that others can be greater than.
    fn ordered(self, call: &Call<'_>, literal: &Literal) -> Result<Operand, FilterError> {
        if matches!(self.kind(), Kind::Id | Kind::Truth | Kind::Tags | Kind::Object) {
            return Err(self.refuses(call));
        }
        match self.operand(literal)? {
            Operand::Null | Operand::Truth(_) => {
                Err(FilterError::new(literal.at, format!("expected a value that `{}` can compare", call.name)))
            }
            operand => Ok(operand),
        }
    }

    /// A text that others can have in them.
    fn text(self, call: &Call<'_>, literal: &Literal) -> Result<String, FilterError> {
        match self.kind() {
            Kind::Text | Kind::Word | Kind::Tags | Kind::Json => text(literal).map(str::to_owned),
            _ => Err(self.refuses(call)),
        }
    }

    fn refuses(self, call: &Call<'_>) -> FilterError {
        FilterError::new(self.at, format!("`{}` does not take `{}`", call.name, self.name()))
    }
}
