//! Bytes as text (RFC 4648), each alphabet in its one canonical form: what is decoded is encoded again and must be
//! the same text.

use base32ct::Encoding as _;
use base64ct::Encoding as _;

/// Base64url without padding.
pub fn b64url(bytes: &[u8]) -> String {
    base64ct::Base64UrlUnpadded::encode_string(bytes)
}

/// Bytes from base64url without padding; `None` if it is not the one form.
pub fn unb64url(text: &str) -> Option<Vec<u8>> {
    base64ct::Base64UrlUnpadded::decode_vec(text).ok().filter(|bytes| b64url(bytes) == text)
}

/// Base64 with padding.
pub fn b64(bytes: &[u8]) -> String {
    base64ct::Base64::encode_string(bytes)
}

/// Bytes from base64 with padding; `None` if it is not the one form.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    base64ct::Base64::decode_vec(text).ok().filter(|bytes| b64(bytes) == text)
}

/// Lower-case base32 without padding.
pub fn b32(bytes: &[u8]) -> String {
    base32ct::Base32Unpadded::encode_string(bytes)
}

/// Bytes from lower-case base32 without padding; `None` if it is not the one form.
pub fn unb32(text: &str) -> Option<Vec<u8>> {
    base32ct::Base32Unpadded::decode_vec(text).ok().filter(|bytes| b32(bytes) == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD};

    /// Against another implementation.
    #[test]
    fn agrees_with_data_encoding_in_every_length() {
        let bytes: Vec<u8> = (0..=255).chain(0..77).map(|i: u16| (i * 37) as u8).collect();
        for n in 0..bytes.len() {
            let part = &bytes[..n];
            assert_eq!(b64url(part), BASE64URL_NOPAD.encode(part));
            assert_eq!(b64(part), BASE64.encode(part));
            assert_eq!(b32(part), BASE32_NOPAD.encode(part).to_lowercase());
            assert_eq!(unb64url(&b64url(part)).as_deref(), Some(part));
            assert_eq!(unb64(&b64(part)).as_deref(), Some(part));
            assert_eq!(unb32(&b32(part)).as_deref(), Some(part));
        }
    }

    #[test]
    fn one_text_for_one_value() {
        for bad in ["A", "AB", "AA=", "AA==", "AA\n", " AA", "A+", "A/", "é"] {
            assert_eq!(unb64url(bad), None, "{bad:?}");
        }
        for bad in ["AA", "AB==", "AA=", "A_==", "AA==\n"] {
            assert_eq!(unb64(bad), None, "{bad:?}");
        }
        for bad in ["a", "ab", "AA", "a1", "aa======", "aa\n", "é"] {
            assert_eq!(unb32(bad), None, "{bad:?}");
        }
    }
}
