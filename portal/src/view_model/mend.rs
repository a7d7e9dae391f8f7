//! Small changes of a code, each from where its need shows: another PIN, another name, a holder, a pause, the end.

use super::Home;
use super::batch::KnownPins;
use super::pin_desk::PinDesk;
use crate::api::homes;
use crate::hooks::HomeStore;
use crate::js;
use crate::problem::Problem;
use latchkey_shared::compose::{Change, Composer, Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::grant::{Grant, GrantKind};
use latchkey_shared::id::{GrantId, KeyId};
use latchkey_shared::pin::Pin;

fn gone() -> Problem {
    Problem::of("compose.gone")
}

fn live(home: &Home, id: &GrantId) -> Result<Grant, Problem> {
    home.chain.grants().get(id).map(|entry| entry.grant.clone()).ok_or_else(gone)
}

/// What the guest reads beside the PIN. The note stands nowhere but behind the link, so it is fetched from there.
pub(super) async fn words(home: &Home, grant: &Grant) -> Result<Option<ForGuest>, Problem> {
    if grant.link.is_none() {
        return Ok(None);
    }
    let doors = grant.locks.iter().map(|lock| home.lock_name(lock)).collect();
    let note = match home.composer().open_link(grant) {
        Some(secret) => match homes::link_note(&secret).await {
            Ok(note) => note,
            // Silence must not cost the guest the note.
            Err(problem) if problem.unanswered() => return Err(problem),
            Err(_) => String::new(),
        },
        None => String::new(),
    };
    Ok(Some(ForGuest { doors, note }))
}

async fn edit(
    store: &HomeStore,
    home: &Home,
    old: &Grant,
    draft: Draft,
    pin: Option<Pin>,
) -> Result<(), Problem> {
    let words = words(home, old).await?;
    let wish = || words.as_ref().map_or(LinkWish::Keep, LinkWish::Show);
    store
        .change(|composer| {
            let pin = pin.clone().map_or(PinWish::Keep, PinWish::Change);
            let made = composer.edit(&old.id, &draft, pin, wish(), &mut js::rng());
            made.map(|made| (made.change, ())).map_err(|e| Problem::coded(&e))
        })
        .await
}

/// Gives a code a new PIN. Everything else stays, the guest's link shows the new one.
pub async fn change_pin(store: &HomeStore, home: &Home, id: GrantId) -> Result<(), Problem> {
    let old = live(home, &id)?;
    let pin = PinDesk::new(home, &old.locks, Some(id))?.generate()?;
    edit(store, home, &old, Draft::of(&old), Some(pin)).await
}

/// Gives a code another name. PIN and link stay.
pub async fn rename(store: &HomeStore, home: &Home, id: GrantId, label: &str) -> Result<(), Problem> {
    let old = live(home, &id)?;
    let draft = Draft { label: label.trim().to_owned(), ..Draft::of(&old) };
    edit(store, home, &old, draft, None).await
}

/// Says whose code it is. PIN and link stay.
pub async fn give_to(store: &HomeStore, home: &Home, id: GrantId, holder: KeyId) -> Result<(), Problem> {
    let old = live(home, &id)?;
    edit(store, home, &old, Draft { holder: Some(holder), ..Draft::of(&old) }, None).await
}

/// Ends a code for good.
pub fn revoke(composer: &Composer<'_>, id: &GrantId) -> Result<Change, Problem> {
    composer.revoke(&[*id]).map_err(|e| Problem::coded(&e))
}

/// Pauses a code or lets it go on.
pub fn suspend(composer: &Composer<'_>, id: &GrantId, suspended: bool) -> Result<Change, Problem> {
    composer.suspend(id, suspended, &mut js::rng()).map(|made| made.change).map_err(|e| Problem::coded(&e))
}

/// A revoked code that is to be issued once more, with a new PIN.
pub struct Again {
    /// As it was.
    pub old: Grant,
    pin: Pin,
    words: Option<ForGuest>,
}

impl Again {
    /// Makes new PINs for all of them. What has ended meanwhile is left out. A note to a guest went with the link.
    pub async fn of(home: &Home, old: Vec<Grant>) -> Result<Vec<Self>, Problem> {
        let mut known = KnownPins::read(home).await;
        let now = home.now();
        let lasting = old.into_iter().filter(|grant| grant.end().is_none_or(|end| end > now));
        let mut all = Vec::new();
        for old in lasting {
            let pin = known.make(home, &old.locks)?;
            let doors = old.locks.iter().map(|lock| home.lock_name(lock)).collect();
            let shared = old.kind == GrantKind::Guest || old.link.is_some();
            let words = shared.then(|| ForGuest { doors, note: String::new() });
            all.push(Self { old, pin, words });
        }
        Ok(all)
    }

    /// Issues it.
    pub fn issue(&self, composer: &Composer<'_>) -> Result<Change, Problem> {
        let wish = self.words.as_ref().map_or(LinkWish::Keep, LinkWish::Show);
        let made = composer.again(&self.old, &self.pin, wish, &mut js::rng());
        made.map(|made| made.change).map_err(|e| Problem::coded(&e))
    }
}
