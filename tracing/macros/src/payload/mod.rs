//! stub
use proc_macro2::TokenStream;
pub(crate) fn derive(_: TokenStream, _: &str) -> TokenStream { TokenStream::new() }
