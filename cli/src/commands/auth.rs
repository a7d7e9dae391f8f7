//! Who is signed in.

use super::Run;
use crate::args::Login;
use crate::client::{Client, passphrase, recover};
use crate::failure::{Failure, Result};
use crate::net::Net;
use crate::secret::Source;
use crate::state::{Account, kit};
use latchkey_shared::origin::Origin;
use serde_json::json;

/// The fewest characters of a passphrase: what guards the seed on this disk.
const MIN_PASSPHRASE: usize = 8;

/// Where a recovery kit may come from.
pub(super) fn kit_source(file: Option<&std::path::PathBuf>) -> Source<'_> {
    Source { what: "Recovery kit", file, variable: "LATCHKEY_KIT" }
}

impl Run<'_> {
    pub(super) fn login(&self, args: &Login) -> Result {
        let origin = Origin::parse(&args.origin).map_err(|e| Failure::usage("origin", e.to_string()))?;
        let kit = kit(&kit_source(args.kit_file.as_ref()).read()?)?;
        let (id, name, seed) = recover(&Net::new(origin.clone()), &kit)?;
        let passphrase = match args.no_passphrase {
            true => None,
            false => Some(passphrase(self.cli.passphrase_file.as_ref()).choose()?),
        };
        if passphrase.as_ref().is_some_and(|text| text.chars().count() < MIN_PASSPHRASE) {
            return Err(Failure::refused("state.short", "A passphrase has at least 8 characters."));
        }
        let account = Account::new(origin, id, name, &seed, passphrase.as_deref().map(String::as_str))?;
        // Opened with the seed at hand, so that nothing is asked twice; written down once the server agrees.
        let plain = Account::new(account.origin.clone(), id, account.name.clone(), &seed, None)?;
        Client::with(self.state.clone(), plain, None)?.sign_in()?;
        self.state.sign_in(&account)?;
        self.out.answer(&whoami(&account), || format!("Signed in as {} at {}.", account.name, account.origin))
    }

    pub(super) fn logout(&self) -> Result {
        if let Ok(client) = self.client() {
            // Signed out here whatever the server says.
            let _ = client.sign_out();
        }
        self.state.sign_out()?;
        self.out.answer(&json!({ "signed_out": true }), || "Signed out.".into())
    }

    pub(super) fn whoami(&self) -> Result {
        let account = self.state.account()?;
        self.out.answer(&whoami(&account), || {
            let locked = if account.locked() { "under a passphrase" } else { "WITHOUT a passphrase" };
            format!("{} at {}\nkey {}, kept {locked}", account.name, account.origin, account.key)
        })
    }
}

fn whoami(account: &Account) -> serde_json::Value {
    json!({
        "name": account.name, "origin": account.origin.to_string(), "account": account.id.to_string(),
        "key": account.key, "passphrase": account.locked(),
    })
}
