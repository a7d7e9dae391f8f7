//! Making and changing codes. Every revision seals its PIN anew, because a seal is bound to revision and locks.

use super::{Change, ComposeError, Composer, Refusal};
use crate::api::LinkUpload;
use crate::chain::op::Role;
use crate::chain::{Body, Epoch};
use crate::grant::{Grant, GrantError, GrantKind, LinkRef};
use crate::id::{GrantId, KeyId, LockId};
use crate::limits::MAX_EXTRA_SEALS;
use crate::link::{LinkContent, LinkSecret};
use crate::order::sorted;
use crate::pin::Pin;
use crate::schedule::{Buffers, Validity};
use crate::sealed::{Binding, SealedPin, SealedSecret, SelfSeal};
use crate::slot::LockAbilities;
use crate::time::{Seconds, Timestamp};
use crate::wire::cbor::Blob;
use crate::wire::hpke::SealError;
use rand_core::CryptoRng;

/// What a person decides about a code, but for its PIN and its link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// What kind of code.
    pub kind: GrantKind,
    /// What people call it.
    pub label: String,
    /// The locks, in any order.
    pub locks: Vec<LockId>,
    /// When it opens.
    pub validity: Validity,
    /// How often at most; `None` for any number.
    pub uses: Option<u32>,
    /// Whether it disarms the alarm.
    pub may_disarm: bool,
    /// The member whose code it is. Without the home key they get a seal of its PIN of their own.
    pub holder: Option<KeyId>,
}

/// What only the guest reads, beside the PIN.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ForGuest {
    /// The doors' names, as the guest knows them.
    pub doors: Vec<String>,
    /// A note to the guest; may be empty.
    pub note: String,
}

/// What is to become of a code's guest link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkWish<'a> {
    /// None, or what there is as it is: refused where it would show a wrong PIN, door or name.
    Keep,
    /// A link that shows this: the one there is, if its secret opens and it has not ended, or a new one.
    Show(&'a ForGuest),
    /// A new link that shows this. The one there is ends.
    Renew(&'a ForGuest),
    /// None. The one there is ends.
    End,
}

/// What is to become of a code's PIN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PinWish {
    /// It stays, and the member's keys open it.
    Keep,
    /// It stays, and this is it: whoever changes the code knows it from the guest's link.
    Same(Pin),
    /// It is replaced. Whether the new one is allowed is judged before.
    Change(Pin),
}

/// Another end for a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewEnd {
    /// When; `None` for no end.
    pub to: Option<Timestamp>,
    /// When the code was first used, as its hubs tell; see [`Validity::ending_at`].
    pub first_used: Option<Timestamp>,
}

/// A code that was made or changed.
pub struct Made {
    /// The grant as it will be.
    pub grant: Grant,
    /// What makes it so.
    pub change: Change,
    /// The secret of its link, where one was made or opened.
    pub link: Option<LinkSecret>,
}

impl Draft {
    /// A guest's code.
    pub fn guest(label: &str, locks: Vec<LockId>, validity: Validity) -> Self {
        let label = label.to_owned();
        Self { kind: GrantKind::Guest, label, locks, validity, uses: None, may_disarm: false, holder: None }
    }

    /// What an existing code says.
    pub fn of(grant: &Grant) -> Self {
        Self {
            kind: grant.kind,
            label: grant.label.clone(),
            locks: grant.locks.clone(),
            validity: grant.validity(),
            uses: grant.uses,
            may_disarm: grant.may_disarm,
            holder: grant.holder,
        }
    }

    /// Refuses what these locks cannot keep, though it is well formed.
    pub fn fits<'l>(&self, locks: impl IntoIterator<Item = &'l LockAbilities>) -> Result<(), Refusal> {
        let counted = self.uses.is_some() || self.validity.stay.is_some();
        let untold = counted && locks.into_iter().any(|lock| !lock.tells_uses);
        if untold { Err(Refusal::Uncounted) } else { Ok(()) }
    }

    /// Refuses what no grant can be, before there is a PIN.
    pub fn validate(&self) -> Result<(), GrantError> {
        let nothing = SealedPin { epoch: 1, sealed: Blob::default() };
        let parts = Parts {
            id: GrantId([0; 16]),
            rev: 1,
            draft: self,
            pin_set: self.validity.not_before,
            link: None,
            locks: ascending(&self.locks),
        };
        parts.grant(nothing, Vec::new()).validate()
    }
}

/// Locks in the one order that a grant has.
fn ascending(locks: &[LockId]) -> Vec<LockId> {
    let mut locks = sorted(locks.to_vec());
    locks.dedup();
    locks
}

/// A grant before its PIN and link are sealed into it.
struct Parts<'a> {
    id: GrantId,
    rev: u32,
    draft: &'a Draft,
    pin_set: Timestamp,
    link: Option<LinkRef>,
    /// Ascending.
    locks: Vec<LockId>,
}

impl Parts<'_> {
    fn grant(self, pin: SealedPin, self_seals: Vec<SelfSeal>) -> Grant {
        let Self { id, rev, draft, pin_set, link, locks } = self;
        let validity = &draft.validity;
        Grant {
            id,
            rev,
            kind: draft.kind,
            label: draft.label.clone(),
            not_before: validity.not_before,
            expires: validity.expires,
            schedule: validity.schedule.clone(),
            uses: draft.uses,
            may_disarm: draft.may_disarm,
            pin,
            holder: draft.holder,
            link,
            self_seals,
            days_off: validity.days_off.clone(),
            buffers: Some(validity.buffers).filter(|buffers| *buffers != Buffers::NONE),
            stay: validity.stay,
            suspended: validity.suspended,
            pin_set,
            locks,
        }
    }
}

impl Composer<'_> {
    /// Makes a code. [`LinkWish::Show`] and [`LinkWish::Renew`] give it a link, the others none.
    pub fn make(
        &self,
        draft: &Draft,
        pin: &Pin,
        wish: LinkWish<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Made, ComposeError> {
        let id = GrantId::generate(rng);
        let readers = self.readers(draft, &[]);
        let (link, secret) = match wish {
            LinkWish::Show(_) | LinkWish::Renew(_) => {
                let (link, secret) = self.new_link(&id, rng)?;
                (Some(link), Some(secret))
            }
            LinkWish::Keep | LinkWish::End => (None, None),
        };
        let parts = Parts { id, rev: 1, draft, pin_set: self.now, link, locks: ascending(&draft.locks) };
        let grant = self.seal(parts, pin, &readers, rng)?;
        Ok(self.made(grant, pin, secret, wish, rng))
    }

    /// Changes a code. `wish` is about its guest link: see [`LinkWish`].
    pub fn edit(
        &self,
        id: &GrantId,
        draft: &Draft,
        pin: PinWish,
        wish: LinkWish<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Made, ComposeError> {
        let old = self.grant(id)?;
        let known = self.open_pin(old);
        let (pin, new_pin) = match pin {
            PinWish::Keep => (known.ok_or(Refusal::NoPin)?, false),
            PinWish::Same(pin) => (pin, false),
            PinWish::Change(new) => {
                let differs = known.as_ref() != Some(&new);
                (new, differs)
            }
        };
        // No two PINs of a code share their time: by it readers of its history tell them apart.
        let later = old.pin_set.saturating_add(Seconds(1));
        let pin_set = if new_pin { self.now.max(later) } else { old.pin_set };
        let over = old.end().is_some_and(|end| end <= self.now);
        let locks = ascending(&draft.locks);
        let shows_else = new_pin || draft.label != old.label || locks != old.locks;
        let (link, secret) = match (wish, &old.link) {
            // The cloud forgot its content when the code ended, and an ended link never returns.
            (LinkWish::End, _) | (LinkWish::Keep, None) => (None, None),
            (LinkWish::Keep, Some(_)) if over => (None, None),
            (LinkWish::Keep, Some(_)) if shows_else => return Err(Refusal::StaleLink.into()),
            (LinkWish::Keep, Some(link)) => (Some(link.clone()), None),
            (LinkWish::Show(_), Some(link)) if !over && self.open_link(old).is_some() => {
                (Some(link.clone()), self.open_link(old))
            }
            (LinkWish::Show(_) | LinkWish::Renew(_), _) => {
                let (link, secret) = self.new_link(id, rng)?;
                (Some(link), Some(secret))
            }
        };
        let left = old.holder.filter(|holder| draft.holder != Some(*holder));
        let before: Vec<KeyId> =
            old.self_seals.iter().map(|seal| seal.to).filter(|to| Some(*to) != left).collect();
        let readers = self.readers(draft, &before);
        let rev = old.rev.saturating_add(1);
        let parts = Parts { id: *id, rev, draft, pin_set, link, locks };
        let grant = self.seal(parts, &pin, &readers, rng)?;
        Ok(self.made(grant, &pin, secret, wish, rng))
    }

    /// Changes when a code opens, with the same PIN and link: extend, shorten, other hours.
    pub fn reschedule(
        &self,
        id: &GrantId,
        validity: Validity,
        rng: &mut impl CryptoRng,
    ) -> Result<Made, ComposeError> {
        let old = self.grant(id)?;
        if validity == old.validity() {
            return Err(Refusal::Unchanged.into());
        }
        let draft = Draft { validity, ..Draft::of(old) };
        self.edit(id, &draft, PinWish::Keep, LinkWish::Keep, rng)
    }

    /// Gives a code another end, with the same PIN and link. `words` is what a new link shows where the old one ended
    /// with the code; without them it gets none.
    pub fn extend(
        &self,
        id: &GrantId,
        end: NewEnd,
        words: Option<&ForGuest>,
        rng: &mut impl CryptoRng,
    ) -> Result<Made, ComposeError> {
        let old = self.grant(id)?;
        let validity = old.validity().ending_at(end.first_used, end.to);
        if validity == old.validity() {
            return Err(Refusal::Unchanged.into());
        }
        let over = old.end().is_some_and(|end| end <= self.now);
        let wish = words.filter(|_| over && old.link.is_some()).map_or(LinkWish::Keep, LinkWish::Show);
        self.edit(id, &Draft { validity, ..Draft::of(old) }, PinWish::Keep, wish, rng)
    }

    /// Pauses a code or lets it go on.
    pub fn suspend(
        &self,
        id: &GrantId,
        suspended: bool,
        rng: &mut impl CryptoRng,
    ) -> Result<Made, ComposeError> {
        let validity = Validity { suspended, ..self.grant(id)?.validity() };
        self.reschedule(id, validity, rng)
    }

    /// Ends a code now. It can be extended again with the same PIN; one that has not begun is revoked instead.
    pub fn end_now(&self, id: &GrantId, rng: &mut impl CryptoRng) -> Result<Change, ComposeError> {
        let old = self.grant(id)?;
        if old.end().is_some_and(|end| end <= self.now) {
            return Err(Refusal::Over.into());
        }
        let mut validity = old.validity();
        if validity.not_before >= self.now {
            return self.revoke(&[*id]);
        }
        validity.expires = Some(self.now);
        validity.buffers.after = 0;
        self.reschedule(id, validity, rng).map(|made| made.change)
    }

    /// The same code once more, to undo a revocation. A revoked id never returns and a used PIN is never used again, so
    /// it gets a new id, this new PIN, and the link that `wish` says.
    pub fn again(
        &self,
        old: &Grant,
        pin: &Pin,
        wish: LinkWish<'_>,
        rng: &mut impl CryptoRng,
    ) -> Result<Made, ComposeError> {
        if old.end().is_some_and(|end| end <= self.now) {
            return Err(Refusal::Over.into());
        }
        let mut draft = Draft::of(old);
        draft.holder = draft.holder.filter(|holder| self.chain.members().contains_key(holder));
        self.make(&draft, pin, wish, rng)
    }

    /// Members without the home key who are to read this PIN: its maker, its holder, and who could read it before, as
    /// far as there is room.
    fn readers(&self, draft: &Draft, before: &[KeyId]) -> Vec<KeyId> {
        let mut readers = Vec::with_capacity(MAX_EXTRA_SEALS);
        for id in [self.keys.id()].into_iter().chain(draft.holder).chain(before.iter().copied()) {
            let role = self.chain.members().get(&id).map(|member| &member.role);
            let needs = matches!(role, Some(Role::Manager(_) | Role::Resident))
                && !role.is_some_and(Role::has_home_key);
            if needs && !readers.contains(&id) && readers.len() < MAX_EXTRA_SEALS {
                readers.push(id);
            }
        }
        sorted(readers)
    }

    fn new_link(
        &self,
        grant: &GrantId,
        rng: &mut impl CryptoRng,
    ) -> Result<(LinkRef, LinkSecret), SealError> {
        let Epoch { number, public, .. } = self.chain.epoch();
        let secret = LinkSecret::generate(rng);
        let sealed = SealedSecret::seal(&secret, self.chain.home(), grant, number, &public, rng)?;
        Ok((LinkRef { id: secret.id(), secret: sealed }, secret))
    }

    fn seal(
        &self,
        parts: Parts<'_>,
        pin: &Pin,
        readers: &[KeyId],
        rng: &mut impl CryptoRng,
    ) -> Result<Grant, ComposeError> {
        let Epoch { number, public, .. } = self.chain.epoch();
        let binding =
            Binding { home: self.chain.home(), grant: &parts.id, rev: parts.rev, locks: &parts.locks };
        let sealed = SealedPin::seal(pin, &binding, number, &public, rng)?;
        let mut self_seals = Vec::with_capacity(readers.len());
        for reader in readers.iter().filter_map(|id| self.chain.members().get(id)) {
            self_seals.push(SelfSeal::seal_to(pin, &binding, &reader.key, rng)?);
        }
        let grant = parts.grant(sealed, self_seals);
        grant.validate()?;
        Ok(grant)
    }

    /// The op, and what the link shows from now on.
    fn made(
        &self,
        grant: Grant,
        pin: &Pin,
        secret: Option<LinkSecret>,
        wish: LinkWish<'_>,
        rng: &mut impl CryptoRng,
    ) -> Made {
        let mut change = Change::of(Body::PutGrant(grant.clone()));
        if let (Some(secret), LinkWish::Show(words) | LinkWish::Renew(words)) = (&secret, wish) {
            change.links.push(self.upload(&grant, pin, secret, words, rng));
        }
        Made { grant, change, link: secret }
    }

    fn upload(
        &self,
        grant: &Grant,
        pin: &Pin,
        secret: &LinkSecret,
        words: &ForGuest,
        rng: &mut impl CryptoRng,
    ) -> LinkUpload {
        let doors: Vec<&str> = words.doors.iter().map(String::as_str).collect();
        let content = LinkContent {
            pin,
            home: self.chain.home(),
            home_name: &self.chain.policy().name,
            doors: &doors,
            label: &grant.label,
            note: &words.note,
        };
        let content = Blob(secret.encrypt(&content, rng));
        LinkUpload { id: secret.id(), grant: grant.id, auth_hash: secret.auth_hash(), content }
    }
}
