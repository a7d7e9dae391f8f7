//! Finding things by what people call them: a name, an id, or the beginning of an id.

use crate::failure::{Exit, Failure, Result};
use serde_json::json;

/// The fewest characters of an id that count as its beginning.
const MIN_PREFIX: usize = 4;

/// Something that can be picked.
pub(crate) struct Choice<T> {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) value: T,
}

type Test<'a, T> = &'a dyn Fn(&Choice<T>) -> bool;

/// The one that is meant. `what` is its word for people.
pub(crate) fn pick<T>(what: &str, wanted: &str, choices: Vec<Choice<T>>) -> Result<T> {
    let wanted = wanted.trim();
    let lower = wanted.to_lowercase();
    let tests: [Test<'_, T>; 4] =
        [&|c| c.id == wanted, &|c| c.name == wanted, &|c| c.name.to_lowercase() == lower, &|c| {
            wanted.len() >= MIN_PREFIX && c.id.starts_with(wanted)
        }];
    for test in tests {
        let found = choices.iter().filter(|choice| test(choice)).count();
        if found == 1 {
            let one = choices.into_iter().find(|choice| test(choice));
            return one.map(|choice| choice.value).ok_or_else(|| none(what, wanted));
        }
        if found > 1 {
            let same: Vec<_> = choices
                .iter()
                .filter(|choice| test(choice))
                .map(|choice| json!({ "id": choice.id, "name": choice.name }))
                .collect();
            let list: Vec<&str> = choices.iter().filter(|c| test(c)).map(|c| c.id.as_str()).collect();
            let hint = format!("There are {found} {what}s called {wanted}. Say which: {}.", list.join(", "));
            return Err(Failure::new(Exit::NotFound, "pick.several", hint).with(json!(same)));
        }
    }
    Err(none(what, wanted))
}

fn none(what: &str, wanted: &str) -> Failure {
    Failure::new(Exit::NotFound, "pick.none", format!("There is no {what} called {wanted}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices() -> Vec<Choice<u8>> {
        let all = [("abcd1", "Front", 1), ("abcd2", "front", 2), ("wxyz3", "Back", 3), ("abcd4", "abcd1", 4)];
        all.map(|(id, name, value)| Choice { id: id.into(), name: name.into(), value }).into()
    }

    #[test]
    fn the_nearest_meaning_first() {
        let of = |wanted: &str| pick("door", wanted, choices()).map_err(|e| e.code);
        assert_eq!(of("Front"), Ok(1), "as it is spelled");
        assert_eq!(of("BACK"), Ok(3));
        assert_eq!(of("abcd1"), Ok(1), "an id before a name");
        assert_eq!(of("wxyz"), Ok(3));
        assert_eq!(of("wxy"), Err("pick.none".into()), "too short for an id");
        assert_eq!(of("FRONT"), Err("pick.several".into()));
        assert_eq!(of("abcd"), Err("pick.several".into()));
        assert_eq!(of(""), Err("pick.none".into()));
    }
}
