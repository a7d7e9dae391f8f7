//! `Encode` and `Decode` for Latchkey's messages, with the attributes of minicbor-derive and the same bytes.
//!
//! A message is read in its one form and in one pass; what is not in that form is refused where it is met.
//!
//! Understood: structs with `#[cbor(map)]` (integer keys, absent where an `Option` is `None`), structs without (an
//! array), `#[cbor(transparent)]`, enums with `#[cbor(index_only)]` (a number), with `#[cbor(flat)]`
//! (`[index, fields…]`), and without (`[index, [fields…]]`, or `[index, {…}]` for variants with `#[cbor(map)]`).

mod decode;
mod encode;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

fn expand(
    input: TokenStream,
    with: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    with(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Implements `wire::cbor::Encode`.
#[proc_macro_derive(Encode, attributes(n, cbor))]
pub fn encode(input: TokenStream) -> TokenStream {
    expand(input, encode::derive)
}

/// Implements `wire::cbor::Decode`, strictly.
#[proc_macro_derive(Decode, attributes(n, cbor))]
pub fn decode(input: TokenStream) -> TokenStream {
    expand(input, decode::derive)
}
