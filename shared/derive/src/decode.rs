//! Reading. What messages have in common is in `latchkey_shared::wire::cbor`, once, so that a message costs little more
//! than a call per field.

use crate::shape::{Group, Layout, Shape, Tagging, Variant, read};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let body = match read(input)? {
        Shape::Struct(group) => {
            let value = group.with_bindings(quote!(Self));
            let read = read_group(&group);
            quote!(#read Some(#value))
        }
        Shape::Enum(tagging, variants) => {
            let arms = variants.iter().map(|v| arm(tagging, v));
            let open = match tagging {
                Tagging::IndexOnly => quote!(),
                Tagging::Flat => quote!(let len = r.array()?;),
                Tagging::Nested => quote!(r.array_of(2)?;),
            };
            quote! {
                #open
                match r.number::<u32>()? {
                    #(#arms)*
                    _ => None,
                }
            }
        }
    };
    Ok(quote! {
        impl ::latchkey_shared::wire::cbor::Decode for #name {
            fn decode(r: &mut ::latchkey_shared::wire::cbor::Reader<'_>) -> ::core::option::Option<Self> {
                #body
            }
        }
    })
}

fn arm(tagging: Tagging, variant: &Variant) -> TokenStream {
    let (name, index) = (&variant.name, variant.index);
    let value = variant.group.with_bindings(quote!(Self::#name));
    match tagging {
        Tagging::IndexOnly => quote!(#index => Some(#value),),
        Tagging::Flat => {
            let len = variant.group.fields.len() + 1;
            let items = items(&variant.group);
            quote!(#index if len == #len => { #items Some(#value) })
        }
        Tagging::Nested => {
            let read = read_group(&variant.group);
            quote!(#index => { #read Some(#value) })
        }
    }
}

/// The fields one after the other.
fn items(group: &Group) -> TokenStream {
    let lets = group.fields.iter().map(|f| {
        let (binding, value) = (&f.binding, value(&f.ty));
        quote!(let #binding = #value;)
    });
    quote!(#(#lets)*)
}

fn value(ty: &syn::Type) -> TokenStream {
    quote!(<#ty as ::latchkey_shared::wire::cbor::Decode>::decode(r)?)
}

fn read_group(group: &Group) -> TokenStream {
    let len = group.fields.len();
    match group.layout {
        Layout::Transparent => items(group),
        Layout::Array => {
            let items = items(group);
            quote!(r.array_of(#len)?; #items)
        }
        Layout::Map => {
            let lets = group.fields.iter().map(|f| {
                let (key, binding) = (f.key, &f.binding);
                match f.optional() {
                    Some(inner) => {
                        let value = value(inner);
                        quote!(let #binding = if r.at(&mut left, #key) { Some(#value) } else { None };)
                    }
                    None => {
                        let value = value(&f.ty);
                        quote!(r.key(&mut left, #key)?; let #binding = #value;)
                    }
                }
            });
            quote! {
                let mut left = r.map()?;
                #(#lets)*
                if left > 0 {
                    return None;
                }
            }
        }
    }
}
