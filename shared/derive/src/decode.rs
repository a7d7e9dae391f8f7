//! Reading. What all messages have in common is in `latchkey_shared::wire::strict`, once, so that a message costs
//! little more than a call per field.

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
            quote!(#read Ok(#value))
        }
        Shape::Enum(tagging, variants) => {
            let arms = variants.iter().map(|v| arm(tagging, v));
            let open = match tagging {
                Tagging::IndexOnly => quote!(let n = d.u32()?;),
                Tagging::Flat => quote!(let (len, n) = strict::variant(d)?;),
                Tagging::Nested => quote! {
                    strict::array(d, 2)?;
                    let n = d.u32()?;
                },
            };
            quote! {
                #open
                match n {
                    #(#arms)*
                    _ => Err(strict::refuse()),
                }
            }
        }
    };
    Ok(quote! {
        impl<'b, C> ::minicbor::decode::Decode<'b, C> for #name {
            fn decode(
                d: &mut ::minicbor::decode::Decoder<'b>,
                c: &mut C,
            ) -> ::core::result::Result<Self, ::minicbor::decode::Error> {
                use ::latchkey_shared::wire::strict;
                #body
            }
        }
    })
}

fn arm(tagging: Tagging, variant: &Variant) -> TokenStream {
    let (name, index) = (&variant.name, variant.index);
    let value = variant.group.with_bindings(quote!(Self::#name));
    let read = match tagging {
        Tagging::IndexOnly => quote!(),
        Tagging::Flat => {
            let len = variant.group.fields.len() as u64;
            let items = items(&variant.group);
            quote!(strict::demand(len == #len)?; #items)
        }
        Tagging::Nested => read_group(&variant.group),
    };
    quote!(#index => { #read Ok(#value) })
}

/// The fields one after the other.
fn items(group: &Group) -> TokenStream {
    let lets = group.fields.iter().map(|f| {
        let (binding, ty) = (&f.binding, &f.ty);
        quote!(let #binding = <#ty as ::minicbor::decode::Decode<'b, C>>::decode(d, c)?;)
    });
    quote!(#(#lets)*)
}

fn read_group(group: &Group) -> TokenStream {
    let len = group.fields.len() as u64;
    match group.layout {
        Layout::Transparent => items(group),
        Layout::Array => {
            let items = items(group);
            quote!(strict::array(d, #len)?; #items)
        }
        Layout::Map => {
            let lets = group.fields.iter().map(|f| {
                let (key, binding, ty) = (f.key, &f.binding, &f.ty);
                match f.optional() {
                    Some(inner) => {
                        quote!(let #binding = strict::optional::<#inner, C>(&mut map, d, c, #key)?;)
                    }
                    None => quote!(let #binding = strict::required::<#ty, C>(&mut map, d, c, #key)?;),
                }
            });
            quote! {
                let mut map = strict::Map::open(d)?;
                #(#lets)*
                map.close()?;
            }
        }
    }
}
