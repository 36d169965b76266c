//! `#[traceable]`: the argument that is the parent outside is the function's own run inside.

mod expand;
mod options;
mod signature;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemFn, Path, Result, Signature, parse_quote, parse_str};

use options::Options;

/// The function with a run around each call; or the error, and the function as it was, so that its callers are not
/// in error too.
pub(crate) fn attribute(options: TokenStream, function: TokenStream, usual_root: &str) -> TokenStream {
    parse(options, &function, usual_root).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #function)
    })
}

fn parse(options: TokenStream, function: &TokenStream, usual_root: &str) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let function: ItemFn = syn::parse2(function.clone()).map_err(|error| {
        let message = format!("`#[traceable]` stands on a function or method that has a body: {error}");
        Error::new(error.span(), message)
    })?;
    refuse(&function.sig)?;
    let root: Path = match &options.root {
        Some(root) => root.clone(),
        None => parse_str(usual_root)?,
    };
    expand::expand(&options, function, &parse_quote!(#root::__private))
}

fn refuse(signature: &Signature) -> Result<()> {
    match &signature.constness {
        Some(token) => {
            Err(Error::new_spanned(token, "a `const fn` cannot be traced: its calls may run at compile time"))
        }
        None => Ok(()),
    }
}
