//! Templates of the Jinja language.

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use runtree_core::{Error, ErrorKind, Fields, Result};

/// How much a template may do before it is stopped: a prompt of some megabytes fits, an endless one does not.
const FUEL: u64 = 1_000_000;

/// The one template of its environment.
const NAME: &str = "template";

pub(super) struct Jinja(Environment<'static>);

impl Jinja {
    /// Reads a template, and says which variables it needs.
    pub(super) fn read(source: &str) -> Result<(Self, BTreeSet<String>)> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build().map_err(Error::other)?);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| {
            Error::new(ErrorKind::Configuration, format!("reading a jinja template{}", line(&error))).with_source(error)
        })?;
        let known: BTreeSet<String> = environment.globals().map(|(name, _)| name.to_owned()).collect();
        let template = environment.get_template(NAME).map_err(Error::other)?;
        let variables = template.undeclared_variables(false).into_iter().filter(|name| !known.contains(name)).collect();
        Ok((Self(environment), variables))
    }

    pub(super) fn fill(&self, values: &Fields) -> Result<String> {
        let rendered = self.0.get_template(NAME).and_then(|template| template.render(Serde(values)));
        rendered.map_err(|error| {
            Error::invalid_input(format!("filling a jinja template{}", line(&error))).with_source(error)
        })
    }
}

fn line(error: &minijinja::Error) -> String {
    error.line().map_or_else(String::new, |line| format!(", at line {line}"))
}
