//! What stands in the parentheses of `#[payload(…)]`.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Path, Result};

/// How a value is recorded.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Field by field, each a payload.
    #[default]
    Payload,
    Serde,
    Debug,
    Opaque,
}

impl Mode {
    fn read(name: &Ident) -> Option<Self> {
        match name.to_string().as_str() {
            "serde" => Some(Self::Serde),
            "debug" => Some(Self::Debug),
            "opaque" => Some(Self::Opaque),
            _ => None,
        }
    }
}

/// Options of a type.
#[derive(Default)]
pub(super) struct TypeOptions {
    pub(super) root: Option<Path>,
    pub(super) mode: Mode,
    pub(super) merge: Option<Ident>,
    pub(super) schemars: bool,
    pub(super) about: String,
}

/// Options of a field.
#[derive(Default)]
pub(super) struct FieldOptions {
    pub(super) mode: Mode,
    pub(super) skip: bool,
    pub(super) rename: Option<String>,
    pub(super) about: String,
}

impl TypeOptions {
    pub(super) fn read(attrs: &[Attribute]) -> Result<Self> {
        let mut options = Self { about: about(attrs), ..Self::default() };
        each(attrs, |meta, name| {
            if let Some(mode) = Mode::read(name) {
                return set_mode(&mut options.mode, mode, &meta);
            }
            match name.to_string().as_str() {
                "merge" => options.merge = Some(name.clone()),
                "schemars" => options.schemars = true,
                "crate_" => options.root = Some(meta.value()?.call(Path::parse_mod_style)?),
                _ => {
                    let known = "`serde`, `debug`, `opaque`, `merge`, `schemars`, `crate = …`";
                    return Err(meta.error(format!("unknown option of a type; there are: {known}")));
                }
            }
            Ok(())
        })?;
        Ok(options)
    }
}

impl FieldOptions {
    pub(super) fn read(attrs: &[Attribute]) -> Result<Self> {
        let mut options = Self { about: about(attrs), ..Self::default() };
        each(attrs, |meta, name| {
            if let Some(mode) = Mode::read(name) {
                return set_mode(&mut options.mode, mode, &meta);
            }
            match name.to_string().as_str() {
                "skip" => options.skip = true,
                "rename" => options.rename = Some(meta.value()?.parse::<LitStr>()?.value()),
                _ => {
                    let known = "`skip`, `rename = \"…\"`, `serde`, `debug`, `opaque`";
                    return Err(meta.error(format!("unknown option of a field; there are: {known}")));
                }
            }
            Ok(())
        })?;
        Ok(options)
    }

    /// Whether the field is a payload, recorded and merged by its own rules.
    pub(super) fn is_payload(&self) -> bool {
        !self.skip && self.mode == Mode::Payload
    }
}

fn set_mode(known: &mut Mode, mode: Mode, meta: &ParseNestedMeta<'_>) -> Result<()> {
    if *known != Mode::Payload {
        return Err(meta.error("use one of `serde`, `debug` and `opaque`"));
    }
    *known = mode;
    Ok(())
}

fn each(attrs: &[Attribute], mut read: impl FnMut(ParseNestedMeta<'_>, &Ident) -> Result<()>) -> Result<()> {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("payload")) {
        attr.parse_nested_meta(|meta| {
            let name = if meta.path.is_ident("crate") {
                Ident::new("crate_", proc_macro2::Span::call_site())
            } else {
                meta.path.require_ident()?.clone()
            };
            read(meta, &name)
        })?;
    }
    Ok(())
}

/// The documentation of an item, as a schema's description.
fn about(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| {
        let doc = attr.meta.require_name_value().ok().filter(|doc| doc.path.is_ident("doc"))?;
        match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}
