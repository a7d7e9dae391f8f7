//! Requests of a hub, signed with its Ed25519 key: one narrow profile of RFC 9421.
//!
//! Always the label `sig1`, always the components `"@method" "@authority" "@path" "@query"` and, exactly when the
//! request has a body, `"content-digest"` (RFC 9530, sha-256). Always the parameters `created`, `keyid`, `alg` and
//! `nonce`, in this order. One spelling per meaning: what is parsed is written again and must be equal, so there is
//! no second reading of a header for an attacker to choose from.
//!
//! The nonce makes each request single-use; remembering nonces for [`MAX_SKEW_SECS`] is the caller's part.

use crate::error::coded_error;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::text;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How far `created` may lie from the verifier's clock, either way.
pub const MAX_SKEW_SECS: u64 = 300;
/// Longest `keyid` taken, in bytes.
pub const MAX_KEY_ID: usize = 128;
/// Bytes of the nonce.
pub const NONCE_LEN: usize = 16;
/// Longest `Signature-Input` looked at, in bytes.
const MAX_INPUT: usize = 512;

const WITHOUT_BODY: &str = "(\"@method\" \"@authority\" \"@path\" \"@query\")";
const WITH_BODY: &str = "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\")";

coded_error! {
    /// Why a signed request is refused.
    pub enum HttpSigError {
        Missing = "request.signature_missing", "A signature header is absent. Sign the request.";
        Malformed = "request.signature_malformed", "A signature header is not in the one form that counts. Update and try again.";
        Stale = "request.signature_stale", "The request was signed too long ago, or in the future. Set the clock.";
        Digest = "request.digest_mismatch", "The body is not the one that was signed. Send it unchanged.";
        Signature = "request.signature_invalid", "The signature does not verify. Sign with the hub's own key.";
    }
}

/// The parts of a request that the signature covers.
#[derive(Clone, Copy, Debug)]
pub struct SignedParts<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Host and, unless it is the scheme's own, port; in lower case.
    pub authority: &'a str,
    /// Absolute path as sent, still percent-encoded.
    pub path: &'a str,
    /// Query without its `?`; empty when there is none.
    pub query: &'a str,
    /// The body; empty means no body.
    pub body: &'a [u8],
}

/// Headers that the signer adds to its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// Value of `Signature-Input`.
    pub signature_input: String,
    /// Value of `Signature`.
    pub signature: String,
    /// Value of `Content-Digest`, when there is a body.
    pub content_digest: Option<String>,
}

/// Joins covered components and the signature parameters to the signature base of RFC 9421, section 2.5.
fn signature_base(components: &[(&str, &str)], params: &str) -> String {
    let mut base = String::new();
    for (name, value) in components {
        base.push_str(&alloc::format!("\"{name}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    base
}

fn request_base(parts: &SignedParts<'_>, digest: Option<&str>, params: &str) -> String {
    let query = alloc::format!("?{}", parts.query);
    let mut components: Vec<(&str, &str)> = alloc::vec![
        ("@method", parts.method),
        ("@authority", parts.authority),
        ("@path", parts.path),
        ("@query", &query),
    ];
    if let Some(digest) = digest {
        components.push(("content-digest", digest));
    }
    signature_base(&components, params)
}

fn params(key_id: &str, created: u64, nonce: &[u8; NONCE_LEN], with_body: bool) -> String {
    let covered = if with_body { WITH_BODY } else { WITHOUT_BODY };
    let nonce = text::b64url(nonce);
    alloc::format!("{covered};created={created};keyid=\"{key_id}\";alg=\"ed25519\";nonce=\"{nonce}\"")
}

/// `Content-Digest` of a body: `sha-256=:…:`.
pub fn content_digest(body: &[u8]) -> String {
    alloc::format!("sha-256=:{}:", text::b64(&Sha256::digest(body)))
}

/// Only characters that stand for themselves in a structured-field string and in every log.
fn key_id_ok(key_id: &str) -> bool {
    !key_id.is_empty()
        && key_id.len() <= MAX_KEY_ID
        && key_id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/'))
}

/// Signs a request. `nonce` comes from the caller's CSPRNG and is used once.
///
/// Fails with [`HttpSigError::Malformed`] when the key id has characters outside `[A-Za-z0-9_.:/-]`.
pub fn sign(
    key: &SigningKey,
    key_id: &str,
    parts: &SignedParts<'_>,
    created: u64,
    nonce: &[u8; NONCE_LEN],
) -> Result<SignatureHeaders, HttpSigError> {
    if !key_id_ok(key_id) {
        return Err(HttpSigError::Malformed);
    }
    let digest = (!parts.body.is_empty()).then(|| content_digest(parts.body));
    let params = params(key_id, created, nonce, digest.is_some());
    let signature = key.sign(request_base(parts, digest.as_deref(), &params).as_bytes());
    Ok(SignatureHeaders {
        signature_input: alloc::format!("sig1={params}"),
        signature: alloc::format!("sig1=:{}:", text::b64(&signature.to_bytes())),
        content_digest: digest,
    })
}

/// Signature headers that are well formed and not yet verified: what is needed to find the key.
#[derive(Clone, Debug)]
pub struct ParsedSignature {
    key_id: String,
    created: u64,
    nonce: [u8; NONCE_LEN],
    params: String,
    digest: Option<String>,
    signature: [u8; 64],
}

/// Reads the headers strictly. Nothing in the result is trusted before [`ParsedSignature::verify`].
pub fn parse(
    signature_input: Option<&str>,
    signature: Option<&str>,
    content_digest: Option<&str>,
) -> Result<ParsedSignature, HttpSigError> {
    let input = signature_input.ok_or(HttpSigError::Missing)?;
    let signature = signature.ok_or(HttpSigError::Missing)?;
    if input.len() > MAX_INPUT {
        return Err(HttpSigError::Malformed);
    }
    parse_input(input, signature, content_digest).ok_or(HttpSigError::Malformed)
}

fn parse_input(input: &str, signature: &str, digest: Option<&str>) -> Option<ParsedSignature> {
    let given = input.strip_prefix("sig1=")?;
    let (with_body, rest) = match given.strip_prefix(WITH_BODY) {
        Some(rest) => (true, rest),
        None => (false, given.strip_prefix(WITHOUT_BODY)?),
    };
    let (created, rest) = rest.strip_prefix(";created=")?.split_once(';')?;
    let created: u64 = created.parse().ok()?;
    let (key_id, rest) = rest.strip_prefix("keyid=\"")?.split_once('"')?;
    let nonce_text = rest.strip_prefix(";alg=\"ed25519\";nonce=\"")?.strip_suffix('"')?;
    let nonce: [u8; NONCE_LEN] = text::unb64url(nonce_text)?.try_into().ok()?;
    // Written again and compared: leading zeros, signs and trailing bits have no second spelling.
    if !key_id_ok(key_id) || params(key_id, created, &nonce, with_body) != given {
        return None;
    }
    let digest = match (with_body, digest) {
        (true, Some(digest)) => Some(byte_sequence::<32>(digest, "sha-256=:").map(|_| digest.to_string())?),
        (false, None) => None,
        _ => return None,
    };
    let signature = byte_sequence::<64>(signature, "sig1=:")?;
    Some(ParsedSignature {
        key_id: key_id.to_string(),
        created,
        nonce,
        params: given.to_string(),
        digest,
        signature,
    })
}

/// A dictionary of exactly one member that is a byte sequence of `N` bytes.
fn byte_sequence<const N: usize>(value: &str, prefix: &str) -> Option<[u8; N]> {
    let text = value.strip_prefix(prefix)?.strip_suffix(':')?;
    if text.len() > 4 * N.div_ceil(3) {
        return None;
    }
    text::unb64(text)?.try_into().ok()
}

impl ParsedSignature {
    /// Names the key that is said to have signed.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Single-use value, to be remembered after verification.
    pub fn nonce(&self) -> &[u8; NONCE_LEN] {
        &self.nonce
    }

    /// When the request was signed, in Unix seconds.
    pub fn created(&self) -> u64 {
        self.created
    }

    /// Verifies time, body and signature. Replay is for the caller to refuse, by the nonce.
    pub fn verify(&self, key: &VerifyingKey, parts: &SignedParts<'_>, now: u64) -> Result<(), HttpSigError> {
        if self.created.abs_diff(now) > MAX_SKEW_SECS {
            return Err(HttpSigError::Stale);
        }
        let digest_ok = match &self.digest {
            Some(given) => {
                !parts.body.is_empty()
                    && bool::from(given.as_bytes().ct_eq(content_digest(parts.body).as_bytes()))
            }
            None => parts.body.is_empty(),
        };
        if !digest_ok && !crate::defect!(BodyUnchecked) {
            return Err(HttpSigError::Digest);
        }
        let base = request_base(parts, self.digest.as_deref(), &self.params);
        key.verify_strict(base.as_bytes(), &Signature::from_bytes(&self.signature))
            .map_err(|_| HttpSigError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn parts(body: &'static [u8]) -> SignedParts<'static> {
        SignedParts {
            method: "POST",
            authority: "latchkey.test",
            path: "/api/hub/report",
            query: "a=1",
            body,
        }
    }

    fn check(headers: &SignatureHeaders, parts: &SignedParts<'_>, now: u64) -> Result<(), HttpSigError> {
        parse(Some(&headers.signature_input), Some(&headers.signature), headers.content_digest.as_deref())?
            .verify(&key().verifying_key(), parts, now)
    }

    /// RFC 9530, appendix D.1 body.
    #[test]
    fn digest_of_known_body() {
        assert_eq!(
            content_digest(b"{\"hello\": \"world\"}\n"),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
    }

    #[test]
    fn signed_then_verified_with_and_without_body() {
        for body in [&b""[..], b"report"] {
            let headers = sign(&key(), "hub_1", &parts(body), NOW, &[3; 16]).unwrap();
            assert_eq!(headers.content_digest.is_some(), !body.is_empty());
            check(&headers, &parts(body), NOW + MAX_SKEW_SECS).unwrap();
            check(&headers, &parts(body), NOW - MAX_SKEW_SECS).unwrap();
            assert_eq!(check(&headers, &parts(body), NOW + MAX_SKEW_SECS + 1), Err(HttpSigError::Stale));
            assert_eq!(check(&headers, &parts(body), NOW - MAX_SKEW_SECS - 1), Err(HttpSigError::Stale));
        }
    }

    #[test]
    fn every_covered_part_matters() {
        let headers = sign(&key(), "hub_1", &parts(b"report"), NOW, &[3; 16]).unwrap();
        let good = parts(b"report");
        for (bad, why) in [
            (SignedParts { method: "PUT", ..good }, HttpSigError::Signature),
            (SignedParts { authority: "evil.test", ..good }, HttpSigError::Signature),
            (SignedParts { path: "/api/hub/reports", ..good }, HttpSigError::Signature),
            (SignedParts { query: "a=2", ..good }, HttpSigError::Signature),
            (SignedParts { query: "", ..good }, HttpSigError::Signature),
            (SignedParts { body: b"Report", ..good }, HttpSigError::Digest),
            (SignedParts { body: b"", ..good }, HttpSigError::Digest),
        ] {
            assert_eq!(check(&headers, &bad, NOW), Err(why), "{bad:?}");
        }
        let bodyless = sign(&key(), "hub_1", &parts(b""), NOW, &[3; 16]).unwrap();
        assert_eq!(check(&bodyless, &good, NOW), Err(HttpSigError::Digest));
    }

    #[test]
    fn every_header_field_matters() {
        let good = sign(&key(), "hub_1", &parts(b"report"), NOW, &[3; 16]).unwrap();
        let swap = |from: &str, to: &str| {
            let input = good.signature_input.replace(from, to);
            assert_ne!(input, good.signature_input, "{from}");
            SignatureHeaders { signature_input: input, ..good.clone() }
        };
        for bad in [swap("1800000000", "1800000001"), swap("hub_1", "hub_2"), swap("AwMD", "AwMC")] {
            assert_eq!(check(&bad, &parts(b"report"), NOW), Err(HttpSigError::Signature));
        }
        for bad in [
            swap("sig1=", "sig2="),
            swap("created=1", "created=+1"),
            swap("created=1", "created=01"),
            swap("\"@query\"", "\"@query\";req"),
            swap(" \"@path\"", ""),
            swap("ed25519", "none"),
            swap("hub_1", "hub 1"),
            swap(";alg", ";expires=1;alg"),
            swap("nonce", "tag"),
        ] {
            assert_eq!(check(&bad, &parts(b"report"), NOW), Err(HttpSigError::Malformed), "{bad:?}");
        }
        let other = SigningKey::from_bytes(&[8; 32]);
        let forged = sign(&other, "hub_1", &parts(b"report"), NOW, &[3; 16]).unwrap();
        assert_eq!(check(&forged, &parts(b"report"), NOW), Err(HttpSigError::Signature));
    }

    #[test]
    fn absent_double_and_long_headers() {
        let good = sign(&key(), "hub_1", &parts(b"report"), NOW, &[3; 16]).unwrap();
        let (input, signature) = (good.signature_input.as_str(), good.signature.as_str());
        let digest = good.content_digest.as_deref();
        assert_eq!(parse(None, Some(signature), digest).unwrap_err(), HttpSigError::Missing);
        assert_eq!(parse(Some(input), None, digest).unwrap_err(), HttpSigError::Missing);
        assert_eq!(parse(Some(input), Some(signature), None).unwrap_err(), HttpSigError::Malformed);
        let double = alloc::format!("{input}, {input}");
        assert_eq!(parse(Some(&double), Some(signature), digest).unwrap_err(), HttpSigError::Malformed);
        let two = alloc::format!("{signature}, sig2=:AAAA:");
        assert_eq!(parse(Some(input), Some(&two), digest).unwrap_err(), HttpSigError::Malformed);
        let long = input.replace("hub_1", &"h".repeat(600));
        assert_eq!(parse(Some(&long), Some(signature), digest).unwrap_err(), HttpSigError::Malformed);
        for text in ["", "sig1", "sig1=", "sig1=()", "\u{e9}", "sig1=(\"@method\""] {
            assert_eq!(parse(Some(text), Some(signature), digest).unwrap_err(), HttpSigError::Malformed);
        }
        assert!(sign(&key(), "a\"b", &parts(b""), NOW, &[0; 16]).is_err());
    }
}
