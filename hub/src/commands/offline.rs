//! What works on files alone, or asks the running hub.

use super::{Result, say};
use latchkey_hub::config::{Config, Source};
use latchkey_hub::machine::files;
use latchkey_hub::machine::tls;
use latchkey_hub::shell::clocks;
use latchkey_hub::shell::former::LEDGER;
use latchkey_hub::shell::http::{Ask, Net};
use latchkey_hub::shell::ledger::{Ledger, LedgerError};
use latchkey_shared::exchange::bundle::{self, VerifiedBundle};
use latchkey_shared::id::Hash32;
use latchkey_shared::limits::MAX_BUNDLE_BYTES;
use latchkey_shared::origin::Origin;
use latchkey_shared::wire::cbor;
use std::path::Path;
use tokio::sync::watch;

/// What the running hub answers at its panel.
fn ask_panel(config: &Config, path: &str) -> Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (_switch, up) = watch::channel(true);
        let net = Net::new(Origin::parse(&format!("http://{}", config.panel))?, up);
        let reply = net.ask(Ask { method: "GET", path, most: MAX_BUNDLE_BYTES, ..Ask::default() }).await?;
        match reply.status {
            200 => Ok(reply.body.to_vec()),
            status => Err(format!("panel.refused: the running hub answered {status}").into()),
        }
    })
}

/// Says everything that is wrong with the configuration.
pub(super) fn check_config(source: &Source) -> Result<()> {
    let file = source.file.display();
    match source.load() {
        Ok(config) => {
            for note in unread(&config) {
                say(&format!("{file}: note: {note}; that is fine if systemd hands it to the hub"))?;
            }
            say(&format!("{file} is good"))
        }
        Err(problems) => {
            for problem in &problems.0 {
                say(&format!("{file}: {problem}"))?;
            }
            Err(format!("config.refused: {} to mend", problems.0.len()).into())
        }
    }
}

/// Secrets and certificates that cannot be read from here.
fn unread(config: &Config) -> Vec<String> {
    let passwords = config.zigbee2mqtt.iter().filter_map(|bridge| bridge.password_file.as_deref());
    let passwords = passwords.filter_map(|file| config.secrets.find(Some(file), "").err());
    let sockets = config.zwave_js.iter().chain(&config.matter).filter_map(|bridge| bridge.ca_file.as_deref());
    let brokers = config.zigbee2mqtt.iter().filter_map(|bridge| bridge.ca_file.as_deref());
    let authorities = sockets.chain(brokers).map(|file| config.secrets.locate(file));
    let authorities = authorities.filter_map(|file| tls::trusting(Some(&file)).err());
    passwords.map(|e| e.to_string()).chain(authorities).collect()
}

/// Says how the hub stands.
pub(super) fn status(config: &Config) -> Result<()> {
    let path = config.dir.join(LEDGER);
    if !path.exists() {
        return say("not running\nnot paired");
    }
    let ledger = match Ledger::open(&path) {
        Ok(ledger) => ledger,
        Err(LedgerError::InUse) => {
            let bytes = ask_panel(config, "/api/state")?;
            let state: serde_json::Value = serde_json::from_slice(&bytes)?;
            return say(&format!("running\n{}", serde_json::to_string_pretty(&state)?));
        }
        Err(e) => return Err(e.into()),
    };
    let Some(belonging) = ledger.belonging()? else { return say("not running\nnot paired") };
    let stored = ledger.load()?;
    say(&format!(
        "not running\nhome {}\nhub {}\ngenesis {}\nops {}\nevents {} ({} not sent)\nlocks {}\ngeneration {}",
        belonging.home,
        belonging.hub,
        belonging.genesis,
        stored.ops.len(),
        stored.tip.number,
        stored.tip.number.saturating_sub(stored.acked),
        stored.locks.len(),
        ledger.generation()?,
    ))
}

/// Says what is in the ledger.
pub(super) fn ledger(config: &Config) -> Result<()> {
    let info = ledger_info(config)?;
    say(&serde_json::to_string_pretty(&info)?)
}

fn ledger_info(config: &Config) -> Result<serde_json::Value> {
    let path = config.dir.join(LEDGER);
    if !path.exists() {
        return Err("ledger.none: there is no ledger in this state directory yet".into());
    }
    match Ledger::open(&path) {
        Ok(ledger) => Ok(serde_json::to_value(ledger.info()?)?),
        Err(LedgerError::InUse) => Ok(serde_json::from_slice(&ask_panel(config, "/api/ledger")?)?),
        Err(e) => Err(e.into()),
    }
}

/// Writes what may help to find a fault: from the hub if it runs, else from its files.
pub(super) fn diagnostics(source: &Source, file: &Path, may_open: bool) -> Result<()> {
    let mut bundle = serde_json::json!({
        "format": "latchkey-hub-diagnostics/1",
        "version": env!("CARGO_PKG_VERSION"),
        "system": { "os": std::env::consts::OS, "architecture": std::env::consts::ARCH },
        "made_at": clocks::now().wall.0,
        "running": false,
    });
    let found = match source.load() {
        Err(problems) => serde_json::json!({
            "config_problems": problems.0.iter().map(ToString::to_string).collect::<Vec<_>>()
        }),
        Ok(config) => match ask_panel(&config, "/api/diagnostics") {
            Ok(bytes) => {
                let mut told: serde_json::Value = serde_json::from_slice(&bytes)?;
                told["running"] = true.into();
                told
            }
            Err(e) => {
                let ledger =
                    if may_open { ledger_info(&config) } else { Err("hub.root: not opened as root".into()) };
                let ledger = ledger.unwrap_or_else(|e| e.to_string().into());
                serde_json::json!({ "config": config.summary(), "panel": e.to_string(), "ledger": ledger })
            }
        },
    };
    if let (serde_json::Value::Object(bundle), serde_json::Value::Object(found)) = (&mut bundle, found) {
        bundle.extend(found);
    }
    let text = serde_json::to_string_pretty(&bundle)? + "\n";
    std::fs::write(file, &text)?;
    say(&format!(
        "{} bytes written to {}: no secrets and no names of codes, but names of locks",
        text.len(),
        file.display()
    ))
}

/// Writes all ops and the last head to a file.
pub(super) fn export_bundle(config: &Config, file: &Path) -> Result<()> {
    let path = config.dir.join(LEDGER);
    if !path.exists() {
        return Err("bundle.none: the hub has taken no bundle yet".into());
    }
    let bytes = match Ledger::open(&path) {
        Ok(ledger) => cbor::to_vec(&ledger.bundle()?.ok_or("bundle.none: the hub has taken no bundle yet")?),
        Err(LedgerError::InUse) => ask_panel(config, "/api/bundle")?,
        Err(e) => return Err(e.into()),
    };
    std::fs::write(file, &bytes)?;
    say(&format!("{} bytes written to {}", bytes.len(), file.display()))
}

/// Verifies a file by itself, from its first op on.
pub(super) fn verify_bundle(file: &Path, genesis: Option<&str>) -> Result<()> {
    let bytes = files::read_if_there(file)?.ok_or("bundle.missing: there is no such file")?;
    let genesis: Option<Hash32> = genesis.map(str::parse).transpose().map_err(coded)?;
    let VerifiedBundle { chain: state, head } =
        bundle::verify(&bytes, genesis).map_err(|fault| format!("{}: {}", fault.code, fault.hint))?;
    say(&format!(
        "good\nhome {}\nhub {}\ngenesis {}\nseq {}\nhead_hash {}\nissued_at {}\nexpires {}\nmembers {}\nhubs {}\ngrants {}\nrevoked {}",
        state.home(),
        head.hub,
        state.genesis_hash(),
        state.seq(),
        state.hash(),
        head.issued_at.0,
        head.expires.0,
        state.members().len(),
        state.hubs().len(),
        state.grants().len(),
        state.revoked().len(),
    ))
}

fn coded<E: latchkey_shared::error::Coded>(e: E) -> String {
    format!("{}: {}", e.code(), e.hint())
}
