use super::tests::{CAPS, TestRng, four, pin, rules};
use super::*;
use crate::wire::cbor::{from_slice, to_vec};
use proptest::prelude::*;

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
    assert_eq!(judge("706182", Some(first.id), now), Err("pin.used_before"), "but never go back to one");
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
fn where_few_are_left_they_are_counted_though_they_are_long() {
    let caps = LockPinCaps { digits: Digits::from_bits(0b1_1100).unwrap(), one_length: Some(6), ..CAPS };
    let rules = PinRules::new(&PinPolicy::default(), &[caps]).unwrap();
    let count = Context::new(&rules).allowed_count(6).unwrap();
    assert!((1..729).contains(&count), "{count}");
    let mut desk = PinDesk::new(rules);
    assert_eq!(desk.left(), Left::Exactly { len: 6, count });
    let made = desk.generate(&mut TestRng(5)).unwrap();
    desk.note(made, PinUse::Past);
    assert_eq!(desk.left().number(), count - 1);
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
    assert_eq!(from_slice::<Digits>(&to_vec(&five), 8).unwrap(), five);
    assert!(from_slice::<Digits>(&[0x00], 8).is_err());
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
