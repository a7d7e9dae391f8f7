//! A home: fetched, verified from its first op on, held against what this machine saw before, and changed.

use crate::args::{RoleArgs, RoleName, ScopeArgs};
use crate::client::{Client, now};
use crate::failure::{Exit, Failure, Result, Told};
use crate::pick::{Choice, pick};
use crate::state::{KnownHome, rng};
use latchkey_shared::api::{EventsPage, Snapshot, path};
use latchkey_shared::chain::op::{Manager, Role, Scope};
use latchkey_shared::compose::{Change, Composer, SignedChange};
use latchkey_shared::event::{Event, EventNames};
use latchkey_shared::exchange::csv::Door;
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, HomeId, HubId, KeyId, LockId};
use latchkey_shared::keys::HomeKey;
use latchkey_shared::pin::{LockPinCaps, Pin, PinDesk, PinRules, PinUse};
use latchkey_shared::schedule::Style;
use latchkey_shared::slot::LockAbilities;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::view::{HomeView, Put, Seen};
use latchkey_shared::zone::TzZone;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// A home, and who looks at it.
pub(crate) struct Home<'a> {
    pub(crate) client: &'a Client,
    pub(crate) id: HomeId,
    pub(crate) view: HomeView,
    pub(crate) zone: TzZone,
    pub(crate) style: Style,
    /// The server's clock minus ours, in seconds.
    offset: i64,
    home_keys: OnceCell<Vec<HomeKey>>,
    pins: OnceCell<BTreeMap<(GrantId, u32), Pin>>,
}

fn snapshot(client: &Client, id: &HomeId, after: Option<u64>) -> Result<Snapshot> {
    let query = after.map(|seq| format!("?after={seq}")).unwrap_or_default();
    client.get(&format!("{}{query}", path::snapshot(id)))?.cbor()
}

/// The ids of the account's homes, and of those that were joined and never fetched.
pub(crate) fn ids(client: &Client) -> Result<Vec<HomeId>> {
    let account = client.fetch_account()?;
    let homes = account["homes"].as_array().ok_or_else(Failure::answer)?;
    let listed: Option<Vec<HomeId>> = homes.iter().map(|home| home["home"].as_str()?.parse().ok()).collect();
    let mut ids = listed.ok_or_else(Failure::answer)?;
    for joined in client.state.joined()? {
        if !ids.contains(&joined) {
            ids.push(joined);
        }
    }
    Ok(ids)
}

fn zone_of(view: &HomeView) -> Result<TzZone> {
    let name = &view.chain.policy().zone;
    let unknown =
        || Failure::broken("zone.unknown", format!("This version does not know the zone {name}. Update it."));
    TzZone::by_name(name).ok_or_else(unknown)
}

impl<'a> Home<'a> {
    /// The home that is meant; the only one, if nothing is said.
    pub(crate) fn find(client: &'a Client, wanted: Option<&str>) -> Result<Self> {
        if let Some(id) = wanted.and_then(|text| HomeId::parse(text).ok()) {
            return Self::load(client, id);
        }
        let ids = ids(client)?;
        let id = match (wanted, ids.as_slice()) {
            (_, []) => {
                return Err(Failure::new(
                    Exit::NotFound,
                    "home.none",
                    "There is no home yet: latchkey home create.",
                ));
            }
            (None, [only]) => *only,
            (None, _) => {
                return Err(Failure::usage("home.which", "There are several homes. Say which: --home NAME."));
            }
            (Some(wanted), ids) => {
                let mut choices = Vec::new();
                for id in ids {
                    let known = client.state.known(id)?.map(|known| known.name);
                    // A name that is not known here yet is fetched, and verified with the rest.
                    let fetched = || match Self::load(client, *id) {
                        Ok(home) => Ok(Some(home.name().to_owned())),
                        // One that does not show itself to this member cannot be meant.
                        Err(e) if matches!(e.exit, Exit::NotFound | Exit::Refused) => Ok(None),
                        Err(e) => Err(e),
                    };
                    let Some(name) = known.map_or_else(fetched, |name| Ok(Some(name)))? else { continue };
                    choices.push(Choice { id: id.to_string(), name, value: *id });
                }
                pick("home", wanted, choices)?
            }
        };
        Self::load(client, id)
    }

    /// Fetches and verifies a home, and remembers what was seen of it.
    pub(crate) fn load(client: &'a Client, id: HomeId) -> Result<Self> {
        let known = client.state.known(&id)?;
        let snapshot = snapshot(client, &id, None)?;
        let view = HomeView::open(&id, &snapshot, known.map(|known| known.seen).as_ref()).told()?;
        let zone = zone_of(&view)?;
        let offset = snapshot.now.0 as i64 - now().0 as i64;
        let (home_keys, pins) = (OnceCell::new(), OnceCell::new());
        let home = Self { client, id, view, zone, style: Style::default(), offset, home_keys, pins };
        home.remember()?;
        Ok(home)
    }

    fn remember(&self) -> Result {
        let (seen, name) = (Seen::of(&self.view.chain), self.name().to_owned());
        self.client.state.keep(&KnownHome { id: self.id, seen, name })
    }

    fn refresh(&mut self) -> Result {
        let news = snapshot(self.client, &self.id, Some(self.view.chain.seq()))?;
        self.view.update(&news).told()?;
        self.zone = zone_of(&self.view)?;
        (self.home_keys, self.pins) = (OnceCell::new(), OnceCell::new());
        self.remember()
    }

    /// The server's clock.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp((now().0 as i64 + self.offset).max(0) as u64)
    }

    pub(crate) fn name(&self) -> &str {
        &self.view.chain.policy().name
    }

    fn home_keys(&self) -> Result<&[HomeKey]> {
        if self.home_keys.get().is_none() {
            let keys = self.view.home_keys(self.client.keys()?);
            let _ = self.home_keys.set(keys);
        }
        Ok(self.home_keys.get().map(Vec::as_slice).unwrap_or_default())
    }

    /// What composes changes as this member.
    pub(crate) fn composer(&self) -> Result<Composer<'_>> {
        Ok(self.view.composer(self.client.keys()?, self.home_keys()?, self.now()))
    }

    /// Signs a change, sends it, and takes it in. If somebody else was faster, it is made once more on top of that.
    pub(crate) fn submit(&mut self, change: &Change) -> Result {
        match self.submit_once(change) {
            Err(e) if e.code == "chain.conflict" => {
                self.refresh()?;
                self.submit_once(change)
            }
            result => result,
        }
    }

    fn submit_once(&mut self, change: &Change) -> Result {
        let SignedChange { submit, chain } =
            change.sign(&self.view.chain, self.client.keys()?, self.now()).told()?;
        let sent = self.client.send_cbor("POST", &path::ops(&self.id), &submit);
        if let Err(failure) = sent {
            // The answer may be all that was lost: the chain knows.
            let lost = matches!(failure.exit, Exit::Network | Exit::Broken);
            if !lost || self.refresh().is_err() || self.view.op_hash(chain.seq()) != Some(chain.hash()) {
                return Err(failure);
            }
            return Ok(());
        }
        // It is done, whatever becomes of looking at it again; but an alarm is told.
        match self.refresh() {
            Err(failure) if failure.exit == Exit::Alarm => Err(failure),
            _ => Ok(()),
        }
    }

    /// A code's PIN, if this member's keys open it.
    pub(crate) fn open_pin(&self, grant: &Grant) -> Result<Option<Pin>> {
        Ok(self.pins()?.get(&(grant.id, grant.rev)).cloned())
    }

    /// Every PIN of every revision that opens.
    fn pins(&self) -> Result<&BTreeMap<(GrantId, u32), Pin>> {
        if self.pins.get().is_none() {
            let composer = self.composer()?;
            let grants = self.view.revisions();
            let open = grants.filter_map(|grant| Some(((grant.id, grant.rev), composer.open_pin(&grant)?)));
            let _ = self.pins.set(open.collect());
        }
        self.pins.get().ok_or_else(Failure::answer)
    }

    /// What these locks can do, as far as it is known.
    pub(crate) fn abilities<'h>(&'h self, locks: &[LockId]) -> Vec<&'h LockAbilities> {
        let reports = locks.iter().filter_map(|lock| self.view.reports.get(lock));
        reports.map(|report| &report.lock.abilities).collect()
    }

    /// The rules for PINs on these locks.
    pub(crate) fn pin_rules(&self, locks: &[LockId]) -> Result<PinRules> {
        let caps: Vec<LockPinCaps> = self.abilities(locks).iter().map(|lock| lock.pin_caps()).collect();
        PinRules::new(&self.view.chain.policy().pin, &caps).map_err(|e| Failure::refused(e.code(), e.hint()))
    }

    /// What PINs a code on these locks may have. `taken` are PINs of codes that are about to be made.
    pub(crate) fn desk(&self, locks: &[LockId], except: Option<GrantId>, taken: &[Pin]) -> Result<PinDesk> {
        let rules = self.pin_rules(locks)?;
        let mut desk = PinDesk::new(rules);
        let pins = self.pins()?;
        let open = |grant: &Grant| pins.get(&(grant.id, grant.rev)).cloned();
        let revisions = self.view.revisions().map(Box::new);
        desk.note_home(&self.view.chain, revisions, open, locks, except, self.now());
        for pin in taken {
            desk.note(pin.clone(), PinUse::Here);
        }
        Ok(desk)
    }

    /// A new PIN.
    pub(crate) fn new_pin(&self, locks: &[LockId], except: Option<GrantId>, taken: &[Pin]) -> Result<Pin> {
        let desk = self.desk(locks, except, taken)?;
        desk.generate(&mut rng()).map_err(|e| Failure::refused(e.code(), e.hint()))
    }

    /// The doors and what they are called.
    pub(crate) fn doors(&self) -> Vec<Door> {
        self.view.reports.values().map(|report| (report.lock.id, report.lock.name.clone())).collect()
    }

    pub(crate) fn pick_door(&self, wanted: &str) -> Result<LockId> {
        let doors = self.doors().into_iter();
        pick("door", wanted, doors.map(|(id, name)| Choice { id: id.to_string(), name, value: id }).collect())
    }

    pub(crate) fn pick_doors(&self, wanted: &[String]) -> Result<Vec<LockId>> {
        wanted.iter().map(|door| self.pick_door(door)).collect()
    }

    /// A code: a live one if there is one of that name, else any.
    pub(crate) fn pick_code(&self, wanted: &str) -> Result<&Put> {
        let now = self.now();
        let over = |put: &Put| put.revoked.is_some() || put.grant.end().is_some_and(|end| end <= now);
        let choices = |live: bool| -> Vec<Choice<&Put>> {
            let puts = self.view.grants.values().map(|put| &**put).filter(|put| !(live && over(put)));
            puts.map(|put| Choice { id: put.grant.id.to_string(), name: put.grant.label.clone(), value: put })
                .collect()
        };
        match pick("code", wanted, choices(true)) {
            Err(e) if e.code == "pick.none" => pick("code", wanted, choices(false)),
            result => result,
        }
    }

    pub(crate) fn pick_codes(&self, wanted: &[String]) -> Result<Vec<GrantId>> {
        let mut ids: Vec<GrantId> =
            wanted.iter().map(|code| self.pick_code(code).map(|put| put.grant.id)).collect::<Result<_>>()?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    pub(crate) fn pick_member(&self, wanted: &str) -> Result<KeyId> {
        let members = self.view.chain.members().iter();
        let choice = |(id, member): (&KeyId, &latchkey_shared::chain::Member)| Choice {
            id: id.to_string(),
            name: member.key.name.clone(),
            value: *id,
        };
        pick("member", wanted, members.map(choice).collect())
    }

    pub(crate) fn pick_hub(&self, wanted: &str) -> Result<HubId> {
        let hubs = self.view.chain.hubs().iter();
        let choices =
            hubs.map(|(id, hub)| Choice { id: id.to_string(), name: hub.key.name.clone(), value: *id });
        pick("hub", wanted, choices.collect())
    }

    /// What a member or a hub is called.
    pub(crate) fn key_name(&self, key: &KeyId) -> String {
        let member = self.view.chain.members().get(key).map(|member| member.key.name.clone());
        let hubs = || self.view.chain.hubs().values().find(|hub| hub.key.id() == *key);
        member
            .or_else(|| hubs().map(|hub| hub.key.name.clone()))
            .unwrap_or_else(|| "Somebody who left".into())
    }

    /// A role as it was said on the command line.
    pub(crate) fn role(&self, args: &RoleArgs) -> Result<Role> {
        Ok(match args.role {
            RoleName::Owner => Role::Owner,
            RoleName::Resident => Role::Resident,
            RoleName::Manager => {
                Role::Manager(Manager { scope: self.scope(&args.scope)?, sees_pins: args.sees_pins })
            }
        })
    }

    /// Limits as they were said on the command line.
    pub(crate) fn scope(&self, args: &ScopeArgs) -> Result<Scope> {
        let mut locks = self.pick_doors(&args.doors)?;
        locks.sort_unstable();
        locks.dedup();
        let mut kinds: Vec<GrantKind> = args.kinds.iter().map(|kind| (*kind).into()).collect();
        if kinds.is_empty() {
            kinds.push(GrantKind::Guest);
        }
        kinds.sort_unstable();
        kinds.dedup();
        let locks = if locks.is_empty() { None } else { Some(locks) };
        Ok(Scope { locks, max_length: args.max_days.map(Seconds::days), kinds })
    }

    /// A page of the log, newest first, each event verified by itself.
    pub(crate) fn events(&self, before: Option<u64>, limit: usize) -> Result<(Vec<Event>, Option<u64>)> {
        let before = before.map(|cursor| format!("&before={cursor}")).unwrap_or_default();
        let page: EventsPage =
            self.client.get(&format!("{}?limit={limit}{before}", path::events(&self.id)))?.cbor()?;
        let mut events = Vec::with_capacity(page.events.len());
        for bytes in &page.events {
            let unknown = || {
                Failure::new(
                    Exit::Alarm,
                    "event.unknown_hub",
                    "The log names a hub that this home never had.",
                )
            };
            let (_, hub) = Event::claimed_source(bytes).ok_or_else(Failure::answer)?;
            let key = self.view.chain.hub_key(&hub).ok_or_else(unknown)?;
            let verified = Event::verify(bytes, &self.id, &hub, key);
            let (event, _) = verified.map_err(|e| Failure::new(Exit::Alarm, e.code(), e.hint()))?;
            events.push(event);
        }
        Ok((events, page.next))
    }
}

impl EventNames for Home<'_> {
    fn lock(&self, id: &LockId) -> String {
        let report = self.view.reports.get(id);
        report.map_or_else(|| "A lock that is gone".into(), |report| report.lock.name.clone())
    }

    fn has_lock(&self, id: &LockId) -> bool {
        self.view.reports.contains_key(id)
    }

    fn code(&self, id: &GrantId) -> String {
        self.view.grants.get(id).map_or_else(|| "A code".into(), |put| put.grant.label.clone())
    }

    fn hub(&self, id: &HubId) -> String {
        let entry = self.view.chain.hubs().get(id);
        entry.map_or_else(|| "A hub that was removed".into(), |entry| entry.key.name.clone())
    }
}
