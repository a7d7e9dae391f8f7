//! Verifying files with no network and no account.

use super::Run;
use crate::args::VerifyCommand;
use crate::failure::{Exit, Failure, Result};
use latchkey_shared::exchange::archive::{self, Archive, Fault};
use latchkey_shared::exchange::bundle;
use latchkey_shared::id::Hash32;
use latchkey_shared::schedule::{Style, format_instant};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::{TzZone, Zone};
use serde_json::{Value, json};
use std::path::Path;

fn faulty(fault: &Fault) -> Failure {
    let hint = format!("{}: {}", fault.place, fault.hint);
    Failure::new(Exit::Alarm, fault.code, hint).with(json!({ "place": fault.place.to_string() }))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|e| Failure::broken("file.broken", format!("{}: {e}", file.display())))
}

impl Run<'_> {
    pub(super) fn verify(&self, command: &VerifyCommand) -> Result {
        match command {
            VerifyCommand::Archive { file } => self.verify_archive(file),
            VerifyCommand::Bundle { file, genesis } => self.verify_bundle(file, genesis.as_deref()),
        }
    }

    fn verify_archive(&self, file: &Path) -> Result {
        let bytes = read(file)?;
        let pages = archive::read(&bytes).map_err(|fault| faulty(&fault))?;
        // What this machine has seen of the home, the archive must contain.
        let known = match pages.first() {
            Some(page) => self.state.known(&page.home)?,
            None => None,
        };
        let seen = known.as_ref().map(|known| (known.seen.seq, known.seen.hash));
        let verified = archive::verify(&bytes, seen).map_err(|fault| faulty(&fault))?;
        if known.is_some_and(|known| known.seen.genesis != verified.chain.genesis_hash()) {
            let hint = "op 0: The archive is of another home than the one of this id that was seen here.";
            return Err(Failure::new(Exit::Alarm, "archive.fork", hint));
        }
        self.out.answer(&archive_json(&verified, seen.is_some()), || archive_text(&verified, seen.is_some()))
    }

    fn verify_bundle(&self, file: &Path, genesis: Option<&str>) -> Result {
        let parse = |text: &str| Hash32::parse(text).map_err(|e| Failure::usage(e.code(), e.hint()));
        let genesis = genesis.map(parse).transpose()?;
        let verified = bundle::verify(&read(file)?, genesis).map_err(|fault| faulty(&fault))?;
        let (chain, head) = (&verified.chain, &verified.head);
        let answer = json!({
            "home": chain.home().to_string(), "hub": head.hub.to_string(), "genesis": chain.genesis_hash().to_string(),
            "seq": chain.seq(), "head_hash": chain.hash().to_string(), "issued_at": head.issued_at.0,
            "expires": head.expires.0, "members": chain.members().len(), "hubs": chain.hubs().len(),
            "codes": chain.grants().len(), "revoked": chain.revoked().len(),
        });
        self.out.answer(&answer, || {
            format!("Good: {} ops of {}, head for hub {}.", chain.seq() + 1, chain.policy().name, head.hub)
        })
    }
}

fn archive_json(archive: &Archive, held: bool) -> Value {
    let chain = &archive.chain;
    let logs: Vec<Value> = archive
        .logs
        .iter()
        .map(|(hub, span)| {
            json!({ "hub": hub.to_string(), "first": span.first, "last": span.last, "from": span.from.0, "to": span.to.0 })
        })
        .collect();
    json!({
        "home": chain.home().to_string(), "name": chain.policy().name, "made": archive.at.0,
        "genesis": chain.genesis_hash().to_string(), "seq": chain.seq(), "head_hash": chain.hash().to_string(),
        "ops": archive.ops, "members": chain.members().len(), "hubs": chain.hubs().len(),
        "codes": chain.grants().len(), "revoked": chain.revoked().len(), "events": archive.events.len(),
        "logs": logs, "reports": archive.reports.len(), "compared_with_state": held,
    })
}

fn archive_text(archive: &Archive, held: bool) -> String {
    let chain = &archive.chain;
    let zone = TzZone::by_name(&chain.policy().zone);
    let at = |t: Timestamp| match &zone {
        Some(zone) => format_instant(t, zone as &dyn Zone, &Style::default()),
        None => format!("{} s", t.0),
    };
    let mut text = format!("Good: {}, as of {}.\n", chain.policy().name, at(archive.at));
    text += &format!("  {} ops, the last is {}\n", archive.ops, chain.hash());
    for (hub, span) in &archive.logs {
        let name = chain.hubs().get(hub).map_or_else(|| hub.to_string(), |entry| entry.key.name.clone());
        text += &format!(
            "  {name}: events {} to {}, {} to {}\n",
            span.first,
            span.last,
            at(span.from),
            at(span.to)
        );
    }
    text += match held {
        true => "  It contains what this machine has seen of the home.\n",
        false => "  This machine has not seen the home: whether the end is missing cannot be told.\n",
    };
    text
}
