//! What the signature of a traceable function says: its parent, its arguments, what kind of output it has.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, Ident, Pat, PathArguments, PathSegment, Result, ReturnType,
    Signature, Stmt, Token, Type, TypeParamBound, parse_quote,
};

use super::options::{Capture, Options};

/// The parameter that is the parent outside, and the function's own run inside.
pub(super) struct Parent {
    pub(super) name: Ident,
    /// `&`, `&mut`, or nothing if it is owned.
    pub(super) reference: Option<Option<Token![mut]>>,
    pub(super) mutability: Option<Token![mut]>,
}

/// An argument to be recorded.
pub(super) struct Argument {
    pub(super) name: Ident,
    pub(super) key: String,
    pub(super) cfg: Vec<Attribute>,
    /// Whether the name is a reference as a whole.
    pub(super) reference: bool,
    /// Whether the type can have nothing borrowed in it, so that it may be a payload.
    pub(super) owned: bool,
}

/// What is recorded as the output, and when the run ends.
pub(super) enum Output {
    /// What the function returns.
    Plain(Type),
    /// What its future gives: the body is nothing but an `async` block, boxed or not.
    Future { output: Type, boxed: bool },
    /// The items of a stream, boxed or not; the type of an item, or of what a `Result` has in it, if it is written.
    Stream { item: Option<Type>, in_result: bool, boxed: bool },
    /// The items of a stream that an async function gives, in a `Result` or not.
    LateStream { item: Option<Type>, in_result: bool, boxed: bool, fallible: bool },
    /// The items of an iterator, boxed or not.
    Iterator { item: Option<Type>, boxed: bool },
}

pub(super) const PARENTS: [&str; 3] = ["RunnableConfig", "RunTree", "TraceHeaders"];

/// Finds the parent, by its type or as the options say.
pub(super) fn parent(signature: &mut Signature, options: &Options) -> Result<Parent> {
    if let Some(named) = &options.parent {
        let mut found = None;
        for input in &mut signature.inputs {
            let FnArg::Typed(input) = input else { continue };
            if let Pat::Ident(pattern) = &mut *input.pat
                && pattern.ident == *named
            {
                // Inside, the name is bound anew; outside, nothing changes it.
                let mutability = pattern.mutability.take();
                return Ok(Parent { name: named.clone(), reference: reference(&input.ty), mutability });
            }
            if bound(&input.pat).iter().any(|name| name == named) {
                found = Some(Parent { name: named.clone(), reference: None, mutability: None });
            }
        }
        let message = format!("`{}` has no parameter `{named}`", signature.ident);
        return found.ok_or_else(|| Error::new(named.span(), message));
    }
    let mut parents = Vec::new();
    for input in &mut signature.inputs {
        let FnArg::Typed(input) = input else { continue };
        if !is_parent(&input.ty) {
            continue;
        }
        let Pat::Ident(pattern) = &mut *input.pat else {
            return Err(Error::new_spanned(
                &input.pat,
                "the parent of a traceable function needs a name, as in `config: &RunnableConfig`",
            ));
        };
        parents.push((input.ty.clone(), pattern));
    }
    let mut parents = parents.into_iter();
    let (Some((ty, pattern)), second) = (parents.next(), parents.next()) else {
        let message = format!(
            "`{}` has no parent for its run: add a parameter `config: &RunnableConfig` (or `run_tree: &RunTree`, or \
             `headers: TraceHeaders`), or say which parameter it is: `#[traceable(parent = …)]`",
            signature.ident
        );
        return Err(Error::new(signature.ident.span(), message));
    };
    if let Some((_, second)) = second {
        let message = format!(
            "`{}` could have two parents: say which one it is, `#[traceable(parent = {})]`",
            signature.ident, pattern.ident
        );
        return Err(Error::new(second.ident.span(), message));
    }
    let mutability = pattern.mutability.take();
    Ok(Parent { name: pattern.ident.clone(), reference: reference(&ty), mutability })
}

fn reference(ty: &Type) -> Option<Option<Token![mut]>> {
    match ty {
        Type::Reference(reference) => Some(reference.mutability),
        Type::Paren(inner) => self::reference(&inner.elem),
        Type::Group(inner) => self::reference(&inner.elem),
        _ => None,
    }
}

fn is_parent(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_parent(&reference.elem),
        Type::Paren(inner) => is_parent(&inner.elem),
        Type::Group(inner) => is_parent(&inner.elem),
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| PARENTS.iter().any(|parent| last.ident == parent))
        }
        _ => false,
    }
}

/// The arguments that are recorded.
pub(super) fn arguments(signature: &Signature, parent: &Parent, capture: &Capture) -> Result<Vec<Argument>> {
    let mut arguments = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(input) = input else { continue };
        let cfg: Vec<_> = input.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
        let owned = is_owned(behind_reference(&input.ty).to_token_stream());
        let reference = matches!((&*input.pat, &*input.ty), (Pat::Ident(_), Type::Reference(_)));
        for name in bound(&input.pat) {
            if name != parent.name {
                let key = name.unraw().to_string();
                arguments.push(Argument { name, key, cfg: cfg.clone(), reference, owned });
            }
        }
    }
    let known = |named: &Ident| -> Result<()> {
        if arguments.iter().any(|argument| argument.name == *named) {
            return Ok(());
        }
        let known: Vec<String> = arguments.iter().map(|argument| format!("`{}`", argument.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Error::new(named.span(), format!("no argument `{named}` is recorded; there are: {known}")))
    };
    match capture {
        Capture::All => {}
        Capture::None => arguments.clear(),
        Capture::Except(skipped) => {
            skipped.iter().try_for_each(known)?;
            arguments.retain(|argument| !skipped.contains(&argument.name));
        }
        Capture::Only(only) => {
            only.iter().try_for_each(known)?;
            arguments.retain(|argument| only.contains(&argument.name));
        }
    }
    Ok(arguments)
}

fn behind_reference(ty: &Type) -> &Type {
    match ty {
        Type::Reference(reference) => &reference.elem,
        other => other,
    }
}

/// The names that a pattern binds.
fn bound(pattern: &Pat) -> Vec<Ident> {
    match pattern {
        Pat::Ident(pattern) => {
            let below = pattern.subpat.iter().flat_map(|(_, below)| bound(below));
            std::iter::once(pattern.ident.clone()).chain(below).collect()
        }
        Pat::Tuple(pattern) => pattern.elems.iter().flat_map(bound).collect(),
        Pat::TupleStruct(pattern) => pattern.elems.iter().flat_map(bound).collect(),
        Pat::Slice(pattern) => pattern.elems.iter().flat_map(bound).collect(),
        Pat::Struct(pattern) => pattern.fields.iter().flat_map(|field| bound(&field.pat)).collect(),
        Pat::Reference(pattern) => bound(&pattern.pat),
        Pat::Paren(pattern) => bound(&pattern.pat),
        Pat::Type(pattern) => bound(&pattern.pat),
        _ => Vec::new(),
    }
}

/// Whether a type, as far as its text says, borrows nothing. Asking such a type whether it is a payload, which is
/// `'static`, cannot force a lifetime of the caller's to be.
pub(super) fn is_owned(ty: TokenStream) -> bool {
    ty.into_iter().all(|token| match token {
        TokenTree::Punct(punct) => !matches!(punct.as_char(), '&' | '\''),
        TokenTree::Ident(ident) => ident != "impl" && ident != "dyn" && ident != "Cow",
        TokenTree::Group(group) => is_owned(group.stream()),
        TokenTree::Literal(_) => true,
    })
}

/// What kind of output the function has.
pub(super) fn output(signature: &Signature) -> Output {
    let ty = match &signature.output {
        ReturnType::Default => return Output::Plain(parse_quote!(())),
        ReturnType::Type(_, ty) => &**ty,
    };
    let plain = || Output::Plain(ty.clone());
    if signature.asyncness.is_none() {
        return shape(ty, false).unwrap_or_else(plain);
    }
    let given = in_result(ty);
    match shape(given.unwrap_or(ty), false) {
        Some(Output::Stream { item, in_result, boxed }) => {
            Output::LateStream { item, in_result, boxed, fallible: given.is_some() }
        }
        _ => plain(),
    }
}

/// What a `Result` has in it.
fn in_result(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    types(last).into_iter().next()
}

fn types(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// A stream, an iterator or a future, if the type is written as one.
fn shape(ty: &Type, boxed: bool) -> Option<Output> {
    match ty {
        Type::ImplTrait(ty) => from_bounds(&ty.bounds, boxed),
        Type::TraitObject(ty) if boxed => from_bounds(&ty.bounds, true),
        Type::Paren(inner) => shape(&inner.elem, boxed),
        Type::Group(inner) => shape(&inner.elem, boxed),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let types = types(last);
            match last.ident.to_string().as_str() {
                "Pin" | "Box" => shape(types.first()?, true),
                name @ ("BoxStream" | "LocalBoxStream" | "Chunks") => {
                    let item = types.first().map(|ty| (*ty).clone());
                    Some(Output::Stream { item, in_result: name == "Chunks", boxed: true })
                }
                "BoxFuture" | "LocalBoxFuture" => {
                    Some(Output::Future { output: (*types.first()?).clone(), boxed: true })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn from_bounds<'b>(bounds: impl IntoIterator<Item = &'b TypeParamBound>, boxed: bool) -> Option<Output> {
    bounds.into_iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last()?;
        let assigned = |name: &str| match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(assigned) if assigned.ident == name => Some(assigned.ty.clone()),
                _ => None,
            }),
            _ => None,
        };
        match last.ident.to_string().as_str() {
            "Stream" | "TryStream" => Some(Output::Stream { item: assigned("Item"), in_result: false, boxed }),
            "Iterator" => Some(Output::Iterator { item: assigned("Item"), boxed }),
            "Future" => Some(Output::Future { output: assigned("Output")?, boxed }),
            _ => None,
        }
    })
}

/// The `async` block that is all there is to a body, boxed or not.
pub(super) fn async_block(statements: &[Stmt]) -> Option<&syn::ExprAsync> {
    let [Stmt::Expr(expression, None)] = statements else { return None };
    match expression {
        Expr::Async(block) => Some(block),
        Expr::Call(call) if call.args.len() == 1 => {
            let Expr::Path(path) = &*call.func else { return None };
            let mut segments = path.path.segments.iter().rev();
            let pinned = segments.next()?.ident == "pin" && segments.next()?.ident == "Box";
            match call.args.first()? {
                Expr::Async(block) if pinned => Some(block),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A type as it can be written inside of the function: what is opaque, and the lifetimes of borrowed data, are left
/// to the compiler.
pub(super) fn erased(ty: TokenStream, lifetimes: bool) -> TokenStream {
    let mut tokens = ty.into_iter().peekable();
    let mut erased = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "impl" => {
                // Up to the comma or bracket that ends the type at this level.
                let mut depth = 0_u32;
                let mut before = ' ';
                while let Some(token) = tokens.peek() {
                    if let TokenTree::Punct(punct) = token {
                        match punct.as_char() {
                            ',' if depth == 0 => break,
                            '>' if before == '-' => {}
                            '>' if depth == 0 => break,
                            '>' => depth -= 1,
                            '<' => depth += 1,
                            _ => {}
                        }
                        before = punct.as_char();
                    } else {
                        before = ' ';
                    }
                    tokens.next();
                }
                erased.extend(quote!(_));
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' && lifetimes => {
                let is_static = matches!(tokens.peek(), Some(TokenTree::Ident(name)) if name == "static");
                tokens.next();
                erased.extend(if is_static { quote!('static) } else { quote!('_) });
            }
            TokenTree::Group(group) => {
                let inner = self::erased(group.stream(), lifetimes);
                let mut erased_group = proc_macro2::Group::new(group.delimiter(), inner);
                erased_group.set_span(group.span());
                erased.extend([TokenTree::Group(erased_group)]);
            }
            other => erased.extend([other]),
        }
    }
    erased
}
