//! Errors: a stable code for programs and a sentence that a person can act on; never a secret.

/// An error with a stable code.
pub trait Coded {
    /// Stable, in the form `area.reason`.
    fn code(&self) -> &'static str;
    /// What went wrong and what to do, for a person.
    fn hint(&self) -> &'static str;
}

/// Declares an error of unit variants, each with its code and its sentence. `Display` is the code.
macro_rules! coded_error {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident = $code:literal, $hint:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        $vis enum $name {
            $(#[doc = $hint] $variant,)+
        }
        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Stable code, in the form `area.reason`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
            /// What went wrong and what to do, for a person.
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
        impl $crate::error::Coded for $name {
            fn code(&self) -> &'static str { Self::code(*self) }
            fn hint(&self) -> &'static str { Self::hint(*self) }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.write_str(Self::code(*self)) }
        }
        impl core::error::Error for $name {}
    };
}
pub(crate) use coded_error;
