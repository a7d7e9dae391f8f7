//! Codes of a hub's doors that are given to another hub's: the same doors under new ids, when a hub is replaced.

use super::Home;
use super::batch::{Outcome, in_portions};
use super::mend::words;
use crate::hooks::HomeStore;
use crate::js;
use crate::problem::Problem;
use latchkey_shared::compose::{Change, Composer, Draft, ForGuest, LinkWish, PinWish};
use latchkey_shared::grant::Grant;
use latchkey_shared::id::{HubId, LockId};
use latchkey_shared::pin::{Broken, PinPolicy, PinRules};
use std::collections::BTreeMap;
use yew::Callback;

/// Which door takes the place of which.
pub type Doors = BTreeMap<LockId, LockId>;

/// A door, with its name and its hub's.
#[derive(Clone, PartialEq)]
pub struct Door {
    /// Its id.
    pub id: LockId,
    /// What people call it.
    pub name: String,
    /// What they call its hub.
    pub hub: String,
}

/// So many codes, in words.
pub fn codes(n: usize) -> String {
    if n == 1 { "1 code".to_owned() } else { format!("{n} codes") }
}

/// The doors of this hub, or those of all others.
pub fn doors(home: &Home, hub: &HubId, its: bool) -> Vec<Door> {
    let reports = home.reports.values().filter(|report| (report.hub == *hub) == its && !report.gone);
    let known = reports.filter(|report| home.chain.hubs().contains_key(&report.hub));
    let door = |report: &latchkey_shared::report::Report| Door {
        id: report.lock.id,
        name: report.lock.name.clone(),
        hub: home.hub_name(&report.hub),
    };
    known.map(door).collect()
}

/// For each door the one that is likely the same: the only one of its name or, if there is one here and one there, that.
pub fn likely(from: &[Door], to: &[Door]) -> Doors {
    let same = |door: &Door| {
        let mut named = to.iter().filter(|other| other.name.to_lowercase() == door.name.to_lowercase());
        let only = named.next().filter(|_| named.next().is_none());
        match (only, from, to) {
            (Some(only), ..) => Some(only.id),
            (None, [_], [only]) => Some(only.id),
            _ => None,
        }
    };
    from.iter().filter_map(|door| Some((door.id, same(door)?))).collect()
}

/// Codes that are in force, or will be, on these doors.
pub fn codes_on(home: &Home, doors: &[LockId]) -> Vec<Grant> {
    let now = home.now();
    let live = home.grants.values().filter(|put| put.revoked.is_none()).map(|put| &put.grant);
    let live = live.filter(|grant| grant.end().is_none_or(|end| end > now));
    live.filter(|grant| grant.locks.iter().any(|lock| doors.contains(lock))).cloned().collect()
}

/// The doors of a code with those that take others' places.
fn moved(locks: &[LockId], doors: &Doors) -> Vec<LockId> {
    let mut moved: Vec<LockId> = locks.iter().map(|lock| *doors.get(lock).unwrap_or(lock)).collect();
    moved.sort_unstable();
    moved.dedup();
    moved
}

/// What to know of a door before its codes go, or stay.
pub fn remark(home: &Home, door: &Door, from: &[Door], doors: &Doors) -> Option<String> {
    let its = codes_on(home, &[door.id]).len();
    let Some(there) = doors.get(&door.id) else {
        return match its {
            0 => None,
            1 => Some("Its code stays here. It opens nothing here once this hub is removed.".into()),
            _ => Some(format!("Its {its} codes stay here. They open nothing here once this hub is removed.")),
        };
    };
    let twin = |other: &&Door| other.id != door.id && doors.get(&other.id) == Some(there);
    if let Some(twin) = from.iter().find(twin) {
        return Some(format!("You chose the same for {}: the codes of both open it.", twin.name));
    }
    let lock = &home.reports.get(there)?.lock;
    let room = usize::from(lock.abilities.usable_slots());
    let from = doors.iter().filter(|(_, to)| *to == there).map(|(from, _)| *from).chain([*there]);
    let all = codes_on(home, &from.collect::<Vec<_>>()).len();
    (all > room).then(|| {
        let (name, room) = (&lock.name, codes(room));
        format!("{name} has room for {room} at a time, and {all} are for it then. What begins first gets a place, the rest waits.")
    })
}

/// Gives the codes to the new doors. PINs, hours and links stay as they are.
///
/// # Errors
/// What guests read could not be fetched: nothing was changed.
pub async fn move_codes(
    store: &HomeStore,
    home: &Home,
    grants: &[Grant],
    doors: &Doors,
    progress: &Callback<usize>,
) -> Result<Outcome, Problem> {
    let mut items: Vec<(&Grant, Option<ForGuest>)> = Vec::new();
    for grant in grants {
        let there = Grant { locks: moved(&grant.locks, doors), ..grant.clone() };
        items.push((grant, words(home, &there).await?));
    }
    let compose = |composer: &Composer<'_>, (old, words): &(&Grant, Option<ForGuest>)| {
        suits(home, old, doors)?;
        edit(composer, old, doors, words.as_ref())
    };
    Ok(in_portions(store, &items, compose, progress).await)
}

/// Refuses what the new lock would: the code goes on opening the old one until somebody decides. That the home asks more
/// of its PINs by now is no reason.
fn suits(home: &Home, grant: &Grant, doors: &Doors) -> Result<(), Problem> {
    // Whether it can be read is the composer's to say.
    let Some(pin) = home.open_pin(grant) else { return Ok(()) };
    for there in grant.locks.iter().filter_map(|lock| home.reports.get(doors.get(lock)?)) {
        let (name, abilities) = (&there.lock.name, &there.lock.abilities);
        let rules =
            PinRules::new(&PinPolicy::default(), &[abilities.pin_caps()]).map_err(|e| Problem::coded(&e))?;
        let (min, max, _) = rules.lengths();
        let broken = if !(min..=max).contains(&pin.digit_count()) {
            Some(Broken::Length { min, max })
        } else {
            (!pin.typed_with(rules.digits())).then(|| Broken::Missing { digits: rules.digits() })
        };
        if let Some(broken) = broken {
            let text = format!("{name} does not take its PIN. {}", broken.hint());
            return Err(Problem { code: "pin.refused".into(), text, next: String::new() });
        }
        if grant.counts_uses() && !abilities.tells_uses {
            let text = format!("{name} does not tell which code opened it, so uses cannot be counted.");
            return Err(Problem { code: "move.uses".into(), text, next: String::new() });
        }
    }
    Ok(())
}

fn edit(
    composer: &Composer<'_>,
    old: &Grant,
    doors: &Doors,
    words: Option<&ForGuest>,
) -> Result<Change, Problem> {
    let newest = composer.chain.grants().get(&old.id).map_or(old, |entry| &entry.grant);
    let draft = Draft { locks: moved(&newest.locks, doors), ..Draft::of(newest) };
    let wish = words.map_or(LinkWish::Keep, LinkWish::Show);
    let made = composer.edit(&old.id, &draft, PinWish::Keep, wish, &mut js::rng());
    made.map(|made| made.change).map_err(|e| Problem::coded(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(n: u8, name: &str) -> Door {
        Door { id: LockId([n; 16]), name: name.into(), hub: "Attic".into() }
    }

    #[test]
    fn doors_of_one_name_are_likely_the_same_and_what_is_not_clear_is_asked() {
        let from = [door(1, "Front door"), door(2, "Gate"), door(3, "Shed")];
        let to = [door(7, "gate"), door(8, "Front door"), door(9, "Front Door"), door(10, "Cellar")];
        assert_eq!(likely(&from, &to), Doors::from([(LockId([2; 16]), LockId([7; 16]))]));
        assert_eq!(likely(&from[..1], &to[3..]), Doors::from([(LockId([1; 16]), LockId([10; 16]))]));
        assert!(likely(&from, &[]).is_empty());
    }

    #[test]
    fn a_code_keeps_its_other_doors_and_has_none_twice() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|n| LockId([n; 16]));
        assert_eq!(moved(&[a, b, c], &Doors::from([(a, d), (b, d)])), [c, d]);
        assert_eq!(moved(&[b], &Doors::from([(a, d)])), [b]);
    }
}
