use super::*;
use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};

/// splitmix64: good enough to test with, and the same on every run.
pub(super) struct TestRng(pub(super) u64);

impl TryRng for TestRng {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|n| n as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Infallible> {
        dest.iter_mut().for_each(|b| *b = self.try_next_u64().map_or(0, |n| n as u8));
        Ok(())
    }
}
impl TryCryptoRng for TestRng {}

pub(super) fn pin(s: &str) -> Pin {
    Pin::parse(s).unwrap()
}

pub(super) fn rules() -> PinRules {
    PinRules::new(&PinPolicy::default(), &[]).unwrap()
}

pub(super) const CAPS: LockPinCaps =
    LockPinCaps { min_len: 4, max_len: 10, paired_digits: false, one_length: None, digits: Digits::ALL };

pub(super) fn four() -> PinRules {
    PinRules::new(&PinPolicy { default_len: Some(4), ..PinPolicy::default() }, &[]).unwrap()
}

#[test]
fn parsing() {
    assert_eq!(Pin::parse("123"), Err(PinError::TooShort));
    assert_eq!(Pin::parse("12345678901"), Err(PinError::TooLong));
    assert_eq!(Pin::parse("12 34"), Err(PinError::NotDigits));
    assert_eq!(Pin::parse("١٢٣٤"), Err(PinError::NotDigits));
    assert_eq!(pin("0042").expose(), "0042");
    assert_eq!(Pin::from_number(42, 4, Digits::ALL), pin("0042"));
}

#[test]
fn never_shown() {
    let text = format!("{:?} {} {:#?}", pin("7351"), pin("735135"), Some(pin("7351")));
    assert!(!text.contains(|c: char| c.is_ascii_digit()), "{text}");
}

#[test]
fn equality_needs_the_same_length() {
    assert!(pin("7351") == pin("7351") && pin("7351") != pin("73510") && pin("7351") != pin("7352"));
    assert!(pin("7351").same_on_paired_keys(&pin("8462")) && pin("9031").same_on_paired_keys(&pin("0941")));
    assert!(!pin("7351").same_on_paired_keys(&pin("7353")));
    assert!(!pin("7351").same_on_paired_keys(&pin("73510")));
}

#[test]
fn each_rule_from_both_sides() {
    let policy = PinPolicy { house_number: Some("4 7b".into()), ..PinPolicy::default() };
    let rules = PinRules::new(&policy, &[]).unwrap();
    let ctx = Context::new(&rules);
    let cases: [(&str, &[&str], &[&str]); 7] = [
        (
            "pin.sequence",
            &["1234", "7890", "890123", "4321", "2109", "0987654321"],
            &["1235", "1243", "8902"],
        ),
        ("pin.repetition", &["7777", "000000", "135135", "12041204"], &["7778", "135136", "1204120"]),
        ("pin.pairs", &["1212", "121212", "12121", "1122", "559933"], &["1213", "112234", "11223", "1221"]),
        (
            "pin.keypad_line",
            &["2580", "0852", "3690", "1470", "14789", "147258", "1472583"],
            &["2581", "1485", "147268"],
        ),
        (
            "pin.date",
            &[
                "3112", "1231", "2902", "1987", "2099", "310199", "013199", "990131", "198512", "121985",
                "31121999", "12311999", "19991231", "20113012",
            ],
            &["3213", "3002", "1899", "2199", "329913", "31122199", "987654"],
        ),
        ("pin.house_number", &["4718", "9470", "860347"], &["4178", "7418"]),
        ("pin.common", &["1342", "1379", "2468", "159753", "8675309", "31415926"], &["1382", "159743"]),
    ];
    for (code, refused, others) in cases {
        let has = |s: &str| ctx.check(&pin(s)).is_err_and(|all| all.iter().any(|b| b.code() == code));
        refused.iter().for_each(|s| assert!(has(s), "{s} must break {code}"));
        others.iter().for_each(|s| assert!(!has(s), "{s} must not break {code}"));
    }
    for good in ["8305", "706182", "92864", "83059727", "5928306184"] {
        assert_eq!(ctx.check(&pin(good)), Ok(()), "{good}");
    }
}

#[test]
fn a_single_digit_house_number_forbids_nothing() {
    let policy = PinPolicy { house_number: Some("7".into()), ..PinPolicy::default() };
    let rules = PinRules::new(&policy, &[]).unwrap();
    assert_eq!(Context::new(&rules).check(&pin("706182")), Ok(()));
}

#[test]
fn other_pins_are_respected() {
    let paired =
        PinRules::new(&PinPolicy::default(), &[LockPinCaps { paired_digits: true, ..CAPS }]).unwrap();
    let live = [pin("706182")];
    let used = |p: &Pin| p.expose() == "830597";
    let plain = rules();
    let ctx = Context { rules: &plain, live: &live, used_before: Some(&used) };
    assert_eq!(ctx.check(&pin("706182")), Err(vec![Broken::InUse]));
    assert_eq!(ctx.check(&pin("830597")), Err(vec![Broken::UsedBefore]));
    // 7|8 0|9 6|5 1|2 8|7 2|1
    assert_eq!(ctx.check(&pin("895271")), Ok(()));
    let ctx = Context { rules: &paired, ..ctx };
    assert_eq!(ctx.check(&pin("895271")), Err(vec![Broken::PairedKeys]));
    assert_eq!(ctx.check(&pin("895273")), Ok(()));
    assert!(ctx.check(&pin("1221")).is_err_and(|all| all.contains(&Broken::PairedRepetition)));
}

#[test]
fn locks_tighten_the_lengths() {
    let policy = PinPolicy::default();
    let new = |caps: &[LockPinCaps]| PinRules::new(&policy, caps).map(|r| r.lengths());
    assert_eq!(new(&[]), Ok((4, 10, 6)));
    assert_eq!(new(&[CAPS]), Ok((4, 10, 8)));
    assert_eq!(new(&[CAPS, LockPinCaps { max_len: 5, ..CAPS }]), Ok((4, 5, 5)));
    assert_eq!(new(&[LockPinCaps { one_length: Some(4), ..CAPS }]), Ok((4, 4, 4)));
    let one = |n| LockPinCaps { one_length: Some(n), ..CAPS };
    assert_eq!(new(&[one(4), one(6)]), Err(RulesError::NoCommonLength));
    let bad = PinPolicy { min_len: 3, ..PinPolicy::default() };
    assert_eq!(PinRules::new(&bad, &[]), Err(RulesError::BadLength));
    let rules = PinRules::new(&policy, &[one(6)]).unwrap();
    let broken = Context::new(&rules).check(&pin("8305")).unwrap_err();
    assert_eq!(broken, [Broken::Length { min: 6, max: 6 }]);
    assert_eq!(broken[0].hint(), "Use exactly 6 digits.");
}

#[test]
fn most_of_the_space_is_left() {
    let four = four();
    let ctx = Context::new(&four);
    let n = ctx.allowed_count(4).unwrap();
    assert!((7_500..10_000).contains(&n), "{n}");
    assert_eq!(ctx.allowed_count(3), Some(0));
    assert_eq!(ctx.allowed_count(7), None);
}

#[test]
fn generated_pins_keep_the_rules() {
    let mut rng = TestRng(7);
    for len in 4..=10 {
        let rules = rules().with_default_len(len);
        let ctx = Context::new(&rules);
        for _ in 0..200 {
            let pin = ctx.generate(&mut rng).unwrap();
            assert_eq!((pin.digit_count(), ctx.check(&pin)), (len, Ok(())));
        }
    }
}

/// Chi-square over all allowed 4-digit PINs: with k cells the statistic is near k, with deviation √(2k).
#[test]
fn generation_is_uniform() {
    let rules = four();
    let ctx = Context::new(&rules);
    let cells = ctx.allowed_count(4).unwrap() as usize;
    let per_cell = 20;
    let mut counts = vec![0u32; 10_000];
    let mut rng = TestRng(42);
    for _ in 0..cells * per_cell {
        counts[ctx.generate(&mut rng).unwrap().expose().parse::<usize>().unwrap()] += 1;
    }
    let all: Vec<u32> = ctx.allowed(4).map(|p| counts[p.expose().parse::<usize>().unwrap()]).collect();
    assert_eq!(all.iter().sum::<u32>() as usize, cells * per_cell);
    let expected = per_cell as f64;
    let chi: f64 = all.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
    let sigma = (2.0 * cells as f64).sqrt();
    assert!((chi - cells as f64).abs() < 4.0 * sigma, "chi-square {chi} for {cells} cells");
}

#[test]
fn a_nearly_full_space_still_yields_its_last_pins() {
    let rules = four();
    let free = [pin("8305"), pin("9264")];
    let used = |p: &Pin| !free.contains(p);
    let ctx = Context { used_before: Some(&used), ..Context::new(&rules) };
    let mut rng = TestRng(1);
    let made: Vec<Pin> = (0..12).map(|_| ctx.generate(&mut rng).unwrap()).collect();
    assert!(free.iter().all(|f| made.contains(f)) && made.iter().all(|m| free.contains(m)));
    let none = |_: &Pin| true;
    let ctx = Context { used_before: Some(&none), ..ctx };
    assert_eq!(ctx.generate(&mut rng), Err(Exhausted));
}
