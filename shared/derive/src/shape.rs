//! What the attributes say.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, GenericArgument, Ident, LitInt, PathArguments, Result, Type,
};

/// How a struct or the fields of a variant stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Map,
    Array,
    Transparent,
}

/// How a variant is told from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tagging {
    IndexOnly,
    Flat,
    Nested,
}

pub(crate) struct Field {
    pub(crate) key: u32,
    /// How it is reached in a struct: a name or a position.
    pub(crate) member: TokenStream,
    /// What it is bound to in patterns.
    pub(crate) binding: Ident,
    pub(crate) ty: Type,
}

pub(crate) struct Group {
    pub(crate) layout: Layout,
    /// In ascending order of keys.
    pub(crate) fields: Vec<Field>,
    named: bool,
}

pub(crate) struct Variant {
    pub(crate) index: u32,
    pub(crate) name: Ident,
    pub(crate) group: Group,
}

pub(crate) enum Shape {
    Struct(Group),
    Enum(Tagging, Vec<Variant>),
}

impl Group {
    /// `Name { a, b }` or `Name(f0, f1)` with the bindings, as pattern and as constructor.
    pub(crate) fn with_bindings(&self, path: TokenStream) -> TokenStream {
        if self.fields.is_empty() && !self.named {
            return path;
        }
        let pairs = self.fields.iter().map(|f| {
            let (member, binding) = (&f.member, &f.binding);
            quote!(#member: #binding)
        });
        quote!(#path { #(#pairs),* })
    }
}

impl Field {
    /// The `T` of an `Option<T>`.
    pub(crate) fn optional(&self) -> Option<&Type> {
        let Type::Path(path) = &self.ty else { return None };
        let last = path.path.segments.last().filter(|s| s.ident == "Option")?;
        let PathArguments::AngleBracketed(args) = &last.arguments else { return None };
        match args.args.first()? {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        }
    }
}

fn number(attrs: &[Attribute], on: &impl quote::ToTokens) -> Result<u32> {
    let n = attrs.iter().find(|a| a.path().is_ident("n"));
    let n = n.ok_or_else(|| Error::new_spanned(on, "needs #[n(…)]"))?;
    n.parse_args::<LitInt>()?.base10_parse()
}

fn words(attrs: &[Attribute]) -> Result<Vec<Ident>> {
    let mut words = vec![];
    for attr in attrs.iter().filter(|a| a.path().is_ident("cbor")) {
        attr.parse_nested_meta(|meta| match meta.path.get_ident() {
            Some(word) => {
                words.push(word.clone());
                Ok(())
            }
            None => Err(meta.error("not understood")),
        })?;
    }
    Ok(words)
}

fn layout(words: &[Ident]) -> Result<Layout> {
    match words {
        [] => Ok(Layout::Array),
        [word] if word == "map" => Ok(Layout::Map),
        [word] if word == "transparent" => Ok(Layout::Transparent),
        [word, ..] => Err(Error::new_spanned(word, "not understood here")),
    }
}

fn group(fields: &Fields, layout: Layout) -> Result<Group> {
    let mut out = vec![];
    for (i, field) in fields.iter().enumerate() {
        let index = syn::Index::from(i);
        let member = field.ident.as_ref().map_or_else(|| quote!(#index), |name| quote!(#name));
        let key = number(&field.attrs, field)?;
        out.push(Field { key, member, binding: format_ident!("f{i}"), ty: field.ty.clone() });
    }
    out.sort_by_key(|f| f.key);
    let twice = out.iter().zip(out.iter().skip(1)).any(|(a, b)| a.key == b.key);
    let gap = layout == Layout::Array && out.iter().zip(0..).any(|(f, n)| f.key != n);
    if twice || gap {
        return Err(Error::new_spanned(fields, "keys come once, and in an array without a gap"));
    }
    if layout == Layout::Array && out.iter().any(|f| f.optional().is_some()) {
        return Err(Error::new_spanned(fields, "an Option has one spelling only in a map"));
    }
    if layout == Layout::Transparent && out.len() != 1 {
        return Err(Error::new_spanned(fields, "transparent wants one field"));
    }
    Ok(Group { layout, fields: out, named: matches!(fields, Fields::Named(_)) })
}

pub(crate) fn read(input: &DeriveInput) -> Result<Shape> {
    let of_type = words(&input.attrs)?;
    match &input.data {
        Data::Struct(data) => Ok(Shape::Struct(group(&data.fields, layout(&of_type)?)?)),
        Data::Enum(data) => {
            let tagging = match of_type.as_slice() {
                [] => Tagging::Nested,
                [word] if word == "index_only" => Tagging::IndexOnly,
                [word] if word == "flat" => Tagging::Flat,
                [word, ..] => return Err(Error::new_spanned(word, "not understood here")),
            };
            let mut variants = vec![];
            for variant in &data.variants {
                let group = group(&variant.fields, layout(&words(&variant.attrs)?)?)?;
                if group.layout == Layout::Transparent
                    || (tagging != Tagging::Nested && group.layout == Layout::Map)
                    || (tagging == Tagging::IndexOnly && !group.fields.is_empty())
                {
                    return Err(Error::new_spanned(variant, "not possible in this enum"));
                }
                variants.push(Variant {
                    index: number(&variant.attrs, variant)?,
                    name: variant.ident.clone(),
                    group,
                });
            }
            Ok(Shape::Enum(tagging, variants))
        }
        Data::Union(_) => Err(Error::new_spanned(input, "unions have no form on the wire")),
    }
}
