//! The shapes that make a PIN easy to guess. Every function takes digits 0 to 9.

use crate::time::days_in_month;

/// Every digit is one more, or every digit one less, than the one before; 9 and 0 are neighbours.
pub(super) fn is_sequence(digits: &[u8]) -> bool {
    let all = |step: u8| digits.windows(2).all(|w| matches!(w, [a, b] if (a + step) % 10 == *b));
    all(1) || all(9)
}

/// One digit throughout, or a block of three or more digits said again: 123123.
pub(super) fn is_repetition(digits: &[u8]) -> bool {
    let n = digits.len();
    let repeats = |period: usize| n.is_multiple_of(period) && has_period(digits, period);
    has_period(digits, 1) || (3..=n / 2).any(repeats)
}

/// Two digits in turn (121212, 12121) or every digit doubled (112233).
pub(super) fn is_pair_pattern(digits: &[u8]) -> bool {
    let doubled = digits.len().is_multiple_of(2) && digits.chunks(2).all(|c| matches!(c, [a, b] if a == b));
    has_period(digits, 2) || doubled
}

fn has_period(digits: &[u8], period: usize) -> bool {
    digits.iter().zip(digits.iter().skip(period)).all(|(a, b)| a == b)
}

/// Row and column of a digit on a telephone keypad.
fn key(digit: u8) -> (i8, i8) {
    match digit {
        0 => (3, 1),
        d => ((d as i8 - 1) / 3, (d as i8 - 1) % 3),
    }
}

/// The step between two keys if they touch, also by a corner.
fn step(a: u8, b: u8) -> Option<(i8, i8)> {
    let ((r0, c0), (r1, c1)) = (key(a), key(b));
    let step = (r1 - r0, c1 - c0);
    (a != b && step.0.abs() <= 1 && step.1.abs() <= 1).then_some(step)
}

/// A finger moving from key to touching key that turns at most once (2580, 3690, 14789), or whole lines of three
/// keys one after the other (147258).
pub(super) fn is_keypad_line(digits: &[u8]) -> bool {
    is_stroke(digits) || is_lines(digits)
}

fn is_stroke(digits: &[u8]) -> bool {
    let steps = || digits.iter().zip(digits.iter().skip(1)).map(|(a, b)| step(*a, *b));
    let turns = steps().zip(steps().skip(1)).filter(|(a, b)| a != b).count();
    turns <= 1 && steps().all(|step| step.is_some())
}

/// Two or more lines of three keys; what is left over at the end must look like the start of another.
fn is_lines(digits: &[u8]) -> bool {
    let straight = |line: &[u8]| match line {
        [a, b, c] => step(*a, *b).is_some() && step(*a, *b) == step(*b, *c),
        [a, b] => step(*a, *b).is_some(),
        _ => true,
    };
    digits.len() >= 6 && digits.chunks(3).all(straight)
}

/// A date written with digits alone, or a year from 1900 to 2099.
pub(super) fn is_date(digits: &[u8]) -> bool {
    let two = |i: usize| digits.get(i).zip(digits.get(i + 1)).map_or(0, |(a, b)| a * 10 + b);
    // 29 February always counts: a leap year is not always written.
    let day_of = |day: u8, month: u8| day >= 1 && day <= days_in_month(2000, month);
    let century = |i: usize| matches!(two(i), 19 | 20);
    let month = |i: usize| (1..=12).contains(&two(i));
    // `pair` is a day and a month in either order.
    let pair = |i: usize| day_of(two(i), two(i + 2)) || day_of(two(i + 2), two(i));
    match digits.len() {
        4 => century(0) || pair(0),
        6 => pair(0) || pair(2) || (century(0) && month(4)) || (month(0) && century(2)),
        8 => (pair(0) && century(4)) || (century(0) && pair(4)),
        _ => false,
    }
}

/// Whether the digits of a house number occur in it, in a row.
pub(super) fn contains(digits: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && digits.windows(part.len()).any(|w| w == part)
}
