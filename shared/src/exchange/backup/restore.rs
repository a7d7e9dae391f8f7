//! What a backup becomes in a home: the same codes with the same PINs, on the doors of the same names.

use super::{Backup, BackupCode};
use crate::compose::Draft;
use crate::grant::GrantError;
use crate::id::{KeyId, LockId};
use crate::pin::Pin;
use crate::time::Timestamp;

/// A code that can be made anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// The code.
    pub draft: Draft,
    /// The PIN that it had. Whether the home's rules still allow it is judged by the caller.
    pub pin: Pin,
    /// Whether a guest had a link, which is to be made anew.
    pub had_link: bool,
    /// What does not come back.
    pub lost: Vec<Loss>,
}

/// Something of a code that does not come back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// A door that this home does not have, or has twice.
    Door(String),
    /// The member whose code it was is not in this home.
    Holder(String),
}

/// A code that is not made anew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// What it was called.
    pub label: String,
    /// Why.
    pub why: LeftWhy,
}

/// Why a code is left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LeftWhy {
    /// It has ended.
    Over,
    /// This home has none of its doors, named here.
    NoDoor(Vec<String>),
    /// It is not well formed.
    Malformed(GrantError),
}

/// What can be made of a backup in a home with these doors. `me` takes the place of who made the backup; `members` are the
/// home's.
pub fn plan(
    backup: &Backup,
    doors: &[(LockId, String)],
    me: KeyId,
    members: &[KeyId],
    now: Timestamp,
) -> (Vec<Restored>, Vec<Left>) {
    let (mut restored, mut left) = (Vec::new(), Vec::new());
    for code in &backup.codes {
        match restore(backup, code, doors, me, members, now) {
            Ok(code) => restored.push(code),
            Err(why) => left.push(Left { label: code.label.clone(), why }),
        }
    }
    (restored, left)
}

fn restore(
    backup: &Backup,
    code: &BackupCode,
    doors: &[(LockId, String)],
    me: KeyId,
    members: &[KeyId],
    now: Timestamp,
) -> Result<Restored, LeftWhy> {
    if code.validity.term().1.is_some_and(|end| end <= now) {
        return Err(LeftWhy::Over);
    }
    let (mut locks, mut lost) = (Vec::new(), Vec::new());
    for lock in &code.locks {
        match door(backup, lock, doors) {
            Ok(lock) => locks.push(lock),
            Err(name) => lost.push(name),
        }
    }
    if locks.is_empty() {
        return Err(LeftWhy::NoDoor(lost));
    }
    let mut lost: Vec<Loss> = lost.into_iter().map(Loss::Door).collect();
    let holder = code.holder.and_then(|holder| {
        let here = if holder == backup.by { me } else { holder };
        if members.contains(&here) {
            return Some(here);
        }
        let name = backup.people.iter().find(|person| person.key == holder).map(|person| person.name.clone());
        lost.push(Loss::Holder(name.unwrap_or_default()));
        None
    });
    let draft = Draft {
        kind: code.kind,
        label: code.label.clone(),
        locks,
        validity: code.validity.clone(),
        uses: code.uses,
        may_disarm: code.may_disarm,
        holder,
    };
    draft.validate().map_err(LeftWhy::Malformed)?;
    Ok(Restored { draft, pin: code.pin.0.clone(), had_link: code.had_link, lost })
}

/// The door of a backup's lock: the same lock, or the only one of the same name.
fn door(backup: &Backup, lock: &LockId, doors: &[(LockId, String)]) -> Result<LockId, String> {
    if doors.iter().any(|(id, _)| id == lock) {
        return Ok(*lock);
    }
    let name = backup.doors.iter().find(|door| door.lock == *lock).map(|door| door.name.clone());
    let name = name.unwrap_or_else(|| lock.to_string());
    let mut same = doors.iter().filter(|(_, other)| other.to_lowercase() == name.to_lowercase());
    match (same.next(), same.next()) {
        (Some((id, _)), None) => Ok(*id),
        _ => Err(name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BackupError, NamedDoor, Person};
    use super::*;
    use crate::grant::Grant;
    use crate::grant::GrantKind;
    use crate::keys::Kit;
    use crate::testing::{TestHome, rng};
    use crate::time::Seconds;

    const FRONT: LockId = LockId([1; 16]);
    const BACK: LockId = LockId([2; 16]);
    const CELLAR: LockId = LockId([3; 16]);
    const ME: KeyId = KeyId([9; 16]);
    const NOW: Timestamp = TestHome::BEGINNING;

    fn backup() -> Backup {
        let mut home = TestHome::new(80);
        let pin = |digits: &str| Pin::parse(digits).unwrap();
        let both = home.guest("483920", &[FRONT, BACK]);
        let gone = Grant { label: "Max".into(), ..home.guest("917264", &[CELLAR]) };
        let owner = home.owner.id();
        let mine = Grant {
            kind: GrantKind::Primary,
            expires: None,
            holder: Some(owner),
            ..home.guest("305817", &[FRONT])
        };
        let kids = Grant { holder: Some(KeyId([4; 16])), ..mine.clone() };
        let digits = ["483920", "917264", "305817", "640281"];
        let grants = [both, gone, mine, kids];
        let codes = grants.iter().zip(digits).map(|(g, d)| BackupCode::of(g, pin(d)));
        let door = |lock, name: &str| NamedDoor { lock, name: name.into() };
        let person = |key, name: &str| Person { key, name: name.into(), role: "owner".into() };
        Backup {
            home: *home.state.home(),
            made: NOW,
            by: owner,
            policy: home.state.policy().clone(),
            people: vec![person(owner, "Ada"), person(KeyId([4; 16]), "Kid")],
            doors: vec![door(FRONT, "Front"), door(BACK, "Back"), door(CELLAR, "Cellar")],
            codes: codes.collect(),
        }
    }

    fn kit(n: u64) -> Kit {
        Kit::generate(&mut rng(n))
    }

    #[test]
    fn only_its_kit_opens_it_and_nothing_shows() {
        let backup = backup();
        let file = backup.seal(&kit(1), &mut rng(2));
        assert_eq!(Backup::open(&file, &kit(1)).unwrap(), backup);
        assert_eq!(Backup::open(&file, &kit(3)), Err(BackupError::WrongKit));
        assert_eq!(Backup::claimed(&file).unwrap().home, backup.home);
        for secret in ["483920", "Front", "Europe"] {
            assert!(!file.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
        }
        let mut fewer = backup.clone();
        fewer.codes.truncate(1);
        assert_eq!(fewer.seal(&kit(1), &mut rng(2)).len(), file.len(), "the length tells little");
        assert_ne!(backup.seal(&kit(1), &mut rng(4)), file);
    }

    #[test]
    fn every_flipped_byte_is_refused() {
        let file = backup().seal(&kit(1), &mut rng(2));
        for at in 0..file.len() {
            let mut bad = file.clone();
            bad[at] ^= 1;
            assert!(Backup::open(&bad, &kit(1)).is_err(), "byte {at}");
        }
        for end in [0, 5, 40, file.len() - 1] {
            assert!(Backup::open(&file[..end], &kit(1)).is_err());
        }
        assert_eq!(Backup::open(&[file.clone(), vec![0]].concat(), &kit(1)), Err(BackupError::Damaged));
        assert_eq!(Backup::open(b"{}", &kit(1)), Err(BackupError::NotOne));
    }

    #[test]
    fn codes_come_back_on_doors_of_the_same_name() {
        let backup = backup();
        let doors = [(LockId([11; 16]), "front".to_owned()), (BACK, "Renamed".to_owned())];
        let (restored, left) = plan(&backup, &doors, ME, &[ME], NOW);
        let locks: Vec<_> = restored.iter().map(|code| code.draft.locks.clone()).collect();
        assert_eq!(locks, [vec![LockId([11; 16]), BACK], vec![LockId([11; 16])], vec![LockId([11; 16])]]);
        assert_eq!(restored[0].pin, Pin::parse("483920").unwrap());
        let holders: Vec<_> = restored.iter().map(|code| code.draft.holder).collect();
        assert_eq!(holders, [None, Some(ME), None]);
        assert_eq!(restored[2].lost, [Loss::Holder("Kid".into())]);
        assert_eq!(left, [Left { label: "Max".into(), why: LeftWhy::NoDoor(vec!["Cellar".into()]) }]);

        let later = NOW.saturating_add(Seconds::days(7));
        let (_, left) = plan(&backup, &doors, ME, &[ME], later);
        assert_eq!(left.iter().filter(|code| code.why == LeftWhy::Over).count(), 2);
        let twice = [(CELLAR, "Other".to_owned()), (BACK, "Front".into()), (LockId([7; 16]), "front".into())];
        let (restored, _) = plan(&backup, &twice, ME, &[ME], NOW);
        assert_eq!(restored[0].lost, [Loss::Door("Front".into())], "never a guess between two doors");
    }
}
