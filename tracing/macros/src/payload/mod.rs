//! `#[derive(Payload)]`: how a type is recorded, how its chunks merge, its schema.

mod options;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Generics, Index, Member, Path, Result, Type, parse_quote, parse_str};

use options::{FieldOptions, Mode, TypeOptions};

pub(crate) fn derive(item: TokenStream, usual_root: &str) -> TokenStream {
    syn::parse2(item).and_then(|item| expand(&item, usual_root)).unwrap_or_else(Error::into_compile_error)
}

/// A field of the struct.
struct Field {
    member: Member,
    key: String,
    ty: Type,
    options: FieldOptions,
}

/// The form of the type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Named,
    /// A tuple of one: its field in all but name.
    Newtype,
    Tuple,
    Unit,
    Enum,
}

struct Derive<'d> {
    item: &'d DeriveInput,
    root: Path,
    options: TypeOptions,
    form: Form,
    fields: Vec<Field>,
}

fn expand(item: &DeriveInput, usual_root: &str) -> Result<TokenStream> {
    let mut options = TypeOptions::read(&item.attrs)?;
    let root = match options.root.take() {
        Some(root) => root,
        None => parse_str(usual_root)?,
    };
    if let Some(lifetime) = item.generics.lifetimes().next() {
        return Err(Error::new_spanned(lifetime, "a payload owns its data: it outlives the call that made it"));
    }
    let (form, fields) = match &item.data {
        Data::Struct(data) => fields(&data.fields)?,
        Data::Enum(_) => {
            if let Some(merge) = &options.merge {
                return Err(Error::new(merge.span(), "variants of an enum do not merge; the newest chunk wins"));
            }
            if options.mode == Mode::Payload {
                options.mode = Mode::Serde;
            }
            (Form::Enum, Vec::new())
        }
        Data::Union(data) => return Err(Error::new_spanned(data.union_token, "a union cannot be a payload")),
    };
    let derive = Derive { item, root, options, form, fields };
    let (payload, fields) = (derive.payload(), derive.conversion());
    Ok(quote!(#payload #fields))
}

fn fields(fields: &Fields) -> Result<(Form, Vec<Field>)> {
    let form = match fields {
        Fields::Named(_) => Form::Named,
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Form::Newtype,
        Fields::Unnamed(_) => Form::Tuple,
        Fields::Unit => Form::Unit,
    };
    let read = |(index, field): (usize, &syn::Field)| {
        let options = FieldOptions::read(&field.attrs)?;
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::Unnamed(Index::from(index)),
        };
        let own = field.ident.as_ref().map(|ident| ident.unraw().to_string()).unwrap_or_default();
        let key = options.rename.clone().unwrap_or(own);
        Ok(Field { member, key, ty: field.ty.clone(), options })
    };
    Ok((form, fields.iter().enumerate().map(read).collect::<Result<_>>()?))
}

impl Derive<'_> {
    fn payload(&self) -> TokenStream {
        let Self { root, item: DeriveInput { ident, .. }, .. } = self;
        let generics = self.bounded();
        let (parameters, arguments, bounds) = generics.split_for_impl();
        let (keyed, record, schema) = (self.keyed(), self.record(), self.schema());
        let merge = self.merge();
        let is_null = (self.form == Form::Newtype && self.is_transparent()).then(|| {
            let Field { member, ty, .. } = &self.fields[0];
            quote! {
                fn is_null(&self) -> bool {
                    <#ty as #root::Payload>::is_null(&self.#member)
                }
            }
        });
        quote! {
            #[automatically_derived]
            impl #parameters #root::Payload for #ident #arguments #bounds {
                const KEYED: bool = #keyed;
                fn record(&self) -> #root::__private::serde_json::Value {
                    #record
                }
                #merge
                #is_null
                fn json_schema() -> #root::__private::serde_json::Value {
                    #schema
                }
            }
        }
    }

    /// The generics, with what the record needs of them.
    fn bounded(&self) -> Generics {
        let (mut generics, root) = (self.item.generics.clone(), &self.root);
        if generics.type_params().next().is_none() {
            return generics;
        }
        let own: TokenStream = match self.options.mode {
            Mode::Payload => {
                for parameter in generics.type_params_mut() {
                    parameter.bounds.push(parse_quote!(#root::Payload));
                }
                return generics;
            }
            Mode::Serde => quote!(#root::__private::serde::Serialize),
            Mode::Debug => quote!(::core::fmt::Debug),
            Mode::Opaque => quote!(Sized),
        };
        let own: syn::WherePredicate = parse_quote! {
            Self: #own + ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static
        };
        generics.make_where_clause().predicates.push(own);
        generics
    }

    /// Whether the one field stands for the whole.
    fn is_transparent(&self) -> bool {
        self.options.mode == Mode::Payload && self.fields.first().is_some_and(|field| field.options.is_payload())
    }

    fn keyed(&self) -> TokenStream {
        let root = &self.root;
        match (self.options.mode, self.form) {
            (Mode::Serde, _) | (Mode::Payload, Form::Named) => quote!(true),
            (Mode::Payload, Form::Newtype) if self.is_transparent() => {
                let ty = &self.fields[0].ty;
                quote!(<#ty as #root::Payload>::KEYED)
            }
            _ => quote!(false),
        }
    }

    fn record(&self) -> TokenStream {
        let json = self.json();
        if self.options.mode != Mode::Payload {
            return self.recorded(&quote!(self), &quote!(Self), self.options.mode);
        }
        let parts = self.fields.iter().filter(|field| !field.options.skip).map(|field| {
            let (member, ty) = (&field.member, &field.ty);
            (
                &field.key,
                self.recorded(&quote_spanned!(ty.span()=> &self.#member), &ty.to_token_stream(), field.options.mode),
            )
        });
        let (keys, parts): (Vec<_>, Vec<_>) = parts.unzip();
        match self.form {
            Form::Unit | Form::Enum => quote!(#json::Value::Null),
            Form::Newtype if !parts.is_empty() => quote!(#(#parts)*),
            Form::Newtype | Form::Tuple => quote!(#json::Value::Array(::std::vec![#(#parts),*])),
            Form::Named => quote! {
                let mut record = #json::Map::new();
                #(record.insert(::std::string::String::from(#keys), #parts);)*
                #json::Value::Object(record)
            },
        }
    }

    fn recorded(&self, value: &TokenStream, ty: &TokenStream, mode: Mode) -> TokenStream {
        let (root, json) = (&self.root, self.json());
        match mode {
            Mode::Payload => quote_spanned!(ty.span()=> #root::Payload::record(#value)),
            Mode::Serde => quote! {
                #json::to_value(#value)
                    .unwrap_or_else(|error| #json::Value::String(::std::format!("not recordable: {error}")))
            },
            Mode::Debug => quote!(#json::Value::String(::std::format!("{:?}", #value))),
            Mode::Opaque => quote! {
                #json::Value::String(::std::string::String::from(::core::any::type_name::<#ty>()))
            },
        }
    }

    fn merge(&self) -> Option<TokenStream> {
        self.options.merge.as_ref()?;
        let root = &self.root;
        let parts = self.fields.iter().map(|field| {
            let (member, ty) = (&field.member, &field.ty);
            match field.options.is_payload() {
                true => quote_spanned!(ty.span()=> #root::Payload::merge(&mut self.#member, next.#member)),
                false => quote!(self.#member = next.#member),
            }
        });
        let parts = match (self.form, self.is_transparent()) {
            (Form::Newtype, true) => quote!(#(#parts)*),
            _ => quote!(#(#parts;)* #root::Merge::Joined),
        };
        Some(quote! {
            fn merge(&mut self, next: Self) -> #root::Merge {
                #parts
            }
        })
    }

    fn schema(&self) -> TokenStream {
        let (root, json, title) = (&self.root, self.json(), self.item.ident.unraw().to_string());
        if self.options.schemars {
            return quote!(#json::to_value(::schemars::schema_for!(Self)).unwrap_or_default());
        }
        let parts = self.fields.iter().filter(|field| !field.options.skip).map(|field| {
            let ty = &field.ty;
            let schema = match field.options.mode {
                // A type inside of itself has no end when written out.
                Mode::Payload if mentions(ty.to_token_stream(), &self.item.ident) => quote!(#json::json!({})),
                Mode::Payload => quote_spanned!(ty.span()=> <#ty as #root::Payload>::json_schema()),
                Mode::Serde => quote!(#json::json!({})),
                Mode::Debug | Mode::Opaque => quote!(#json::json!({"type": "string"})),
            };
            self.described(&schema, &field.options.about)
        });
        let schema = match (self.options.mode, self.form) {
            (Mode::Debug | Mode::Opaque, _) => quote!(#json::json!({"title": #title, "type": "string"})),
            (Mode::Serde, _) | (_, Form::Enum) => quote!(#json::json!({"title": #title})),
            (_, Form::Unit) => quote!(#json::json!({"title": #title, "type": "null"})),
            (_, Form::Newtype) if !self.fields[0].options.skip => quote!(#(#parts)*),
            (_, Form::Newtype | Form::Tuple) => {
                quote!(#json::json!({"title": #title, "type": "array", "prefixItems": [#(#parts),*]}))
            }
            (_, Form::Named) => {
                let keys = self.fields.iter().filter(|field| !field.options.skip).map(|field| &field.key);
                let needed: Vec<_> = self
                    .fields
                    .iter()
                    .filter(|field| !field.options.skip && !is_option(&field.ty))
                    .map(|field| &field.key)
                    .collect();
                let needed = (!needed.is_empty()).then(
                    || quote!(schema.insert(::std::string::String::from("required"), #json::json!([#(#needed),*]));),
                );
                quote! {{
                    let mut properties = #json::Map::new();
                    #(properties.insert(::std::string::String::from(#keys), #parts);)*
                    let mut schema = #json::Map::new();
                    schema.insert(::std::string::String::from("title"), #json::Value::from(#title));
                    schema.insert(::std::string::String::from("type"), #json::Value::from("object"));
                    schema.insert(::std::string::String::from("properties"), #json::Value::Object(properties));
                    #needed
                    #json::Value::Object(schema)
                }}
            }
        };
        self.described(&schema, &self.options.about)
    }

    fn described(&self, schema: &TokenStream, about: &str) -> TokenStream {
        if about.is_empty() {
            return quote!(#schema);
        }
        let json = self.json();
        quote! {{
            let mut schema: #json::Value = #schema;
            if let ::core::option::Option::Some(schema) = schema.as_object_mut() {
                schema.insert(::std::string::String::from("description"), #json::Value::from(#about));
            }
            schema
        }}
    }

    /// A struct of nothing but payloads is fields under its names.
    fn conversion(&self) -> Option<TokenStream> {
        let plain = self.options.mode == Mode::Payload && self.form == Form::Named;
        if !plain || !self.fields.iter().all(|field| field.options.is_payload()) {
            return None;
        }
        let Self { root, item: DeriveInput { ident, .. }, .. } = self;
        let generics = self.bounded();
        let (parameters, arguments, bounds) = generics.split_for_impl();
        let (fields, value) = (format_ident!("fields"), format_ident!("value"));
        let inserts = self
            .fields
            .iter()
            .map(|Field { key, member, ty, .. }| quote_spanned!(ty.span()=> #fields.insert(#key, #value.#member);));
        Some(quote! {
            #[automatically_derived]
            impl #parameters ::core::convert::From<#ident #arguments> for #root::Fields #bounds {
                fn from(#value: #ident #arguments) -> Self {
                    let mut #fields = Self::new();
                    #(#inserts)*
                    #fields
                }
            }
        })
    }

    fn json(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private::serde_json)
    }
}

fn mentions(ty: TokenStream, name: &Ident) -> bool {
    ty.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name || ident == "Self",
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Option"),
        _ => false,
    }
}
