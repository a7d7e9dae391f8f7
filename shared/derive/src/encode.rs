//! Writing.

use crate::shape::{Group, Layout, Shape, Tagging, Variant, read};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (_, generics, bounds) = input.generics.split_for_impl();
    let lifetimes = input.generics.lifetimes();
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
        impl<#(#lifetimes,)* C> ::minicbor::encode::Encode<C> for #name #generics #bounds {
            fn encode<W: ::minicbor::encode::Write>(
                &self,
                e: &mut ::minicbor::encode::Encoder<W>,
                c: &mut C,
            ) -> ::core::result::Result<(), ::minicbor::encode::Error<W::Error>> {
                #body
                Ok(())
            }
        }
    })
}

fn arm(tagging: Tagging, variant: &Variant) -> TokenStream {
    let (name, index) = (&variant.name, variant.index);
    let pattern = variant.group.with_bindings(quote!(Self::#name));
    let body = match tagging {
        Tagging::IndexOnly => quote!(e.u32(#index)?;),
        Tagging::Flat => {
            let len = variant.group.fields.len() as u64 + 1;
            let fields = items(&variant.group);
            quote!(e.array(#len)?.u32(#index)?; #fields)
        }
        Tagging::Nested => {
            let write = write(&variant.group);
            quote!(e.array(2)?.u32(#index)?; #write)
        }
    };
    quote!(#pattern => { #body })
}

/// The fields one after the other.
fn items(group: &Group) -> TokenStream {
    let bindings = group.fields.iter().map(|f| &f.binding);
    quote!(#(::minicbor::encode::Encode::<C>::encode(#bindings, e, c)?;)*)
}

fn write(group: &Group) -> TokenStream {
    let len = group.fields.len() as u64;
    match group.layout {
        Layout::Transparent => items(group),
        Layout::Array => {
            let items = items(group);
            quote!(e.array(#len)?; #items)
        }
        Layout::Map => {
            let absent = group.fields.iter().filter(|f| f.optional().is_some()).map(|f| &f.binding);
            let entries = group.fields.iter().map(|f| {
                let (key, binding) = (f.key, &f.binding);
                let entry = |value: TokenStream| {
                    quote!(e.u32(#key)?; ::minicbor::encode::Encode::<C>::encode(#value, e, c)?;)
                };
                match f.optional() {
                    Some(_) => {
                        let entry = entry(quote!(v));
                        quote!(if let Some(v) = #binding { #entry })
                    }
                    None => entry(quote!(#binding)),
                }
            });
            quote!(e.map(#len #(- u64::from(#absent.is_none()))*)?; #(#entries)*)
        }
    }
}
