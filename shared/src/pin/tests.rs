use super::*;
use core::convert::Infallible;
use proptest::prelude::*;
use rand_core::{TryCryptoRng, TryRng};

/// splitmix64: good enough to test with, and the same on every run.
struct TestRng(u64);

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

fn pin(s: &str) -> Pin {
    Pin::parse(s).unwrap()
}

fn rules() -> PinRules {
    PinRules::new(&PinPolicy::default(), &[]).unwrap()
}

const CAPS: LockPinCaps =
    LockPinCaps { min_len: 4, max_len: 10, paired_digits: false, one_length: None, digits: Digits::ALL };

fn four() -> PinRules {
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

fn desk() -> PinDesk {
    let policy = PinPolicy { house_number: Some("47".into()), ..PinPolicy::default() };
    let mut desk = PinDesk::new(PinRules::new(&policy, &[]).unwrap());
    desk.note(pin("706182"), PinUse::Here);
    desk.note(pin("706182"), PinUse::Past);
    desk.note(pin("928306"), PinUse::Elsewhere);
    desk.note(pin("830597"), PinUse::Past);
    desk
}

#[test]
fn what_was_typed_is_judged_with_every_reason() {
    let judged = |text| desk().judge(text).map(|_| ()).map_err(|all| all.iter().map(|b| b.code()).collect());
    let refused = |codes: &[&'static str]| Err::<(), Vec<&str>>(codes.to_vec());
    assert_eq!(judged("592830"), Ok(()));
    assert_eq!(judged(""), refused(&["pin.length"]));
    assert_eq!(judged("12a4"), refused(&["pin.not_digits"]));
    assert_eq!(judged("12345678901"), refused(&["pin.length"]));
    assert_eq!(judged("706182"), refused(&["pin.in_use"]), "live, and used before: live is said");
    assert_eq!(judged("928306"), refused(&["pin.in_use"]), "on other locks of the home");
    assert_eq!(judged("830597"), refused(&["pin.used_before"]));
    assert_eq!(judged("4747"), refused(&["pin.pairs", "pin.house_number"]));
    for text in ["", "123", "12a", "1234567890123"] {
        let all = desk().judge(text).unwrap_err();
        assert!(
            all.iter().all(|b| b.hint().ends_with('.') && !b.hint().contains(text.get(..3).unwrap_or("~")))
        );
    }
}

#[test]
fn every_revision_of_every_other_code_counts() {
    use crate::chain::Body;
    use crate::testing::TestHome;
    let mut home = TestHome::new(8);
    let (front, back) = (crate::id::LockId([1; 16]), crate::id::LockId([2; 16]));
    let first = home.guest("706182", &[front]);
    let mut changed = first.clone();
    (changed.rev, changed.pin_set) = (2, TestHome::BEGINNING.saturating_add(crate::time::Seconds(9)));
    home.seal(&mut changed, "592830");
    let other = home.guest("928306", &[back]);
    for grant in [&first, &changed, &other] {
        home.push(Body::PutGrant(grant.clone())).unwrap();
    }
    let id = *home.state.home();
    let open = |grant: &crate::grant::Grant| {
        let binding =
            crate::sealed::Binding { home: &id, grant: &grant.id, rev: grant.rev, locks: &grant.locks };
        grant.pin.open(&binding, &home.home_key).ok()
    };
    let judge = |text: &str, except, now| {
        let mut desk = PinDesk::new(rules());
        desk.note_home(&home.state, [&first, &changed, &other], open, &[front], except, now);
        desk.judge(text).map(|_| ()).map_err(|all| all[0].code())
    };
    let now = TestHome::BEGINNING;
    assert_eq!(judge("592830", None, now), Err("pin.in_use"));
    assert_eq!(judge("706182", None, now), Err("pin.used_before"), "the PIN that it had before its change");
    assert_eq!(judge("592830", Some(first.id), now), Ok(()), "a code may keep its PIN");
    assert_eq!(judge("928306", Some(first.id), now), Err("pin.in_use"));
    assert_eq!(judge("592830", None, first.expires.unwrap()), Err("pin.used_before"));
}

#[test]
fn how_many_are_left_is_said_as_exactly_as_it_is_known() {
    let six = desk().left();
    assert!((760_000..960_000).contains(&six.number()), "{six:?}");
    let text = six.sentence();
    assert!(text.starts_with("About 8") && text.ends_with("0,000 PINs of 6 digits are left."), "{text}");
    let mut desk = PinDesk::new(four());
    let exactly = Context::new(&four()).allowed_count(4).unwrap();
    assert_eq!(desk.left(), Left::Exactly { len: 4, count: exactly });
    let all: Vec<Pin> = Context::new(&four()).allowed(4).collect();
    for used in &all[40..] {
        desk.note(used.clone(), PinUse::Past);
    }
    assert_eq!(desk.left().number(), 40);
    assert!(desk.left().few());
    assert_eq!(desk.left().sentence(), "Only 40 PINs of 4 digits are left. Use more digits for new codes.");
    all[..39].iter().for_each(|used| desk.note(used.clone(), PinUse::Here));
    assert_eq!(desk.left().sentence(), "Only 1 PIN of 4 digits is left. Use more digits for new codes.");
    assert_eq!(desk.generate(&mut TestRng(3)).unwrap(), all[39]);
    desk.note(all[39].clone(), PinUse::Here);
    assert_eq!(desk.left().sentence(), "No PIN of 4 digits is left. Use more digits.");
    assert_eq!(desk.generate(&mut TestRng(3)), Err(Exhausted));
}

/// Against a count of all of them.
#[test]
fn the_estimate_is_within_a_hundredth() {
    let five = Digits::from_bits(0b11_1110).unwrap();
    for (digits, len) in [(Digits::ALL, 5), (five, 6), (five, 7)] {
        let rules = PinRules::new(&PinPolicy::default(), &[LockPinCaps { digits, ..CAPS }]).unwrap();
        let exact = Context::new(&rules).allowed(len).count() as u64;
        let about = left::estimate(&rules, len, &[]);
        assert!(about.abs_diff(exact) * 100 <= exact, "{about} is not about {exact}");
    }
}

#[test]
fn keypads_without_some_digits() {
    let five = Digits::from_bits(0b11_1110).unwrap();
    let caps = LockPinCaps { digits: five, max_len: 8, ..CAPS };
    let rules = PinRules::new(&PinPolicy::default(), &[caps]).unwrap();
    let broken = Context::new(&rules).check(&pin("52413067")).unwrap_err();
    assert_eq!(broken[0].hint(), "The keypads have only the digits 1, 2, 3, 4, 5.");
    for len in 4..=8 {
        let rules = rules.clone().with_default_len(len);
        let ctx = Context::new(&rules);
        (0..100).for_each(|seed| assert_eq!(ctx.check(&ctx.generate(&mut TestRng(seed)).unwrap()), Ok(())));
    }
    let other = LockPinCaps { digits: Digits::from_bits(0b11_1100_0001).unwrap(), ..CAPS };
    assert_eq!(PinRules::new(&PinPolicy::default(), &[caps, other]), Err(RulesError::NoCommonDigits));
    assert_eq!((Digits::from_bits(0), Digits::from_bits(0x400)), (None, None));
    assert_eq!(minicbor::decode::<Digits>(&minicbor::to_vec(five).unwrap()).unwrap(), five);
    assert!(minicbor::decode::<Digits>(&[0x00]).is_err());
}

#[test]
fn the_rules_and_the_locks_may_contradict_each_other() {
    let one = |n| LockPinCaps { one_length: Some(n), ..CAPS };
    let long = PinPolicy { min_len: 6, ..PinPolicy::default() };
    assert_eq!(PinRules::new(&long, &[one(4)]), Err(RulesError::LocksTakeLess));
    let short = PinPolicy { max_len: 6, ..PinPolicy::default() };
    assert_eq!(PinRules::new(&short, &[one(8)]), Err(RulesError::LocksNeedMore));
    assert_eq!(PinRules::new(&long, &[one(4), one(8)]), Err(RulesError::NoCommonLength));
}

fn a_lock() -> impl Strategy<Value = LockPinCaps> {
    let one_length = prop::option::of(0u8..5);
    let digits = prop_oneof![Just(0x3ffu16), 0b1_1111u16..0x400]
        .prop_filter("six digits", |bits| bits.count_ones() > 5);
    (4u8..8, 0u8..4, any::<bool>(), one_length, digits).prop_map(|(min, more, paired, one, digits)| {
        LockPinCaps {
            min_len: min,
            max_len: min + more,
            paired_digits: paired,
            one_length: one.map(|n| min + n.min(more)),
            digits: Digits::from_bits(digits).unwrap(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// What is made for several locks fits each of them alone, and what is judged good does too.
    #[test]
    fn a_pin_fits_every_lock_that_it_is_for(
        locks in prop::collection::vec(a_lock(), 0..4),
        seed in any::<u64>(),
        typed in "[0-9]{0,11}",
    ) {
        let policy = PinPolicy { house_number: Some("12".into()), ..PinPolicy::default() };
        let Ok(rules) = PinRules::new(&policy, &locks) else { return Ok(()) };
        let mut desk = PinDesk::new(rules);
        for n in 0..5 {
            let Ok(made) = desk.generate(&mut TestRng(seed.wrapping_add(n))) else { return Ok(()) };
            for good in [Some(made.clone()), desk.judge(&typed).ok()].into_iter().flatten() {
                for lock in &locks {
                    let alone = PinRules::new(&policy, &[*lock]).unwrap();
                    prop_assert_eq!(Context::new(&alone).check(&good), Ok(()), "{:?}", lock);
                }
            }
            prop_assert_eq!(desk.judge(made.expose()), Ok(made.clone()));
            desk.note(made.clone(), PinUse::Here);
            prop_assert!(desk.judge(made.expose()).is_err());
        }
    }
}
