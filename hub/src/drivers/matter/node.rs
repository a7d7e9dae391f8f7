//! A node as the server describes it, and the locks that it has.

use crate::core::lock::{Bolt, Link, Vitals};
use latchkey_shared::grant::name_from;
use latchkey_shared::slot::{LockAbilities, OwnSchedules, Readback};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Bits of the cluster's feature map (Matter application clusters, 5.2.4).
const PIN: u64 = 1 << 0;
const USER: u64 = 1 << 8;
const YEAR_DAY: u64 = 1 << 10;
/// A bit of the feature map of Time Synchronization: its local time can be set (Matter core, 11.17.4).
const TIME_ZONE: u64 = 1 << 0;

/// A node.
#[derive(Deserialize)]
pub(super) struct Node {
    /// Its number in the fabric.
    pub(super) node_id: u64,
    /// Whether the server thinks that it answers.
    #[serde(default)]
    pub(super) available: bool,
    attributes: Attributes,
}

/// Those attributes that matter here, by endpoint, cluster and attribute. A node has hundreds.
struct Attributes(BTreeMap<Path, Value>);

/// Endpoint, cluster, attribute.
type Path = (u16, u32, u32);

/// Reads `1/257/0`.
pub(super) fn path(text: &str) -> Option<Path> {
    let mut parts = text.split('/');
    let path = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(path)
}

/// Whether a change of this attribute can change a lock's name or abilities.
pub(super) fn describes((_, cluster, attribute): Path) -> bool {
    matches!(
        (cluster, attribute),
        (257, 17 | 18 | 21 | 23 | 24 | 51 | 65532) | (40 | 57, 5) | (56, 7 | 65532)
    )
}

fn wanted(path: Path) -> bool {
    describes(path)
        || matches!(
            (path.1, path.2),
            (257, 0) | (40, 1 | 3) | (62, 5) | (47, 12 | 14) | (53, 7) | (54, 4) | (57, 17)
        )
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Sieve;
        impl<'de> Visitor<'de> for Sieve {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attributes by path")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Attributes, M::Error> {
                let mut kept = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    match path(&key).filter(|path| wanted(*path)) {
                        Some(path) => drop(kept.insert(path, map.next_value()?)),
                        None => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                Ok(Attributes(kept))
            }
        }
        from.deserialize_map(Sieve)
    }
}

impl Attributes {
    fn number(&self, endpoint: u16, cluster: u32, attribute: u32) -> Option<u64> {
        self.0.get(&(endpoint, cluster, attribute))?.as_u64()
    }

    fn text(&self, endpoint: u16, cluster: u32, attribute: u32) -> Option<&str> {
        self.0.get(&(endpoint, cluster, attribute))?.as_str()
    }
}

/// One lock of a node, as far as the server knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Described {
    /// Where on the node.
    pub(super) endpoint: u16,
    /// For people.
    pub(super) name: String,
    /// What it can do.
    pub(super) abilities: LockAbilities,
    /// The number under which the lock knows the server's fabric.
    pub(super) fabric: Option<u64>,
    /// Whether it locks and unlocks only for whoever shows a PIN.
    pub(super) wants_pin: bool,
}

impl Node {
    /// Its locks. One that keeps no PINs, or no users for them, is of no use here.
    pub(super) fn locks(&self) -> Vec<Described> {
        let has = |endpoint| {
            let features = self.attributes.number(endpoint, 257, 65532).unwrap_or(0);
            features & PIN != 0 && features & USER != 0 && self.slots(endpoint) > 0
        };
        let found: Vec<u16> = self.lock_endpoints().filter(|endpoint| has(*endpoint)).collect();
        found.iter().map(|endpoint| self.describe(*endpoint, found.len())).collect()
    }

    fn lock_endpoints(&self) -> impl Iterator<Item = u16> {
        self.attributes.0.keys().filter(|path| (path.1, path.2) == (257, 65532)).map(|path| path.0)
    }

    fn slots(&self, endpoint: u16) -> u16 {
        let most = self.attributes.number(endpoint, 257, 18).unwrap_or(0);
        u16::try_from(most).unwrap_or(u16::MAX).min(LockAbilities::MAX_SLOTS)
    }

    fn describe(&self, endpoint: u16, siblings: usize) -> Described {
        let a = &self.attributes;
        let length = |attribute, otherwise| {
            a.number(endpoint, 257, attribute).and_then(|n| u8::try_from(n).ok()).unwrap_or(otherwise)
        };
        let features = a.number(endpoint, 257, 65532).unwrap_or(0);
        let years = features & YEAR_DAY != 0 && a.number(endpoint, 257, 21).unwrap_or(0) > 0;
        // A lock that does not know the time lets nobody in who has a term: only one that tells its time, or takes it,
        // gets terms.
        let clock = a.number(0, 56, 7).is_some() || a.number(0, 56, 65532).unwrap_or(0) & TIME_ZONE != 0;
        let pin_max = length(23, 8);
        Described {
            endpoint,
            name: self.name(endpoint, siblings),
            abilities: LockAbilities {
                slots: self.slots(endpoint),
                reserved: vec![],
                pin_min: length(24, 4).min(pin_max),
                pin_max,
                readback: Readback::Masked,
                own_schedules: if years && clock { OwnSchedules::Term } else { OwnSchedules::None },
                one_length: None,
                paired_digits: false,
                toggles: true,
                tells_uses: true,
                digits: None,
            },
            fabric: a.number(0, 62, 5),
            wants_pin: a.0.get(&(endpoint, 257, 51)).and_then(Value::as_bool).unwrap_or(false),
        }
    }

    /// What a person named it, else what its maker calls it.
    fn name(&self, endpoint: u16, siblings: usize) -> String {
        let a = &self.attributes;
        let own = a.text(endpoint, 57, 5).and_then(|text| name_from(text, ""));
        // The number tells a node's locks apart.
        let number = if siblings > 1 { format!(" {endpoint}") } else { String::new() };
        let of_node = || [5, 3].iter().find_map(|attribute| name_from(a.text(0, 40, *attribute)?, &number));
        own.or_else(of_node).unwrap_or_else(|| format!("Matter lock {}{number}", self.node_id))
    }

    /// Whether the lock can be reached, as far as the server knows: behind a bridge the bridge's word counts too.
    pub(super) fn reaches(&self, endpoint: u16) -> bool {
        let word = self.attributes.0.get(&(endpoint, 57, 17)).and_then(Value::as_bool);
        self.available && word.unwrap_or(true)
    }

    /// How the lock is.
    pub(super) fn vitals(&self, endpoint: u16) -> Vitals {
        let a = &self.attributes;
        // A battery belongs to the whole node unless the node has several locks.
        let alone = self.lock_endpoints().count() == 1;
        let power = |attribute| {
            let here = a.number(endpoint, 47, attribute);
            let any = || {
                a.0.iter()
                    .find(|(p, v)| (p.1, p.2) == (47, attribute) && v.is_u64())
                    .and_then(|(_, v)| v.as_u64())
            };
            here.or_else(|| any().filter(|_| alone))
        };
        Vitals {
            battery: power(12).and_then(percent),
            battery_low: power(14).is_some_and(|level| level > 0),
            bolt: a.0.get(&(endpoint, 257, 0)).and_then(bolt),
            link: self.link(),
        }
    }

    fn link(&self) -> Option<Link> {
        let wifi = self.attributes.0.get(&(0, 54, 4)).and_then(Value::as_i64);
        let neighbours = self.attributes.0.get(&(0, 53, 7)).and_then(Value::as_array);
        let thread = neighbours.into_iter().flatten().filter_map(|n| n.get("6")?.as_i64()).max();
        wifi.or(thread).and_then(|dbm| i8::try_from(dbm).ok()).map(Link::Dbm)
    }
}

/// Matter counts batteries in half percents.
pub(super) fn percent(halves: u64) -> Option<u8> {
    u8::try_from(halves / 2).ok().filter(|percent| *percent <= 100)
}

/// Attribute LockState: not fully locked, locked, unlocked, unlatched.
pub(super) fn bolt(state: &Value) -> Option<Bolt> {
    match state.as_u64()? {
        0 => Some(Bolt::Jammed),
        1 => Some(Bolt::Locked),
        2 | 3 => Some(Bolt::Unlocked),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(more: &[(&str, Value)]) -> Node {
        let mut attributes = json!({
            "0/40/3": "Lock X", "0/40/5": "", "0/62/5": 2, "0/31/0": [{ "1": 5 }],
            "1/257/65532": 1425, "1/257/0": 1, "1/257/17": 20, "1/257/18": 20, "1/257/21": 3,
            "1/257/23": 8, "1/257/24": 6, "1/257/51": false, "1/47/12": 170, "1/47/14": 0, "0/54/4": -61,
        });
        for (path, value) in more {
            attributes[*path] = value.clone();
        }
        serde_json::from_value(json!({ "node_id": 7, "available": true, "attributes": attributes })).unwrap()
    }

    #[test]
    fn a_lock_is_described_by_its_attributes() {
        let node = node(&[]);
        let [lock] = &node.locks()[..] else { panic!("one lock") };
        assert_eq!((lock.endpoint, lock.name.as_str(), lock.fabric), (1, "Lock X", Some(2)));
        let a = &lock.abilities;
        assert_eq!((a.slots, a.pin_min, a.pin_max, a.readback), (20, 6, 8, Readback::Masked));
        assert_eq!(a.own_schedules, OwnSchedules::None, "it does not tell its time");
        let vitals = node.vitals(1);
        assert_eq!(
            (vitals.battery, vitals.bolt, vitals.link),
            (Some(85), Some(Bolt::Locked), Some(Link::Dbm(-61)))
        );
        assert!(node.reaches(1));
    }

    #[test]
    fn terms_need_a_clock() {
        let with_clock = node(&[("0/56/7", json!(848_761_200_000_000_u64))]);
        assert_eq!(with_clock.locks()[0].abilities.own_schedules, OwnSchedules::Term);
        let unset = node(&[("0/56/7", Value::Null)]);
        assert_eq!(unset.locks()[0].abilities.own_schedules, OwnSchedules::None);
        let to_be_set = node(&[("0/56/7", Value::Null), ("0/56/65532", json!(1))]);
        assert_eq!(to_be_set.locks()[0].abilities.own_schedules, OwnSchedules::Term);
    }

    #[test]
    fn what_keeps_no_pins_is_no_lock_here() {
        assert!(node(&[("1/257/65532", json!(0x100))]).locks().is_empty());
        assert!(node(&[("1/257/65532", json!(0x1))]).locks().is_empty());
        assert!(node(&[("1/257/18", Value::Null)]).locks().is_empty());
    }

    #[test]
    fn two_locks_on_one_node() {
        let node = node(&[
            ("0/40/5", json!("Hall\n")),
            ("2/257/65532", json!(257)),
            ("2/257/18", json!(5)),
            ("2/57/5", json!("Shed")),
            ("2/57/17", json!(false)),
        ]);
        let names: Vec<String> = node.locks().into_iter().map(|lock| lock.name).collect();
        assert_eq!(names, ["Hall 1", "Shed"]);
        assert_eq!(node.vitals(2).battery, None, "whose battery it is nobody knows");
        assert_eq!((node.reaches(1), node.reaches(2)), (true, false));
    }
}
