//! The printed recovery kit: 128 random bits that find an account, prove themselves to it and unwrap its member key.

use super::derive;
use crate::error::coded_error;
use crate::id::{Hash32, KitId};
use crate::text;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

coded_error! {
    /// Why text is not a recovery kit.
    pub enum KitError {
        Malformed = "kit.malformed", "A recovery kit is seven groups of four letters and digits. Check for a missing group.";
        Mistyped = "kit.mistyped", "One of the characters is wrong. Compare the kit with the paper, group by group.";
    }
}

const SALT: &str = "latchkey/v1/kit";
const CHECK_CHARS: usize = 2;

/// The kit's 16 secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Kit([u8; 16]);

impl Kit {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    fn check_chars(&self) -> String {
        let hash = Hash32::of(&self.0);
        text::b32(&hash.0).chars().take(CHECK_CHARS).collect()
    }

    /// As printed: 26 characters and two check characters, upper case, in seven groups of four.
    pub fn to_text(&self) -> Zeroizing<String> {
        let all = (text::b32(&self.0) + &self.check_chars()).to_uppercase();
        let groups: Vec<&str> = (0..all.len() / 4).filter_map(|i| all.get(i * 4..i * 4 + 4)).collect();
        Zeroizing::new(groups.join("-"))
    }

    /// From what a person typed: any case, with or without separators, 0 for O, 1 for L and 8 for B.
    pub fn parse(text: &str) -> Result<Self, KitError> {
        let clean: Zeroizing<String> = Zeroizing::new(
            text.chars()
                .filter(|c| !c.is_whitespace() && *c != '-')
                .map(|c| match c.to_ascii_lowercase() {
                    '0' => 'o',
                    '1' => 'l',
                    '8' => 'b',
                    c => c,
                })
                .collect(),
        );
        if !clean.is_ascii() || clean.len() != 26 + CHECK_CHARS {
            return Err(KitError::Malformed);
        }
        let (body, check) = clean.split_at(26);
        let bytes = Zeroizing::new(text::unb32(body).ok_or(KitError::Mistyped)?);
        let kit = Self(bytes.as_slice().try_into().map_err(|_| KitError::Malformed)?);
        if kit.check_chars() == check { Ok(kit) } else { Err(KitError::Mistyped) }
    }

    /// Finds the account.
    pub fn id(&self) -> KitId {
        KitId(derive(&self.0, SALT, b"id"))
    }

    /// Proves possession to the cloud, which stores only its SHA-256.
    pub fn auth(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(derive(&self.0, SALT, b"auth"))
    }

    /// The secret from which the wrap key is derived; the cloud never sees it.
    pub fn secret(&self) -> &[u8; 16] {
        &self.0
    }
}

impl core::fmt::Debug for Kit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Kit(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_person() {
        let kit = Kit([0x5a; 16]);
        let text = kit.to_text();
        assert_eq!(text.len(), 34);
        let typed =
            text.to_lowercase().replace('-', " ").replace('o', "0").replace('l', "1").replace('b', "8");
        assert_eq!(Kit::parse(&typed).unwrap().0, kit.0);
        let swapped: String = text.chars().rev().collect();
        assert!(Kit::parse(&swapped).is_err());
        assert_eq!(Kit::parse("abc").unwrap_err(), KitError::Malformed);
        assert_eq!(Kit::parse(&"é".repeat(14)).unwrap_err(), KitError::Malformed);
        assert_ne!(kit.auth()[..16], kit.id().0);
    }
}
