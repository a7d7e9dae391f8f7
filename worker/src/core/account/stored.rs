//! An account's record at rest, as JSON: fields that are not known are left alone, so that an older Worker reads what
//! a newer one wrote.

use latchkey_shared::id::{AccountId, Hash32, HomeId, KitId, SealPublic, SignPublic};
use latchkey_shared::json::{Value, json};

use super::api::{kit, passkey_view, wrap_view, wraps};
use super::record::{AccountRecord, Passkey};
use crate::core::bytes::b64;
use crate::core::json::Fields;
use crate::core::session::Session;
use crate::error::{INTERNAL, MALFORMED, Problem, Result};

fn passkey(passkey: &Passkey) -> Value {
    let mut stored = passkey_view(passkey);
    if let Some(fields) = stored.as_object_mut() {
        fields.insert("key".into(), b64(&passkey.key).into());
        fields.insert("sign_count".into(), passkey.sign_count.into());
        fields.insert("backup_eligible".into(), passkey.backup_eligible.into());
    }
    stored
}

fn read_passkey(mut fields: Fields) -> Result<Passkey> {
    Ok(Passkey {
        id: fields.blob("id")?.into(),
        key: fields.blob("key")?.into(),
        name: fields.text("name")?,
        sign_count: fields.number("sign_count")?,
        backup_eligible: fields.flag("backup_eligible")?,
        backed_up: fields.flag("backed_up")?,
        prf: fields.flag("prf")?,
        created: fields.number("created")?,
        last_used: fields.number_if("last_used")?,
    })
}

fn session(session: &Session) -> Value {
    json!({
        "hash": b64(&session.hash.0), "created": session.created, "last_seen": session.last_seen,
        "fresh_until": session.fresh_until, "passkey": b64(&session.passkey.0),
    })
}

fn read_session(mut fields: Fields) -> Result<Session> {
    Ok(Session {
        hash: Hash32(fields.bytes("hash")?),
        created: fields.number("created")?,
        last_seen: fields.number("last_seen")?,
        fresh_until: fields.number("fresh_until")?,
        passkey: Hash32(fields.bytes("passkey")?),
    })
}

fn read_used(mut fields: Fields) -> Result<(Hash32, u64)> {
    Ok((Hash32(fields.bytes("hash")?), fields.number("until")?))
}

fn read(bytes: &[u8]) -> Result<AccountRecord> {
    let mut fields = Fields::parse(bytes)?;
    Ok(AccountRecord {
        id: AccountId::parse(&fields.text("id")?).map_err(|_| MALFORMED)?,
        name: fields.text("name")?,
        created: fields.number("created")?,
        sign: SignPublic(fields.bytes("sign")?),
        seal: SealPublic(fields.bytes("seal")?),
        passkeys: fields.list("passkeys")?.into_iter().map(read_passkey).collect::<Result<_>>()?,
        wraps: wraps(&mut fields)?,
        kit: kit(&mut fields.object("kit")?)?,
        homes: fields.texts("homes", |text| HomeId::parse(text).ok())?,
        sessions: fields.list("sessions")?.into_iter().map(read_session).collect::<Result<_>>()?,
        used: fields.list("used")?.into_iter().map(read_used).collect::<Result<_>>()?,
    })
}

impl AccountRecord {
    /// As it is stored.
    pub fn to_stored(&self) -> Vec<u8> {
        let used = self.used.iter().map(|(hash, until)| json!({ "hash": b64(&hash.0), "until": until }));
        let (kit, proof): (&KitId, &Hash32) = (&self.kit.0, &self.kit.1);
        let stored = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "created": self.created,
            "sign": b64(&self.sign.0),
            "seal": b64(&self.seal.0),
            "passkeys": self.passkeys.iter().map(passkey).collect::<Vec<_>>(),
            "wraps": self.wraps.iter().map(wrap_view).collect::<Vec<_>>(),
            "kit": json!({ "id": kit.to_string(), "auth_hash": b64(&proof.0) }),
            "homes": self.homes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "sessions": self.sessions.iter().map(session).collect::<Vec<_>>(),
            "used": used.collect::<Vec<_>>(),
        });
        stored.to_string().into_bytes()
    }

    /// From what is stored.
    pub fn from_stored(bytes: &[u8]) -> Result<Self> {
        read(bytes).map_err(|_: Problem| INTERNAL)
    }
}
