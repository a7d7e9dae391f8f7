//! Writing.

use crate::shape::{Group, Layout, Shape, Tagging, Variant, read};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (impl_generics, generics, bounds) = input.generics.split_for_impl();
    let body = match read(input)? {
        Shape::Struct(group) => {
            let pattern = group.with_bindings(quote!(Self));
            let write = write(&group);
            quote!(let #pattern = self; #write)
        }
        Shape::Enum(tagging, variants) => {
            let arms = variants.iter().map(|v| arm(tagging, v));
            quote!(match self { #(#arms)* })
        }
    };
    Ok(quote! {
        impl #impl_generics ::latchkey_shared::wire::cbor::Encode for #name #generics #bounds {
            fn encode(&self, w: &mut ::latchkey_shared::wire::cbor::Writer) {
                #body
            }
        }
    })
}

fn arm(tagging: Tagging, variant: &Variant) -> TokenStream {
    let (name, index) = (&variant.name, u64::from(variant.index));
    let pattern = variant.group.with_bindings(quote!(Self::#name));
    let body = match tagging {
        Tagging::IndexOnly => quote!(w.uint(#index);),
        Tagging::Flat => {
            let len = variant.group.fields.len() + 1;
            let fields = items(&variant.group);
            quote!(w.array(#len); w.uint(#index); #fields)
        }
        Tagging::Nested => {
            let write = write(&variant.group);
            quote!(w.array(2); w.uint(#index); #write)
        }
    };
    quote!(#pattern => { #body })
}

fn value(of: TokenStream) -> TokenStream {
    quote!(::latchkey_shared::wire::cbor::Encode::encode(#of, w);)
}

/// The fields one after the other.
fn items(group: &Group) -> TokenStream {
    let values = group.fields.iter().map(|f| &f.binding).map(|binding| value(quote!(#binding)));
    quote!(#(#values)*)
}

fn write(group: &Group) -> TokenStream {
    let len = group.fields.len();
    match group.layout {
        Layout::Transparent => items(group),
        Layout::Array => {
            let items = items(group);
            quote!(w.array(#len); #items)
        }
        Layout::Map => {
            let absent = group.fields.iter().filter(|f| f.optional().is_some()).map(|f| &f.binding);
            let entries = group.fields.iter().map(|f| {
                let (key, binding) = (u64::from(f.key), &f.binding);
                let entry = |of| {
                    let value = value(of);
                    quote!(w.uint(#key); #value)
                };
                match f.optional() {
                    Some(_) => {
                        let entry = entry(quote!(v));
                        quote!(if let Some(v) = #binding { #entry })
                    }
                    None => entry(quote!(#binding)),
                }
            });
            quote!(w.map(#len #(- usize::from(#absent.is_none()))*); #(#entries)*)
        }
    }
}
