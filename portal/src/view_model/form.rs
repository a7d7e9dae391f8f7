//! The form in which a code is made or edited: what was chosen so far, and the change that comes of it.

use super::Home;
use super::pin_desk::PinDesk;
use super::when::When;
use crate::js;
use crate::problem::Problem;
use latchkey_shared::chain::op::{Role, Scope};
use latchkey_shared::compose::{Change, Composer, Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::grant::{Grant, GrantError, GrantKind};
use latchkey_shared::id::{GrantId, KeyId, LockId};
use latchkey_shared::limits::MAX_LINK_BYTES;
use latchkey_shared::pin::Pin;
use std::rc::Rc;
use yew::Reducible;

/// Where the PIN comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PinChoice {
    /// The code keeps the one that it has.
    Keep,
    /// It is made to fit.
    Make,
    /// It is typed.
    Type,
}

/// What was chosen so far.
#[derive(Clone, PartialEq, Debug)]
pub struct Form {
    /// The code that is edited.
    pub id: Option<GrantId>,
    /// What kind of code.
    pub kind: GrantKind,
    /// Whom it is for.
    pub label: String,
    /// A note to the guest; may be empty.
    pub note: String,
    /// Whether an existing link's note could not be read back.
    pub note_lost: bool,
    /// The member whose code it is.
    pub holder: Option<KeyId>,
    /// The doors, ascending.
    pub locks: Vec<LockId>,
    /// When.
    pub when: When,
    /// Whether it disarms the alarm.
    pub may_disarm: bool,
    /// Where the PIN comes from.
    pub pin: PinChoice,
    /// The PIN that was typed.
    pub typed: String,
}

/// One change of the form. It is applied to the form as it is by then, so that quick typing loses nothing.
#[derive(Clone)]
pub struct Edit(Rc<dyn Fn(&mut Form)>);

impl Edit {
    /// Changes the form.
    pub fn new(change: impl Fn(&mut Form) + 'static) -> Self {
        Self(Rc::new(change))
    }
}

impl Reducible for Form {
    type Action = Edit;

    fn reduce(self: Rc<Self>, edit: Edit) -> Rc<Self> {
        let mut form = (*self).clone();
        (edit.0)(&mut form);
        Rc::new(form)
    }
}

/// The code that is edited, as it was when the form was filled.
#[derive(Clone, PartialEq, Debug)]
pub struct Base {
    /// Its revision then.
    pub grant: Grant,
    /// The note that its link shows, once that is known.
    pub note: Option<String>,
}

/// What became of saving.
pub struct Saved {
    /// The code.
    pub id: GrantId,
    /// Whether its guest needs the link once more.
    pub new_link: bool,
}

/// What a member may make: `None` if nothing.
pub fn scope(home: &Home) -> Option<Scope> {
    match home.composer().role()? {
        Role::Owner => Some(Scope { locks: None, max_length: None, kinds: GrantKind::ALL.to_vec() }),
        Role::Manager(manager) => Some(manager.scope.clone()),
        Role::Issuer(_) | Role::Resident => None,
    }
}

fn refused(e: GrantError) -> Problem {
    Problem::coded(&e)
}

impl Form {
    /// An empty one.
    pub fn new(home: &Home) -> Self {
        let scope = scope(home);
        let may = |kind| scope.as_ref().is_none_or(|scope| scope.kinds.contains(&kind));
        let kind = if may(GrantKind::Guest) { GrantKind::Guest } else { GrantKind::Standard };
        let mut locks: Vec<LockId> = home.reports.keys().copied().collect();
        if let Some(only) = scope.as_ref().and_then(|scope| scope.locks.as_ref()) {
            locks.retain(|lock| only.contains(lock));
        }
        if locks.len() > 1 {
            // One door needs no choice.
            locks.clear();
        }
        Self {
            id: None,
            kind,
            label: String::new(),
            note: String::new(),
            note_lost: false,
            holder: None,
            locks,
            when: When::new(kind, home.now(), &*home.zone),
            may_disarm: kind != GrantKind::Guest,
            pin: PinChoice::Make,
            typed: String::new(),
        }
    }

    /// Filled with an existing code.
    pub fn of(home: &Home, grant: &Grant) -> Self {
        Self {
            id: Some(grant.id),
            kind: grant.kind,
            label: grant.label.clone(),
            note: String::new(),
            note_lost: false,
            holder: grant.holder,
            locks: grant.locks.clone(),
            when: When::of(grant, home.now(), &*home.zone),
            may_disarm: grant.may_disarm,
            pin: if home.open_pin(grant).is_some() { PinChoice::Keep } else { PinChoice::Make },
            typed: String::new(),
        }
    }

    /// Takes another kind.
    pub fn set_kind(&mut self, kind: GrantKind) {
        self.kind = kind;
        self.when = self.when.clone().for_kind(kind);
        self.may_disarm = kind != GrantKind::Guest;
        if kind == GrantKind::Guest {
            self.holder = None;
        }
    }

    /// What was decided, but for PIN and link.
    pub fn draft(&self, home: &Home) -> Result<Draft, Problem> {
        let label = self.label.trim().to_owned();
        if !latchkey_shared::grant::name_ok(&label) {
            return Err(refused(GrantError::Label));
        }
        if self.locks.is_empty() {
            return Err(refused(GrantError::Locks));
        }
        if self.note.trim().len() > MAX_LINK_BYTES / 4 {
            return Err(Problem::new("link.note".into(), "The note is too long.".into(), String::new()));
        }
        let validity = self.when.validity(home.now(), &*home.zone)?;
        let uses = self.when.uses()?;
        let (kind, locks, may_disarm, holder) = (self.kind, self.locks.clone(), self.may_disarm, self.holder);
        if kind == GrantKind::Guest && validity.expires.is_none() {
            return Err(refused(GrantError::NeedsEnd));
        }
        let draft = Draft { kind, label, locks, validity, uses, may_disarm, holder };
        draft.fits(home.abilities(&draft.locks)).map_err(|e| Problem::coded(&e))?;
        Ok(draft)
    }

    /// The new PIN; `None` if the code keeps its own.
    fn new_pin(&self, home: &Home, edited: Option<GrantId>) -> Result<Option<Pin>, Problem> {
        let desk = || PinDesk::new(home, &self.locks, edited);
        match self.pin {
            PinChoice::Keep => Ok(None),
            PinChoice::Make => desk()?.generate().map(Some),
            PinChoice::Type => {
                let judged = desk()?.check(&self.typed);
                let broken =
                    |why: Vec<String>| Problem::new("pin.refused".into(), why.join(" "), String::new());
                judged.map(Some).map_err(broken)
            }
        }
    }

    /// A PIN that is kept must be right for doors that are added, too.
    fn check_kept(&self, home: &Home, old: &Grant) -> Result<(), Problem> {
        let Some(pin) = home.open_pin(old) else { return Ok(()) };
        let judged = PinDesk::new(home, &self.locks, Some(old.id))?.check(pin.expose());
        judged.map(|_| ()).map_err(|why| Problem {
            code: "pin.refused".into(),
            text: format!("Its PIN is not right for these doors. {}", why.join(" ")),
            next: "Choose “New one” under PIN.".into(),
        })
    }

    fn words(&self, home: &Home) -> ForGuest {
        let doors = self.locks.iter().map(|lock| home.lock_name(lock)).collect();
        ForGuest { doors, note: self.note.trim().to_owned() }
    }

    /// What makes the code.
    pub fn make(&self, home: &Home) -> Result<impl Fn(&Composer<'_>) -> Made + use<>, Problem> {
        let (draft, words) = (self.draft(home)?, self.words(home));
        let pin = self.new_pin(home, None)?.ok_or_else(Problem::bug)?;
        Ok(move |composer: &Composer<'_>| {
            let wish = if draft.kind == GrantKind::Guest { LinkWish::Show(&words) } else { LinkWish::Keep };
            let made = composer.make(&draft, &pin, wish, &mut js::rng()).map_err(|e| Problem::coded(&e))?;
            Ok((made.change, Saved { id: made.grant.id, new_link: made.link.is_some() }))
        })
    }

    /// What edits the code, if nobody else did in the meantime; `None` if nothing would change.
    pub fn edit(
        &self,
        home: &Home,
        base: &Base,
    ) -> Result<Option<impl Fn(&Composer<'_>) -> Made + use<>>, Problem> {
        let (draft, words, old) = (self.draft(home)?, self.words(home), base.grant.clone());
        let pin = self.new_pin(home, Some(old.id))?;
        if pin.is_none() && draft.locks.iter().any(|lock| !old.locks.contains(lock)) {
            self.check_kept(home, &old)?;
        }
        let note_changed = base.note.as_ref().map_or(!words.note.is_empty(), |note| *note != words.note);
        let shows_else =
            pin.is_some() || draft.label != old.label || draft.locks != old.locks || note_changed;
        if draft == Draft::of(&old) && !shows_else {
            return Ok(None);
        }
        Ok(Some(move |composer: &Composer<'_>| {
            let newest = composer.chain.grants().get(&old.id).map(|entry| &entry.grant);
            let newest = newest.ok_or_else(|| Problem::of("code.revoked_meanwhile"))?;
            if newest.rev != old.rev {
                return Err(Problem::of("code.changed_meanwhile"));
            }
            let over = old.end().is_some_and(|end| end <= composer.now);
            let wish = match &old.link {
                Some(_) if shows_else || over => LinkWish::Show(&words),
                _ => LinkWish::Keep,
            };
            let pin = pin.clone().map_or(PinWish::Keep, PinWish::Change);
            let made =
                composer.edit(&old.id, &draft, pin, wish, &mut js::rng()).map_err(|e| Problem::coded(&e))?;
            let link = |grant: &Grant| grant.link.as_ref().map(|link| link.id);
            let new_link = made.grant.link.is_some() && link(&made.grant) != link(&old);
            Ok((made.change, Saved { id: old.id, new_link }))
        }))
    }
}

/// A change, and what to say about it.
pub type Made = Result<(Change, Saved), Problem>;

/// (name, what it is) of a kind, where one is chosen.
pub fn kind_words(kind: GrantKind) -> (&'static str, &'static str) {
    match kind {
        GrantKind::Guest => (
            "Guest",
            "For visitors, cleaners, deliveries. It ends by itself, and you can share it as a link.",
        ),
        GrantKind::Standard => {
            ("Family", "For people who live here. It needs no end, and it may disarm the alarm.")
        }
        GrantKind::Primary => ("Owner", "Like a family code. It also opens the hub’s panel."),
        GrantKind::Duress => ("Duress", "Opens like an owner’s code, and raises a silent alarm."),
    }
}
