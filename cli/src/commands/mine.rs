//! What a resident sees: their own codes, each verified against who is said to have signed it, and their own entries.
//! That nothing is missing is the server's word: residents do not get the chain.

use super::Run;
use crate::client::Client;
use crate::failure::{Exit, Failure, Result};
use crate::home::ids;
use crate::pick::{Choice, pick};
use latchkey_shared::api::{Mine, path};
use latchkey_shared::chain::{Body, SignedOp};
use latchkey_shared::event::Event;
use latchkey_shared::explain::{Audience, Code, Explanation, Facts, HubContact, Place, Seen, explain};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{HomeId, KeyId, LockId};
use latchkey_shared::policy::Policy;
use latchkey_shared::report::Report;
use latchkey_shared::schedule::{Style, describe, format_instant};
use latchkey_shared::sealed::Binding;
use latchkey_shared::zone::TzZone;
use serde_json::{Value, json};

/// A home as its resident sees it.
struct Own {
    home: HomeId,
    mine: Mine,
    policy: Policy,
    zone: TzZone,
    codes: Vec<(Grant, Place)>,
}

impl Own {
    fn load(client: &Client, home: HomeId) -> Result<Self> {
        let mine: Mine = client.get(&path::mine(&home))?.cbor()?;
        let me = KeyId::parse(&client.account.key).map_err(|_| Failure::answer())?;
        let zone = TzZone::by_name(&mine.zone).ok_or_else(Failure::answer)?;
        let mut codes = Vec::new();
        for bytes in &mine.grants {
            let forged =
                || Failure::new(Exit::Alarm, "mine.forged", "A code is not signed by whom the server names.");
            let op = SignedOp::parse(bytes).map_err(|_| Failure::answer())?;
            let signer = mine.signers.iter().find(|key| key.id() == op.kid()).ok_or_else(forged)?;
            op.verify(&signer.sign).map_err(|_| forged())?;
            let said = op.claimed();
            match &said.body {
                Body::PutGrant(grant) if said.home == home && grant.holder == Some(me) => {
                    codes.push((grant.clone(), Place { at: said.iat, seq: said.seq }));
                }
                _ => return Err(forged()),
            }
        }
        let policy = Policy::new(&mine.home_name, mine.zone.clone());
        Ok(Self { home, mine, policy, zone, codes })
    }

    fn door(&self, lock: &LockId) -> String {
        let door = self.mine.doors.iter().find(|door| door.lock.id == *lock);
        door.map_or_else(|| "A door".into(), |door| door.lock.name.clone())
    }

    /// Why a code does or does not open a door now.
    fn told(&self, grant: &Grant, put: Place, lock: LockId) -> Explanation {
        let door = self.mine.doors.iter().find(|door| door.lock.id == lock);
        let taken = door.is_some_and(|d| d.codes.iter().any(|c| c.grant == grant.id && c.rev >= grant.rev));
        let report = door.map(|door| Report {
            home: self.home,
            hub: door.hub.hub,
            number: 0,
            at: door.at,
            lock: door.lock.clone(),
            // The newest op that the hub has taken is not told; that it speaks of this revision says enough.
            seq: if taken { put.seq } else { put.seq.saturating_sub(1) },
            generation: 0,
            codes: door.codes.clone(),
            gone: false,
        });
        let now = self.mine.now;
        let contact = |door: &latchkey_shared::api::MyDoor| match door.hub.online {
            true => HubContact::online(now),
            false => HubContact::away(door.hub.last_seen),
        };
        let facts = Facts {
            code: Some(Code { grant, put, revoked: None }),
            lock,
            policy: &self.policy,
            seen: report.as_ref().map(|report| Seen::in_report(report, &grant.id)),
            hub: door.map_or(HubContact::online(now), contact),
            now,
            zone: &self.zone,
            style: Style::default(),
        };
        explain(&facts, now, Audience::Member)
    }

    fn pin(&self, client: &Client, grant: &Grant) -> Result<Option<String>> {
        let keys = client.keys()?;
        let binding = Binding { home: &self.home, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        let seal = grant.self_seals.iter().find(|seal| seal.to == keys.id());
        Ok(seal.and_then(|seal| seal.open(&binding, keys).ok()).map(|pin| pin.expose().to_owned()))
    }
}

/// The home that is meant, without looking into it.
fn home_id(client: &Client, wanted: Option<&str>) -> Result<HomeId> {
    let ids = ids(client)?;
    match (wanted, ids.as_slice()) {
        (None, [only]) => Ok(*only),
        (None, _) => Err(Failure::usage("home.which", "Say which home: --home NAME.")),
        (Some(wanted), ids) => {
            let mut choices = Vec::new();
            for id in ids {
                // Homes that one was not added to yet have no name.
                let Ok(reply) = client.get(&path::mine(id)) else { continue };
                choices.push(Choice {
                    id: id.to_string(),
                    name: reply.cbor::<Mine>()?.home_name,
                    value: *id,
                });
            }
            pick("home", wanted, choices)
        }
    }
}

impl Run<'_> {
    pub(super) fn mine(&self, show_pin: bool) -> Result {
        let client = self.client()?;
        let own = Own::load(&client, home_id(&client, self.cli.home.as_deref())?)?;
        let (mut codes, mut text) = (Vec::new(), String::new());
        for (grant, put) in &own.codes {
            let pin = if show_pin { own.pin(&client, grant)? } else { None };
            let when = describe(&own.policy.validity(grant), &own.zone, &Style::default());
            text += &format!("{}\n  {when}\n", grant.label);
            if let Some(pin) = &pin {
                text += &format!("  PIN {pin}\n");
            }
            let mut locks = Vec::new();
            for lock in &grant.locks {
                let (told, name) = (own.told(grant, *put, *lock), own.door(lock));
                text += &format!("  {name}: {}\n", told.sentence);
                locks.push(json!({ "id": lock.to_string(), "name": name, "state": told.state.name(),
                    "since": told.since.0, "opens": told.opens, "sentence": told.sentence,
                    "next_step": told.next_step }));
            }
            let mut code =
                json!({ "id": grant.id.to_string(), "label": grant.label, "when": when, "locks": locks });
            if let (Some(pin), Some(fields)) = (pin, code.as_object_mut()) {
                fields.insert("pin".into(), pin.into());
            }
            codes.push(code);
        }
        let entries: Vec<Value> =
            own.mine.entries.iter().filter_map(|bytes| entry_json(&own, bytes)).collect();
        let answer = json!({ "home": own.home.to_string(), "name": own.mine.home_name, "zone": own.mine.zone.as_str(),
            "role": own.mine.role.as_str(), "codes": codes, "entries": entries });
        self.out.answer(&answer, || match text.is_empty() {
            true => format!("No code of {} is yours.", own.mine.home_name),
            false => text,
        })
    }
}

fn entry_json(own: &Own, bytes: &[u8]) -> Option<Value> {
    let event = Event::claimed(bytes).filter(|event| event.home == own.home)?;
    let (lock, grant) = event.body.entry()?;
    let sentence = format!("{}: {}", format_instant(event.at, &own.zone, &Style::default()), own.door(&lock));
    Some(
        json!({ "at": event.at.0, "lock": lock.to_string(), "code": grant.to_string(), "sentence": sentence }),
    )
}
