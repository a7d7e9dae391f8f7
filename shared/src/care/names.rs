//! Names that are the same, or that people take for each other.

/// How alike two names are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NameClash {
    /// The same but for capitals.
    Same,
    /// Not told apart at a glance: other spaces, signs or accents, or an O for a 0.
    Alike,
}

/// Whether two codes of these names would be confused.
pub fn name_clash(a: &str, b: &str) -> Option<NameClash> {
    if a.to_lowercase() == b.to_lowercase() {
        Some(NameClash::Same)
    } else if outline(a) == outline(b) && !outline(a).is_empty() {
        Some(NameClash::Alike)
    } else {
        None
    }
}

/// What is left of a name at a glance: names with the same outline are taken for each other. Of a name of signs alone it
/// is empty.
pub fn outline(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(plain).collect()
}

/// A letter without its accent, and digits as the letters that they look like.
fn plain(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' | '1' | 'i' => 'l',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' | '0' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_for_each_other() {
        for (a, b) in [("Cleaner", "cleaner"), ("ZOË", "Zoë")] {
            assert_eq!(name_clash(a, b), Some(NameClash::Same), "{a} {b}");
        }
        for (a, b) in [("Zoë", "Zoe"), ("Flat 10", "Flat l0"), ("Anna-Maria", "Anna Maria"), ("Bob", "B0b")]
        {
            assert_eq!(name_clash(a, b), Some(NameClash::Alike), "{a} {b}");
        }
        for (a, b) in [("Guest 1", "Guest 2"), ("Anna", "Anne"), ("🏠", "🐈"), ("Li", "Lu")] {
            assert_eq!(name_clash(a, b), None, "{a} {b}");
        }
    }
}
