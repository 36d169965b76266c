//! What stands in the parentheses of `#[traceable(…)]`.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Path, Result, Token, parenthesized};

/// Which arguments are recorded.
#[derive(Default)]
pub(super) enum Capture {
    #[default]
    All,
    Except(Vec<Ident>),
    Only(Vec<Ident>),
    None,
}

#[derive(Default)]
pub(super) struct Options {
    pub(super) root: Option<Path>,
    pub(super) name: Option<Expr>,
    pub(super) run_type: Option<RunType>,
    pub(super) tags: Vec<Expr>,
    pub(super) metadata: Vec<(String, Expr)>,
    pub(super) project: Option<Expr>,
    pub(super) parent: Option<Ident>,
    pub(super) capture: Capture,
    pub(super) skip_output: bool,
    pub(super) process_inputs: Option<Path>,
    pub(super) process_outputs: Option<Path>,
    pub(super) process_chunk: Option<Path>,
    pub(super) reduce: Option<Path>,
}

const KNOWN: &str = "`name`, `run_type`, `tags(…)`, `metadata(…)`, `project`, `parent`, `skip(…)`, `skip_all`, \
                     `only(…)`, `skip_output`, `process_inputs`, `process_outputs`, `process_chunk`, `reduce`, `crate`";
const RUN_TYPES: [(&str, &str); 7] = [
    ("chain", "Chain"),
    ("llm", "Llm"),
    ("tool", "Tool"),
    ("retriever", "Retriever"),
    ("embedding", "Embedding"),
    ("prompt", "Prompt"),
    ("parser", "Parser"),
];

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            if seen.iter().any(|seen| key == seen) {
                return Err(Error::new(key.span(), format!("`{key}` is given twice")));
            }
            seen.push(key.to_string());
            options.option(&key, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

impl Options {
    fn option(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        match key.to_string().as_str() {
            "name" => self.name = Some(value(input)?),
            "run_type" => self.run_type = Some(run_type(value(input)?)?),
            "tags" => self.tags = list(input)?,
            "metadata" => self.metadata = list::<Entry>(input)?.into_iter().map(|entry| (entry.0, entry.1)).collect(),
            "project" => self.project = Some(value(input)?),
            "parent" => self.parent = Some(value(input)?),
            "skip" => self.capture(key, Capture::Except(list(input)?))?,
            "only" => self.capture(key, Capture::Only(list(input)?))?,
            "skip_all" => self.capture(key, Capture::None)?,
            "skip_output" => self.skip_output = true,
            "process_inputs" => self.process_inputs = Some(value(input)?),
            "process_outputs" => self.process_outputs = Some(value(input)?),
            "process_chunk" => self.process_chunk = Some(value(input)?),
            "reduce" => self.reduce = Some(value(input)?),
            "crate" => self.root = Some(Path::parse_mod_style(after_equals(input)?)?),
            _ => return Err(Error::new(key.span(), format!("unknown option `{key}`; there are: {KNOWN}"))),
        }
        Ok(())
    }

    fn capture(&mut self, key: &Ident, capture: Capture) -> Result<()> {
        if !matches!(self.capture, Capture::All) {
            return Err(Error::new(key.span(), "use one of `skip(…)`, `skip_all` and `only(…)`"));
        }
        self.capture = capture;
        Ok(())
    }
}

fn after_equals<'i>(input: ParseStream<'i>) -> Result<ParseStream<'i>> {
    input.parse::<Token![=]>()?;
    Ok(input)
}

fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    after_equals(input)?.parse()
}

fn list<T: Parse>(input: ParseStream<'_>) -> Result<Vec<T>> {
    let items;
    parenthesized!(items in input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&items)?.into_iter().collect())
}

/// `key = value` or `"any key" = value`.
struct Entry(String, Expr);

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = match input.peek(LitStr) {
            true => input.parse::<LitStr>()?.value(),
            false => input.call(Ident::parse_any)?.unraw().to_string(),
        };
        Ok(Self(key, value(input)?))
    }
}

/// `"tool"`, or an expression such as `RunType::Tool`.
pub(super) enum RunType {
    Variant(Ident),
    Given(Expr),
}

fn run_type(value: Expr) -> Result<RunType> {
    let Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &value else { return Ok(RunType::Given(value)) };
    let Some((_, variant)) = RUN_TYPES.iter().find(|(name, _)| *name == text.value()) else {
        let known = RUN_TYPES.map(|(name, _)| format!("`{name}`")).join(", ");
        return Err(Error::new(text.span(), format!("unknown run type; there are: {known}")));
    };
    Ok(RunType::Variant(Ident::new(variant, text.span())))
}
