//! Authenticator data (WebAuthn Level 3, section 6.1), read to the last byte.

use minicbor::Decoder;
use minicbor::data::Type;

use super::WebauthnError;

const FLAG_UP: u8 = 0x01;
const FLAG_UV: u8 = 0x04;
const FLAG_BE: u8 = 0x08;
const FLAG_BS: u8 = 0x10;
const FLAG_AT: u8 = 0x40;
const FLAG_ED: u8 = 0x80;
const FLAGS_RESERVED: u8 = 0x22;

/// Longest credential id (Level 3, section 6.5.1).
pub(super) const MAX_CREDENTIAL_ID: usize = 1023;
/// Largest authenticator data read.
const MAX_LEN: usize = 4096;
/// Deepest nesting in extension outputs.
const MAX_DEPTH: usize = 4;

/// Which ceremony the data is from: it decides whether a credential must or must not be inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceremony {
    Registration,
    Assertion,
}

pub(super) struct AuthData<'a> {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) sign_count: u32,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
    pub(super) attested: Option<Attested<'a>>,
}

pub(super) struct Attested<'a> {
    pub(super) aaguid: [u8; 16],
    pub(super) credential_id: &'a [u8],
    pub(super) public_key: &'a [u8],
}

/// Reads authenticator data and requires what every ceremony of ours requires: present and verified.
pub(super) fn parse(data: &[u8], ceremony: Ceremony) -> Result<AuthData<'_>, WebauthnError> {
    const BAD: WebauthnError = WebauthnError::AuthenticatorData;
    if data.len() > MAX_LEN {
        return Err(BAD);
    }
    let (rp_id_hash, rest) = data.split_first_chunk::<32>().ok_or(BAD)?;
    let (&flags, rest) = rest.split_first().ok_or(BAD)?;
    let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(BAD)?;
    if flags & FLAGS_RESERVED != 0 || (flags & FLAG_AT != 0) != (ceremony == Ceremony::Registration) {
        return Err(BAD);
    }
    if flags & FLAG_UP == 0 {
        return Err(WebauthnError::UserPresence);
    }
    if flags & FLAG_UV == 0 {
        return Err(WebauthnError::UserVerification);
    }
    let (backup_eligible, backed_up) = (flags & FLAG_BE != 0, flags & FLAG_BS != 0);
    if backed_up && !backup_eligible {
        return Err(WebauthnError::BackupState);
    }
    let attested = match ceremony {
        Ceremony::Registration => {
            let (attested, after) = parse_attested(rest)?;
            rest = after;
            Some(attested)
        }
        Ceremony::Assertion => None,
    };
    if flags & FLAG_ED != 0 {
        if Decoder::new(rest).datatype().ok() != Some(Type::Map) {
            return Err(BAD);
        }
        rest = rest.get(item_len(rest).ok_or(BAD)?..).ok_or(BAD)?;
    }
    if !rest.is_empty() {
        return Err(BAD);
    }
    let sign_count = u32::from_be_bytes(*count);
    Ok(AuthData { rp_id_hash: *rp_id_hash, sign_count, backup_eligible, backed_up, attested })
}

fn parse_attested(data: &[u8]) -> Result<(Attested<'_>, &[u8]), WebauthnError> {
    const BAD: WebauthnError = WebauthnError::AuthenticatorData;
    let (aaguid, rest) = data.split_first_chunk::<16>().ok_or(BAD)?;
    let (len, rest) = rest.split_first_chunk::<2>().ok_or(BAD)?;
    let len = usize::from(u16::from_be_bytes(*len));
    if len == 0 || len > MAX_CREDENTIAL_ID {
        return Err(WebauthnError::CredentialId);
    }
    let (credential_id, rest) = rest.split_at_checked(len).ok_or(BAD)?;
    let key_len = item_len(rest).ok_or(WebauthnError::PublicKey)?;
    let (public_key, rest) = rest.split_at_checked(key_len).ok_or(WebauthnError::PublicKey)?;
    Ok((Attested { aaguid: *aaguid, credential_id, public_key }, rest))
}

/// Length of the first CBOR item: definite lengths, bounded nesting, no tags and no floats.
pub(super) fn item_len(data: &[u8]) -> Option<usize> {
    let mut decoder = Decoder::new(data);
    skip(&mut decoder, MAX_DEPTH)?;
    Some(decoder.position())
}

fn skip(decoder: &mut Decoder<'_>, depth: usize) -> Option<()> {
    match decoder.datatype().ok()? {
        Type::Map | Type::Array if depth == 0 => None,
        Type::Map => {
            for _ in 0..decoder.map().ok()?? {
                skip(decoder, depth - 1)?;
                skip(decoder, depth - 1)?;
            }
            Some(())
        }
        Type::Array => {
            for _ in 0..decoder.array().ok()?? {
                skip(decoder, depth - 1)?;
            }
            Some(())
        }
        Type::Bool | Type::Null | Type::Bytes | Type::String => decoder.skip().ok(),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().ok().map(drop),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64().ok().map(drop),
        _ => None,
    }
}
