//! Rules for the texts in a value, down to a depth.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};
use serde_json::Value;

use super::failure::{Failed, caught};
use super::{BadPattern, Field, Rule, secrets};

/// How deep the SDKs look, and so we.
const DEPTH: usize = 10;
/// Deeper than this nothing is looked at, whatever was asked for: it would not fit on the stack.
const DEEPEST: usize = 128;
/// Bytes of the compiled set of patterns, at most. What needs more does without a set, and is slower.
const SET_BYTES: usize = 32 << 20;

/// Rules for the texts in a value, wherever they are in it, down to a depth.
///
/// ```
/// use runtree_tracing::redaction::{Field, Redaction, Rule, Rules, Step};
/// use serde_json::json;
///
/// let digits = Rules::new([Rule::new(r"\d{4,}")?]).with_mask("#");
/// // A function sees each text and where it stands; `None` leaves the text as it is.
/// let cities = Rules::by(|_, path| path.ends_with(&[Step::Key("city")]).then(|| "somewhere".into()));
///
/// let redaction = Redaction::new().with_rules(digits).with_rules(cities);
/// let mut inputs = json!({"city": "Oslo", "call": ["at 12345"], "1234": 12345});
/// redaction.value(Field::Inputs, &mut inputs);
/// assert_eq!(inputs, json!({"city": "somewhere", "call": ["at #"], "1234": 12345}));
/// # Ok::<(), runtree_tracing::redaction::BadPattern>(())
/// ```
///
/// Keys of maps stay, and so do numbers.
///
/// # Depth
///
/// What is inside of more than ten maps and lists, or what [`with_max_depth`](Self::with_max_depth) says, is not
/// looked at, but replaced by the mask: what was not looked at is not known to be harmless. LangSmith's SDKs send it
/// as it is; [`leaving_what_is_deeper`](Self::leaving_what_is_deeper) does so too.
#[derive(Clone)]
pub struct Rules(Arc<Compiled>);

type Function = dyn Fn(&str, &[Step<'_>]) -> Option<String> + Send + Sync;

#[derive(Clone)]
struct Compiled {
    rules: Vec<Rule>,
    /// All patterns at once, so that text that none matches is read once. `None` if that would be too large.
    set: Option<RegexSet>,
    /// Keys whose texts are replaced whatever they are.
    keys: Option<Rule>,
    function: Option<Arc<Function>>,
    mask: Cow<'static, str>,
    max_depth: usize,
    leave_deeper: bool,
}

/// One step on the way to a text, from the field inward: `inputs`, then keys and places in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'v> {
    /// The value under a key of a map.
    Key(&'v str),
    /// The value at a place of a list, from 0.
    Index(usize),
}

impl Rules {
    /// Rules that apply one after the other, each to what those before it have left.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules: Vec<Rule> = rules.into_iter().collect();
        let set = RegexSetBuilder::new(rules.iter().map(Rule::as_str)).size_limit(SET_BYTES).build().ok();
        Self(Arc::new(Compiled {
            rules,
            set,
            keys: None,
            function: None,
            mask: Cow::Borrowed("[redacted]"),
            max_depth: DEPTH,
            leave_deeper: false,
        }))
    }

    /// Texts become what `function` gives for them and their path, or stay if that is `None`.
    ///
    /// # Panics
    ///
    /// A function that panics is caught, and nothing of the field is sent; see the [module](super).
    pub fn by(function: impl Fn(&str, &[Step<'_>]) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::new([]).set(|rules| rules.function = Some(Arc::new(function)))
    }

    /// Rules for secrets: keys of providers, bearer tokens, JSON web tokens, private keys, passwords in addresses and
    /// in `key=value` form, and whatever text is under a key such as `password`. They look 24 deep, and put
    /// `[SECRET_DETECTED]` in place.
    ///
    /// ```
    /// use runtree_tracing::redaction::{Field, Redaction, Rules};
    ///
    /// let redaction = Redaction::new().with_rules(Rules::secrets());
    /// assert_eq!(
    ///     redaction.text(Field::Error, "connecting to postgres://app:hunter2@db/shop"),
    ///     "connecting to postgres://app:[SECRET_DETECTED]@db/shop",
    /// );
    /// ```
    ///
    /// A net, and no proof: a secret that looks like any other word goes through.
    #[doc(alias = "create_secret_anonymizer")]
    pub fn secrets() -> Self {
        secrets::RULES.clone()
    }

    /// Texts under keys that match `pattern` become the mask, whatever they are.
    ///
    /// # Errors
    ///
    /// [`BadPattern`] if the pattern cannot be read, or is too large.
    pub fn with_keys(self, pattern: &str) -> Result<Self, BadPattern> {
        let keys = Rule::new(pattern)?;
        Ok(self.set(|rules| rules.keys = Some(keys)))
    }

    /// What stands in place of what was taken out, unless its rule says another text. `[redacted]` by default.
    #[must_use]
    pub fn with_mask(self, mask: impl Into<Cow<'static, str>>) -> Self {
        self.set(|rules| rules.mask = mask.into())
    }

    /// How many maps and lists around a text are looked into: from 1 to 128, 10 by default.
    #[must_use]
    pub fn with_max_depth(self, depth: usize) -> Self {
        self.set(|rules| rules.max_depth = depth.clamp(1, DEEPEST))
    }

    /// What is too deep to be looked at is sent as it is, as LangSmith's SDKs do. By default the mask is sent.
    #[must_use]
    pub fn leaving_what_is_deeper(self) -> Self {
        self.set(|rules| rules.leave_deeper = true)
    }

    fn set(self, change: impl FnOnce(&mut Compiled)) -> Self {
        let mut rules = Arc::unwrap_or_clone(self.0);
        change(&mut rules);
        Self(Arc::new(rules))
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0.rules.is_empty() && self.0.keys.is_none() && self.0.function.is_none()
    }

    /// Changes the texts in `value`, which is that field of a run.
    pub(super) fn value(&self, field: Field, value: &mut Value, allow_unprocessed: bool) -> Result<(), Failed> {
        let mut walk = Walk { rules: &self.0, allow_unprocessed, path: vec![Step::Key(field.as_str())] };
        walk.value(value, false)
    }

    /// What `text` becomes; `None` if it stays.
    pub(super) fn text(
        &self,
        text: &str,
        path: &[Step<'_>],
        allow_unprocessed: bool,
    ) -> Result<Option<String>, Failed> {
        self.0.text(text, path, allow_unprocessed)
    }
}

impl Compiled {
    fn text(&self, text: &str, path: &[Step<'_>], allow_unprocessed: bool) -> Result<Option<String>, Failed> {
        let mut new = self.by_patterns(text);
        if let Some(function) = &self.function {
            match caught(|| function(new.as_deref().unwrap_or(text), path)) {
                Ok(given) => new = given.or(new),
                Err(Failed) if allow_unprocessed => {}
                Err(Failed) => return Err(Failed),
            }
        }
        Ok(new)
    }

    fn by_patterns(&self, text: &str) -> Option<String> {
        if text.is_empty() || self.set.as_ref().is_some_and(|set| !set.is_match(text)) {
            return None;
        }
        let mut new: Option<String> = None;
        for rule in &self.rules {
            if let Cow::Owned(replaced) = rule.replace(new.as_deref().unwrap_or(text), &self.mask) {
                new = Some(replaced);
            }
        }
        new
    }

    fn hides_under(&self, key: &str) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.is_match(key))
    }
}

/// On the way through a value. The path begins with the field, and so is one longer than the depth.
struct Walk<'r, 'v> {
    rules: &'r Compiled,
    allow_unprocessed: bool,
    path: Vec<Step<'v>>,
}

impl<'v> Walk<'_, 'v> {
    fn value(&mut self, value: &'v mut Value, is_hidden: bool) -> Result<(), Failed> {
        let has_more = match &*value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => false,
        };
        if has_more && self.path.len() > self.rules.max_depth {
            if !self.rules.leave_deeper {
                *value = Value::String(self.rules.mask.clone().into_owned());
            }
            return Ok(());
        }
        match value {
            Value::String(text) if is_hidden => {
                if !text.is_empty() {
                    *text = self.rules.mask.clone().into_owned();
                }
            }
            Value::String(text) => {
                if let Some(new) = self.rules.text(text, &self.path, self.allow_unprocessed)? {
                    *text = new;
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.step(Step::Index(at), item, is_hidden)?;
                }
            }
            Value::Object(map) => {
                for (key, item) in map.iter_mut() {
                    let is_hidden = is_hidden || self.rules.hides_under(key);
                    self.step(Step::Key(key), item, is_hidden)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    fn step(&mut self, step: Step<'v>, value: &'v mut Value, is_hidden: bool) -> Result<(), Failed> {
        self.path.push(step);
        self.value(value, is_hidden)?;
        self.path.pop();
        Ok(())
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("rules", &self.0.rules.len())
            .field("keys", &self.0.keys.is_some())
            .field("function", &self.0.function.is_some())
            .field("mask", &self.0.mask)
            .field("max_depth", &self.0.max_depth)
            .field("leave_deeper", &self.0.leave_deeper)
            .finish()
    }
}
