//! Time zones by JavaScript's `Intl`: the browser and the Worker carry the tables already.

use crate::time::{DAY, Timestamp};
use crate::zone::{Zone, ZoneError, ZoneName};
use core::cell::RefCell;
use core::fmt;
use js_sys::{Array, Date, Function, Object, Reflect};
use litemap::LiteMap;
use wasm_bindgen::{JsCast, JsValue};

/// Days of offsets remembered before the table is emptied; a few years of daily look-ups.
const MAX_CACHED: usize = 4_096;

/// A zone with the rules of this JavaScript engine.
///
/// Formatting a date is slow next to arithmetic, and resolving one local time asks for some twenty offsets. So
/// the offsets at the ends of each UTC day are kept: where both are the same the whole day has that offset,
/// because two changes within 32 hours have never happened (see [`Zone::resolve`]).
pub struct IntlZone {
    name: ZoneName,
    /// `Intl.DateTimeFormat.prototype.format`, bound to this zone.
    format: Function,
    cache: RefCell<LiteMap<u64, i32>>,
}

impl IntlZone {
    /// The zone of this name, if the engine knows it.
    pub fn new(name: &ZoneName) -> Result<Self, ZoneError> {
        let format = formatter(name.as_str()).ok_or(ZoneError::BadName)?;
        let zone = Self { name: name.clone(), format, cache: RefCell::new(LiteMap::new()) };
        zone.ask(Timestamp(0)).ok_or(ZoneError::BadName)?;
        Ok(zone)
    }

    /// Its name.
    pub fn name(&self) -> &ZoneName {
        &self.name
    }

    /// The offset as the engine gives it.
    fn ask(&self, t: Timestamp) -> Option<i32> {
        let date = Date::new(&JsValue::from_f64(t.signed() as f64 * 1000.0));
        let text = self.format.call1(&JsValue::UNDEFINED, &date).ok()?.as_string()?;
        parse_offset(&text)
    }

    fn cached(&self, seconds: u64) -> i32 {
        if let Some(offset) = self.cache.borrow().get(&seconds) {
            return *offset;
        }
        let offset = self.ask(Timestamp(seconds)).unwrap_or(0);
        let mut cache = self.cache.borrow_mut();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(seconds, offset);
        offset
    }
}

impl Zone for IntlZone {
    fn offset_at(&self, t: Timestamp) -> i32 {
        let seconds = t.0.min(Timestamp::MAX.0);
        let day = seconds - seconds % DAY as u64;
        let (first, last) = (self.cached(day), self.cached(day + DAY as u64));
        if first == last { first } else { self.ask(Timestamp(seconds)).unwrap_or(first) }
    }
}

impl fmt::Debug for IntlZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntlZone({})", self.name)
    }
}

/// The `format` function of a formatter that writes little but the offset, such as `1/1/1970, GMT+01:00`.
///
/// Constructed through `Reflect`, because a name that the engine does not know throws.
fn formatter(zone: &str) -> Option<Function> {
    let global = js_sys::global();
    let intl = Reflect::get(&global, &"Intl".into()).ok()?;
    let class: Function = Reflect::get(&intl, &"DateTimeFormat".into()).ok()?.dyn_into().ok()?;
    let options = Object::new();
    Reflect::set(&options, &"timeZone".into(), &zone.into()).ok()?;
    Reflect::set(&options, &"timeZoneName".into(), &"longOffset".into()).ok()?;
    let arguments = Array::of2(&"en-US".into(), &options);
    let formatter = Reflect::construct(&class, &arguments).ok()?;
    Reflect::get(&formatter, &"format".into()).ok()?.dyn_into().ok()
}

/// Seconds from `… GMT`, `… GMT+05:45` or `… GMT-00:44:30`.
fn parse_offset(text: &str) -> Option<i32> {
    let (_, offset) = text.rsplit_once("GMT")?;
    if offset.is_empty() {
        return Some(0);
    }
    let (sign, digits) = match offset.strip_prefix('+') {
        Some(digits) => (1, digits),
        // ASCII hyphen in every engine seen; the minus sign U+2212 is what CLDR writes in other locales.
        None => (-1, offset.strip_prefix('-').or_else(|| offset.strip_prefix('\u{2212}'))?),
    };
    let mut seconds = 0;
    let mut unit = 3600;
    for part in digits.split(':') {
        seconds += part.parse::<u8>().ok().map(i32::from)? * unit;
        unit /= 60;
    }
    Some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read() {
        assert_eq!(parse_offset("1/1/1970, GMT"), Some(0));
        assert_eq!(parse_offset("1/1/1970, GMT+05:45"), Some(20_700));
        assert_eq!(parse_offset("12/31/1969, GMT-00:44:30"), Some(-2_670));
        assert_eq!(parse_offset("12/31/1969, GMT\u{2212}03:00"), Some(-10_800));
        assert_eq!(parse_offset("Central European Time"), None);
        assert_eq!(parse_offset("GMT+1:0x"), None);
    }
}
