//! The macros of runtree: `#[traceable]` and `#[derive(Payload)]`.
//!
//! Each is here twice, because its code must name the crate that the user depends on: once for the `runtree` crate,
//! once for those it is made of. All of them take `crate = ::some::path` where neither is at its usual place.

mod payload;
mod traceable;

use proc_macro::TokenStream;

/// Makes calls of a function runs in the trace: see `runtree::traceable`.
#[doc = include_str!("traceable.md")]
#[proc_macro_attribute]
pub fn traceable(options: TokenStream, function: TokenStream) -> TokenStream {
    traceable::attribute(options.into(), function.into(), "::runtree::__private::tracing").into()
}

/// Makes calls of a function runs in the trace.
#[doc = include_str!("traceable.md")]
#[proc_macro_attribute]
pub fn tracing_traceable(options: TokenStream, function: TokenStream) -> TokenStream {
    traceable::attribute(options.into(), function.into(), "::runtree_tracing").into()
}

/// Makes a type flow between runnables.
#[doc = include_str!("payload.md")]
#[proc_macro_derive(Payload, attributes(payload))]
pub fn derive_payload(item: TokenStream) -> TokenStream {
    payload::derive(item.into(), "::runtree::__private::core").into()
}

/// Makes a type flow between runnables.
#[doc = include_str!("payload.md")]
#[proc_macro_derive(CorePayload, attributes(payload))]
pub fn derive_core_payload(item: TokenStream) -> TokenStream {
    payload::derive(item.into(), "::runtree_core").into()
}
