//! Writes the function anew, with a run around its body.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{AttrStyle, Block, Error, ItemFn, Path, Result, ReturnType, Type};

use super::options::{Options, RunType};
use super::signature::{self, Argument, Output, Parent};

/// A name that the body cannot see.
fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

pub(super) fn expand(options: &Options, function: ItemFn, private: &Path) -> Result<TokenStream> {
    let ItemFn { mut attrs, vis, sig: mut signature, block, .. } = function;
    let parent = signature::parent(&mut signature, options)?;
    let arguments = signature::arguments(&signature, &parent, &options.capture)?;
    let output = signature::output(&signature);
    fits(options, &output)?;
    if let (Output::Plain(Type::Never(never)), Some(_)) = (&output, &signature.asyncness) {
        let message = "an async function that never returns is traced with `std::convert::Infallible` as its output";
        return Err(Error::new_spanned(never, message));
    }
    let name = match &options.name {
        Some(name) => quote!(#name),
        None => signature.ident.unraw().to_string().to_token_stream(),
    };
    let function = Function { options, private, name, parent, arguments, block: &block };
    let body = match &output {
        Output::Plain(ty) if signature.asyncness.is_some() => {
            function.asynchronous(ty, &function.block.to_token_stream())
        }
        Output::Plain(ty) => function.synchronous(ty),
        Output::Future { output, boxed } => function.future(output, *boxed)?,
        Output::Stream { item, in_result, boxed } => {
            function.stream(&signature.output, item.as_ref(), *in_result, *boxed)
        }
        Output::LateStream { item, in_result, boxed, fallible } => {
            function.late_stream(&signature.output, item.as_ref(), *in_result, *boxed, *fallible)
        }
        Output::Iterator { item, boxed } => function.iterator(&signature.output, item.as_ref(), *boxed)?,
    };
    for attr in &mut attrs {
        attr.style = AttrStyle::Outer;
    }
    // Under the user's own braces: what the compiler says of the function as a whole points at the function.
    let mut body = Group::new(Delimiter::Brace, body);
    body.set_span(block.brace_token.span.join());
    // The braces of a body of one line are kept, and then looked upon as superfluous.
    Ok(quote!(#(#attrs)* #[allow(unused_braces)] #vis #signature #body))
}

/// Options for streams are for streams.
fn fits(options: &Options, output: &Output) -> Result<()> {
    let streams = matches!(output, Output::Stream { .. } | Output::LateStream { .. } | Output::Iterator { .. });
    let (misplaced, message) = match streams {
        true => ([&options.process_outputs, &None], "this function streams: use `process_chunk` or `reduce`"),
        false => (
            [&options.process_chunk, &options.reduce],
            "this is for functions that return a stream or an iterator; use `process_outputs`",
        ),
    };
    match misplaced.into_iter().flatten().next() {
        Some(path) => Err(Error::new_spanned(path, message)),
        None => Ok(()),
    }
}

struct Function<'f> {
    options: &'f Options,
    private: &'f Path,
    name: TokenStream,
    parent: Parent,
    arguments: Vec<Argument>,
    block: &'f Block,
}

impl Function<'_> {
    /// Opens the run: binds `own`, the parent of what is below, and `entry`, the way in and out.
    fn open(&self, parent: &TokenStream) -> TokenStream {
        let (private, name, Options { tags, process_inputs, .. }) = (self.private, &self.name, self.options);
        let (call, entry, below) = (own("call"), own("entry"), own("own"));
        let run_type = match &self.options.run_type {
            Some(RunType::Variant(variant)) => quote!(#private::RunType::#variant),
            Some(RunType::Given(given)) => quote!(#given),
            None => quote!(#private::RunType::Chain),
        };
        let (keys, values): (Vec<_>, Vec<_>) = self.options.metadata.iter().map(|(key, value)| (key, value)).unzip();
        let project = self.options.project.iter();
        let inputs = self.arguments.iter().map(|Argument { name, key, cfg, reference, owned }| {
            let value = if *reference { quote!(&*#name) } else { quote!(&#name) };
            let value = self.recorded(&value, *owned, "value");
            quote!(#(#cfg)* #call.input(#key, #value);)
        });
        let process_inputs = process_inputs.iter();
        let without_outputs = self.options.skip_output.then(|| quote!(#entry.without_outputs();));
        quote! {
            let mut #call = #private::Call::new(#parent, #name, #run_type);
            if #call.is_heard() {
                #(#call.tag(#tags);)*
                #(#call.metadata(#keys, #values);)*
                #(#call.project(#project);)*
                if #call.wants_inputs() {
                    #(#inputs)*
                    #(#call.process_inputs(#process_inputs);)*
                }
            }
            #[allow(unused_mut)]
            let (#below, mut #entry) = #call.open();
            #without_outputs
            #[allow(unused_mut)]
            let mut #below = #private::TraceParent::inside(#parent, #below);
        }
    }

    /// The parent as it was passed, borrowed.
    fn passed(&self) -> TokenStream {
        let name = &self.parent.name;
        if self.parent.reference.is_some() { quote!(&*#name) } else { quote!(&#name) }
    }

    /// Binds the parent's name to the function's own run.
    fn rebind(&self, from: &TokenStream) -> TokenStream {
        let Parent { name, mutability, .. } = &self.parent;
        quote! {
            #[allow(unused_variables)]
            let #mutability #name = #from;
        }
    }

    fn rebind_own(&self) -> TokenStream {
        let below = own("own");
        self.rebind(&match &self.parent.reference {
            Some(mutability) => quote!(&#mutability #below),
            None => quote!(#below),
        })
    }

    /// The record of a value, by the best way that its type allows.
    fn recorded(&self, value: &TokenStream, owned: bool, method: &str) -> TokenStream {
        let (private, method) = (self.private, own(method));
        let payloads = owned.then(|| quote!(ViaPayload as _, ViaSlice as _,));
        quote! {{
            #[allow(unused_imports)]
            use #private::{#payloads ViaDebug as _, ViaName as _, ViaSerde as _};
            (&&&&&#private::Value(#value)).#method()
        }}
    }

    /// What an output or item is to the run: `ok` makes of its value what is kept.
    fn classified(&self, of: &TokenStream, ok: &dyn Fn(&TokenStream) -> TokenStream) -> TokenStream {
        let (private, value, error, wanted) = (self.private, own("value"), own("error"), own("wanted"));
        let (kept, failed) = (ok(&value.to_token_stream()), self.failed(&error.to_token_stream()));
        quote! {
            match {
                #[allow(unused_imports)]
                use #private::{SplitPlain as _, SplitResult as _};
                (&&#private::Ends(#of)).split()
            } {
                ::core::result::Result::Ok(#value) => ::core::result::Result::Ok(
                    if #wanted { ::core::option::Option::Some(#kept) } else { ::core::option::Option::None }
                ),
                ::core::result::Result::Err(#error) => ::core::result::Result::Err(#failed),
            }
        }
    }

    /// An error as a run keeps it.
    fn failed(&self, error: &TokenStream) -> TokenStream {
        let private = self.private;
        quote! {{
            #[allow(unused_imports)]
            use #private::{
                ViaBoxed as _, ViaBoxedSync as _, ViaDisplay as _, ViaError as _, ViaErrorDebug as _,
                ViaErrorName as _, ViaRuntree as _,
            };
            (&&&&&&&#private::Failed(#error)).error()
        }}
    }

    fn output_of(&self, ty: &Type) -> TokenStream {
        let (output, private) = (own("output"), self.private);
        let owned = signature::is_owned(ty.to_token_stream());
        self.classified(&quote!(&#output), &|value| match &self.options.process_outputs {
            Some(process) => quote!(#private::processed_record(|| #process(#value))),
            None => self.recorded(value, owned, "record"),
        })
    }

    /// A closure that says what the run is to know of an item.
    fn note(&self, ty: Option<&Type>) -> TokenStream {
        let (item, wanted, private) = (own("item"), own("wanted"), self.private);
        let owned = ty.is_some_and(|ty| signature::is_owned(ty.to_token_stream()));
        let noted = self.classified(&item.to_token_stream(), &|value| match &self.options.process_chunk {
            Some(process) => quote!(#private::processed(|| #process(#value))),
            None => self.recorded(value, owned, "value"),
        });
        quote!(move |#item, #wanted| #noted)
    }

    fn look_at_entry(&self) -> TokenStream {
        let (entry, heard, wanted) = (own("entry"), own("heard"), own("wanted"));
        quote!(let (#heard, #wanted) = (#entry.is_heard(), #entry.wants_outputs());)
    }

    /// How a token or deadline ends a body that gives a `ty`; it cannot where the type is not written.
    fn stop(&self, ty: Option<&TokenStream>) -> TokenStream {
        let private = self.private;
        let ty = ty.map(|ty| signature::erased(ty.clone(), false)).filter(|ty| ty.to_string() != "_");
        let Some(ty) = ty else { return quote!(::core::option::Option::None) };
        quote! {{
            #[allow(unused_imports)]
            use #private::{StopsNever as _, StopsWithError as _};
            (&&#private::Stops::<#ty>::new()).stop()
        }}
    }

    /// How a token or deadline ends a stream of such items.
    fn stop_stream(&self, item: Option<&Type>, in_result: bool) -> TokenStream {
        let private = self.private;
        let item = item.map(|ty| match in_result {
            true => quote!(::core::result::Result<#ty, #private::Error>),
            false => quote!(#ty),
        });
        self.stop(item.as_ref())
    }

    fn synchronous(&self, ty: &Type) -> TokenStream {
        let (entry, output, heard, block) = (own("entry"), own("output"), own("heard"), self.block);
        let (open, rebind, look, ended) =
            (self.open(&self.passed()), self.rebind_own(), self.look_at_entry(), self.output_of(ty));
        if matches!(ty, Type::Never(_)) {
            return quote! {
                #open
                #entry.enter(move || -> ! { #rebind #block })
            };
        }
        let ty = signature::erased(ty.to_token_stream(), false);
        quote! {
            #open
            let #output = #entry.enter(move || -> #ty {
                #rebind
                #block
            });
            #look
            if #heard {
                #entry.end(#ended);
            }
            #output
        }
    }

    /// Everything after the signature of an async function.
    fn asynchronous(&self, ty: &Type, block: &TokenStream) -> TokenStream {
        let (private, entry, output, heard) = (self.private, own("entry"), own("output"), own("heard"));
        let known = own("ended");
        let (open, look, ended) = (self.open(&self.passed()), self.look_at_entry(), self.output_of(ty));
        let stop = self.stop(Some(&ty.to_token_stream()));
        let body = self.awaited(ty, block);
        quote! {
            #open
            #look
            #private::Body::new(#entry, #stop, async move {
                let #output = #body;
                let #known = if #heard { ::core::option::Option::Some(#ended) } else { ::core::option::Option::None };
                (#output, #known)
            })
            .await
        }
    }

    /// The body as code of its own that is awaited: `return` and `?` stay inside.
    fn awaited(&self, ty: &Type, block: &TokenStream) -> TokenStream {
        let (rebind, ty, never) = (self.rebind_own(), signature::erased(ty.to_token_stream(), false), own("never"));
        quote! {
            async move {
                // Tells the compiler the type, so that it finds fault with the body and not with this code.
                #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::empty_loop, clippy::let_unit_value)]
                if false {
                    let #never: #ty = loop {};
                    return #never;
                }
                #rebind
                #block
            }
            .await
        }
    }

    fn future(&self, ty: &Type, boxed: bool) -> Result<TokenStream> {
        let Some(block) = signature::async_block(&self.block.stmts) else {
            let message = "a traceable function that returns a future is an `async fn`, or its body is one \
                           `async move { … }` block, in a `Box::pin` or not";
            return Err(Error::new_spanned(self.block, message));
        };
        let body = self.asynchronous(ty, &block.block.to_token_stream());
        Ok(match boxed {
            true => quote!(::std::boxed::Box::pin(async move { #body })),
            false => quote!(async move { #body }),
        })
    }

    fn items(&self) -> TokenStream {
        let private = self.private;
        match &self.options.reduce {
            Some(reduce) => quote! {
                #private::Items::new(::core::option::Option::Some(|items| {
                    #private::processed_record(move || #reduce(items))
                }))
            },
            None => quote!(#private::Items::new(::core::option::Option::None)),
        }
    }

    /// The parent in a form that lives until the first item is asked for.
    fn kept_parent(&self) -> TokenStream {
        let (private, kept, name) = (self.private, own("kept"), &self.parent.name);
        match self.parent.reference {
            Some(_) => quote!(let #kept = #private::detached(&*#name);),
            None => quote!(let #kept = #name;),
        }
    }

    /// The stream that the body gives, held to the items that the signature promises.
    fn checked(&self, stream: &TokenStream, item: Option<&Type>, in_result: bool) -> TokenStream {
        let private = self.private;
        let Some(item) = item.filter(|_| !in_result) else { return quote!(#stream) };
        let item = signature::erased(item.to_token_stream(), true);
        // Where the body is: that is what is wrong if the items are.
        let given = Ident::new("given", Span::mixed_site().located_at(self.block.brace_token.span.join()));
        quote!({ let #given = #stream; #private::stream_of::<#item, _>(#given) })
    }

    fn stream(&self, ty: &ReturnType, item_ty: Option<&Type>, in_result: bool, boxed: bool) -> TokenStream {
        let (private, entry, inner, item, yielder) =
            (self.private, own("entry"), own("inner"), own("item"), own("yielder"));
        let (below, block, kept) = (own("own"), self.block, own("kept"));
        let (kept_parent, open, items) = (self.kept_parent(), self.open(&quote!(&#kept)), self.items());
        let (note, stop) = (self.note(item_ty), self.stop_stream(item_ty, in_result));
        let ReturnType::Type(_, ty) = ty else { return TokenStream::new() };
        let ty = signature::erased(ty.to_token_stream(), true);
        let body = |rebind: TokenStream| quote!(move || -> #ty { #rebind #block });
        let source = match &self.parent.reference {
            // The body owns its run; what it gives is polled as it is.
            None => {
                let body = body(self.rebind_own());
                let body = self.checked(&quote!(#entry.enter(#body)), item_ty, in_result);
                quote! {
                    let #inner = #body;
                    (#entry, #inner)
                }
            }
            // The body borrows its run, which therefore lives in async code around it.
            Some(mutability) => {
                let lent = own("lent");
                let body = body(self.rebind(&lent.to_token_stream()));
                let body = self.checked(&quote!(#private::now(#body)), item_ty, in_result);
                quote! {
                    let #inner = #private::generate(move |#yielder| async move {
                        #[allow(unused_mut)]
                        let mut #below = #below;
                        let #lent = &#mutability #below;
                        let mut #inner = ::core::pin::pin!(#body);
                        while let ::core::option::Option::Some(#item) = #private::next(&mut #inner).await {
                            #yielder.give(#item).await;
                        }
                    });
                    (#entry, #inner)
                }
            }
        };
        let stream = quote! {
            #private::TracedStream::new(#items, #stop, move || {
                #open
                #source
            }, #note)
        };
        let stream = if boxed { quote!(::std::boxed::Box::pin(#stream)) } else { stream };
        quote! {
            #kept_parent
            #stream
        }
    }

    /// An async function that gives a stream: its run stays open until the stream ends.
    fn late_stream(
        &self,
        ty: &ReturnType,
        item_ty: Option<&Type>,
        in_result: bool,
        boxed: bool,
        fallible: bool,
    ) -> TokenStream {
        let (private, entry, output, inner, heard) =
            (self.private, own("entry"), own("output"), own("inner"), own("heard"));
        let ReturnType::Type(_, ty) = ty else { return TokenStream::new() };
        let (open, look, items) = (self.open(&self.passed()), self.look_at_entry(), self.items());
        let (body, stop) = (self.awaited(ty, &self.block.to_token_stream()), self.stop(Some(&ty.to_token_stream())));
        let (note, stop_stream) = (self.note(item_ty), self.stop_stream(item_ty, in_result));
        let checked = self.checked(&inner.to_token_stream(), item_ty, in_result);
        let stream = quote!(#private::TracedStream::opened(#items, #stop_stream, #entry, #checked, #note));
        let stream = if boxed { quote!(::std::boxed::Box::pin(#stream)) } else { stream };
        let given = match fallible {
            false => quote!({ let #inner = #output; #stream }),
            true => {
                let error = own("error");
                let failed = self.failed(&error.to_token_stream());
                quote! {
                    match #output {
                        ::core::result::Result::Ok(#inner) => ::core::result::Result::Ok(#stream),
                        ::core::result::Result::Err(#error) => {
                            if #heard {
                                #entry.end(::core::result::Result::Err({ let #error = &#error; #failed }));
                            }
                            ::core::result::Result::Err(#error)
                        }
                    }
                }
            }
        };
        quote! {
            #open
            #look
            #[allow(unused_mut)]
            let (mut #entry, #output) = #private::Opening::new(#entry, #stop, async move { #body }).await;
            #given
        }
    }

    fn iterator(&self, ty: &ReturnType, item_ty: Option<&Type>, boxed: bool) -> Result<TokenStream> {
        let (private, entry, inner, kept) = (self.private, own("entry"), own("inner"), own("kept"));
        if self.parent.reference.is_some() {
            let message = "a function that returns an iterator takes its parent owned, as in `config: RunnableConfig`: \
                           the iterator outlives the call";
            return Err(Error::new(self.parent.name.span(), message));
        }
        let (kept_parent, open, items) = (self.kept_parent(), self.open(&quote!(&#kept)), self.items());
        let (rebind, block, note) = (self.rebind_own(), self.block, self.note(item_ty));
        let ReturnType::Type(_, ty) = ty else { return Ok(TokenStream::new()) };
        let ty = signature::erased(ty.to_token_stream(), true);
        let iterator = quote! {
            #private::TracedIter::new(#items, move || {
                #open
                let #inner = #entry.enter(move || -> #ty {
                    #rebind
                    #block
                });
                (#entry, #inner)
            }, #note)
        };
        let iterator = if boxed { quote!(::std::boxed::Box::new(#iterator)) } else { iterator };
        Ok(quote! {
            #kept_parent
            #iterator
        })
    }
}
