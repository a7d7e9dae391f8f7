//! Bytes in JSON: base64url without padding, in its one form.

use latchkey_shared::text;

/// Encodes.
pub fn b64(bytes: &[u8]) -> String {
    text::b64url(bytes)
}

/// Decodes; `None` if it is not the one form.
pub fn unb64(text: &str) -> Option<Vec<u8>> {
    text::unb64url(text)
}

/// Decodes exactly `N` bytes.
pub fn unb64_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    unb64(text)?.try_into().ok()
}
