//! Authenticator data (WebAuthn Level 3, section 6.1), read to the last byte.

use super::WebauthnError;
use crate::wire::cbor::Reader;

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
/// CBOR's major type of maps.
const MAP: u8 = 5;
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
        if Reader::new(rest).major() != Some(MAP) {
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
    let mut reader = Reader::new(data);
    reader.skip(MAX_DEPTH)?;
    Some(data.len() - reader.rest().len())
}
