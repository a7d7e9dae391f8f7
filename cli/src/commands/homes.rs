//! Homes and their rules.

use super::Run;
use crate::args::{HomeCommand, PolicyArgs, Switch};
use crate::failure::{Exit, Failure, Result, Told};
use crate::home::{Home, ids};
use crate::out::table;
use crate::state::rng;
use latchkey_shared::api::{CreateHome, path};
use latchkey_shared::chain::Body;
use latchkey_shared::compose::{Change, genesis};
use latchkey_shared::exchange::typed;
use latchkey_shared::id::SignPublic;
use latchkey_shared::policy::Policy;
use latchkey_shared::text::unb64url;
use latchkey_shared::time::Seconds;
use latchkey_shared::wire::cbor::Blob;
use latchkey_shared::zone::{TzZone, ZoneName};
use serde_json::{Value, json};

/// A zone that this version knows.
fn zone(name: &str) -> Result<ZoneName> {
    let zone = ZoneName::parse(name).map_err(|e| Failure::refused(e.code(), e.hint()))?;
    let unknown =
        || Failure::refused("zone.unknown", "There is no such time zone. Write it as Europe/Lisbon.");
    TzZone::by_name(&zone).ok_or_else(unknown)?;
    Ok(zone)
}

impl Run<'_> {
    pub(super) fn homes(&self) -> Result {
        let client = self.client()?;
        let (mut list, mut rows) = (Vec::new(), Vec::new());
        for id in ids(&client)? {
            match Home::load(&client, id) {
                Ok(home) => {
                    let role = home
                        .view
                        .chain
                        .members()
                        .get(&latchkey_shared::id::KeyId::parse(&client.account.key).told()?);
                    let role = role.map_or("none", |member| member.role.as_str());
                    list.push(json!({ "id": id.to_string(), "name": home.name(), "role": role }));
                    rows.push([home.name().to_owned(), role.to_owned(), id.to_string()]);
                }
                // Residents see their own codes only, and a home that one was removed from is not there.
                Err(e) if matches!(e.exit, Exit::Refused | Exit::NotFound) => {
                    list.push(json!({ "id": id.to_string(), "error": e.code }));
                    rows.push([String::new(), e.code, id.to_string()]);
                }
                Err(e) => return Err(e),
            }
        }
        self.out.answer(&json!({ "homes": list }), || match rows.is_empty() {
            true => "No homes yet: latchkey home create.".into(),
            false => table(["home", "role", "id"], &rows),
        })
    }

    pub(super) fn home_command(&self, command: &HomeCommand) -> Result {
        match command {
            HomeCommand::Create { name, zone, house_number } => {
                self.create(name, zone, house_number.as_deref())
            }
            HomeCommand::Rename { name } => self.change_policy(|policy| {
                policy.name = name.trim().to_owned();
                Ok(())
            }),
            HomeCommand::Policy(args) if args.nothing() => {
                let client = self.client()?;
                let home = self.home(&client)?;
                self.tell_policy(&home)
            }
            HomeCommand::Policy(args) => self.change_policy(|policy| args.apply(policy)),
            HomeCommand::Issuing { switch, scope } => {
                let client = self.client()?;
                let mut home = self.home(&client)?;
                let on = *switch == Switch::On;
                let scope = if on { Some(home.scope(scope)?) } else { None };
                let change = home.composer()?.issuing(scope).told()?;
                home.submit(&change)?;
                self.out.answer(&json!({ "issuing": on }), || match on {
                    true => "The server may make guest codes within these limits. Its PINs are forgotten once sealed.".into(),
                    false => "Only people and hubs make codes.".into(),
                })
            }
        }
    }

    fn create(&self, name: &str, zone_name: &str, house_number: Option<&str>) -> Result {
        let client = self.client()?;
        let mut policy = Policy::new(name.trim(), zone(zone_name)?);
        policy.pin.house_number = house_number.map(str::to_owned).filter(|number| !number.is_empty());
        policy.validate().told()?;
        let issuer = client.get("/api/v1/issuer")?.json()?;
        let issuer =
            issuer["sign"].as_str().and_then(unb64url).and_then(|bytes| SignPublic::from_slice(&bytes));
        let issuer = issuer.ok_or_else(Failure::answer)?;
        let now = crate::client::now();
        let (id, bytes) =
            genesis(policy, client.keys()?, client.account.name.trim(), issuer, now, &mut rng()).told()?;
        client.send_cbor("POST", path::HOMES, &CreateHome { genesis: Blob(bytes) })?;
        let home = Home::load(&client, id)?;
        self.out.answer(&json!({ "id": id.to_string(), "name": home.name() }), || {
            format!("{} is there. Next: latchkey hubs pair.\n{id}", home.name())
        })
    }

    fn change_policy(&self, change: impl FnOnce(&mut Policy) -> Result) -> Result {
        let client = self.client()?;
        let mut home = self.home(&client)?;
        let mut policy = home.view.chain.policy().clone();
        change(&mut policy)?;
        policy.validate().told()?;
        if policy != *home.view.chain.policy() {
            home.submit(&Change::of(Body::SetPolicy(policy)))?;
        }
        self.tell_policy(&home)
    }

    fn tell_policy(&self, home: &Home<'_>) -> Result {
        let policy = home.view.chain.policy();
        self.out.answer(&policy_json(policy), || policy_text(policy))
    }
}

fn days(length: Seconds) -> u64 {
    length.0 / 86_400
}

fn policy_json(policy: &Policy) -> Value {
    json!({
        "name": policy.name, "zone": policy.zone.as_str(),
        "pin_min": policy.pin.min_len, "pin_max": policy.pin.max_len, "pin_length": policy.pin.default_len,
        "house_number": policy.pin.house_number, "offline_grace_days": days(policy.offline_grace),
        "quiet_days": policy.quiet_days.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "change_primary_after_days": policy.change_primary_after.map(days),
    })
}

fn policy_text(policy: &Policy) -> String {
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let length = policy.pin.default_len.map_or_else(|| "as the locks suggest".into(), |len| len.to_string());
    let change =
        policy.change_primary_after.map_or_else(|| "never".into(), |s| format!("after {} days", days(s)));
    [
        policy.name.clone(),
        format!("  zone                  {}", policy.zone),
        format!("  PIN digits            {} to {}, made: {length}", policy.pin.min_len, policy.pin.max_len),
        format!("  house number          {}", or_none(policy.pin.house_number.clone().unwrap_or_default())),
        format!("  offline grace         {} days", days(policy.offline_grace)),
        format!("  quiet days            {}", or_none(typed::write_dates(&policy.quiet_days))),
        format!("  change primary PINs   {change}"),
    ]
    .join("\n")
}

impl PolicyArgs {
    fn nothing(&self) -> bool {
        let Self { zone, pin_min, pin_max, pin_length, house_number, offline_grace, quiet_days, .. } = self;
        let numbers = [pin_min.is_some(), pin_max.is_some(), pin_length.is_some(), offline_grace.is_some()];
        let texts = [zone.is_some(), house_number.is_some(), quiet_days.is_some()];
        !numbers.into_iter().chain(texts).any(|given| given) && self.change_primary_after.is_none()
    }

    fn apply(&self, policy: &mut Policy) -> Result {
        if let Some(name) = &self.zone {
            policy.zone = zone(name)?;
        }
        policy.pin.min_len = self.pin_min.unwrap_or(policy.pin.min_len);
        policy.pin.max_len = self.pin_max.unwrap_or(policy.pin.max_len);
        if let Some(length) = self.pin_length {
            policy.pin.default_len = Some(length).filter(|length| *length > 0);
        }
        if let Some(number) = &self.house_number {
            policy.pin.house_number = Some(number.clone()).filter(|number| !number.is_empty());
        }
        policy.offline_grace = self.offline_grace.map_or(policy.offline_grace, Seconds::days);
        if let Some(dates) = &self.quiet_days {
            policy.quiet_days = typed::parse_dates(dates).told()?;
        }
        if let Some(days) = self.change_primary_after {
            policy.change_primary_after = Some(Seconds::days(days)).filter(|_| days > 0);
        }
        Ok(())
    }
}
