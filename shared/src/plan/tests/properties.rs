//! Properties of every plan, checked against a lock that knows nothing of the planner.

use super::*;

/// Whose PIN is in a slot of the lock itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Inside {
    Nothing,
    /// A grant's, in a revision.
    Ours(u8, u32),
    /// Set at the lock.
    Foreign,
}

/// A lock: what is in its slots, which of them open, and what it may be asked. It does as it is told, and no more.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Lock {
    slots: BTreeMap<SlotNo, (Inside, bool)>,
    abilities: LockAbilities,
}

impl Lock {
    fn inside(&self, slot: SlotNo) -> Inside {
        self.slots.get(&slot).map_or(Inside::Nothing, |(inside, _)| *inside)
    }

    /// In how many slots that Latchkey may use a grant's PIN opens.
    fn opens(&self, grant: u8, abilities: &LockAbilities) -> usize {
        let of_it = |(no, (inside, on)): &(&SlotNo, &(Inside, bool))| {
            *on && abilities.usable(**no) && matches!(inside, Inside::Ours(g, _) if *g == grant)
        };
        self.slots.iter().filter(of_it).count()
    }

    /// What reading a slot shows to whoever wrote this revision of this grant there.
    fn read(&self, slot: SlotNo, owner: Owner<u8>) -> (Seen, bool) {
        let (inside, on) = self.slots.get(&slot).copied().unwrap_or((Inside::Nothing, false));
        let written = match owner {
            Owner::Claimed { grant, rev } | Owner::Managed { grant, rev } => Some(Inside::Ours(grant, rev)),
            Owner::Unmanaged | Owner::Free => None,
        };
        let seen = match (self.abilities.readback, inside) {
            (Readback::None, _) => Seen::Unknown,
            (_, Inside::Nothing) => Seen::Empty,
            (Readback::Masked, _) => Seen::Occupied,
            (Readback::Full, inside) if written == Some(inside) => Seen::AsWritten,
            (Readback::Full, _) => Seen::Different,
        };
        (seen, on)
    }
}

const UNREAD: SlotView<u8> =
    SlotView { owner: Owner::Free, seen: Seen::Unknown, enabled: false, schedule: None };

/// A lock and the hub's ledger of it.
#[derive(Clone, Debug)]
struct World {
    lock: Lock,
    view: LockView<u8>,
    room: Room,
}

impl World {
    fn plan(&self, want: &[DesiredSlot<u8>]) -> Plan<u8> {
        crate::plan::plan(want, &self.view, &self.lock.abilities, self.room)
    }

    /// Carries one step out, at the lock and in the ledger, as the hub does: what a lock cannot show is what it said.
    fn step(&mut self, op: &SlotOp<u8>) {
        let slot = slot_of(op);
        let v = self.view.entry(slot).or_insert(UNREAD);
        let blind = self.lock.abilities.readback == Readback::None;
        match *op {
            SlotOp::Clear { .. } => {
                self.lock.slots.remove(&slot);
                *v = SlotView { owner: Owner::Free, seen: Seen::Empty, enabled: false, schedule: None };
                return;
            }
            SlotOp::SetEnabled { enabled, .. } => {
                if let Some((_, on)) = self.lock.slots.get_mut(&slot) {
                    *on = enabled;
                }
                v.enabled = enabled;
            }
            SlotOp::SetSchedule { grant, schedule, .. } => {
                // The slot is claimed before anything is sent. In these tests a schedule's tag is its revision.
                if v.owner != (Owner::Managed { grant, rev: schedule }) {
                    v.owner = Owner::Claimed { grant, rev: schedule };
                }
                v.schedule = Some(schedule);
            }
            SlotOp::Write { grant, rev, .. } => {
                self.lock.slots.insert(slot, (Inside::Ours(grant, rev), true));
                if v.owner.grant() != Some(grant) {
                    v.schedule = None;
                }
                (v.owner, v.enabled) = (Owner::Managed { grant, rev }, true);
            }
            SlotOp::ReadBack { .. } => assert!(!blind, "there is nothing to read"),
        }
        if !blind {
            (v.seen, v.enabled) = self.lock.read(slot, v.owner);
            if v.owner == Owner::Free && v.seen != Seen::Empty {
                v.owner = Owner::Unmanaged;
            }
        } else if matches!(op, SlotOp::Write { .. }) {
            v.seen = Seen::Unknown;
        }
    }
}

fn slot_of(op: &SlotOp<u8>) -> SlotNo {
    match *op {
        SlotOp::Clear { slot }
        | SlotOp::SetEnabled { slot, .. }
        | SlotOp::SetSchedule { slot, .. }
        | SlotOp::Write { slot, .. }
        | SlotOp::ReadBack { slot } => slot,
    }
}

fn is_removal(op: &SlotOp<u8>) -> bool {
    matches!(op, SlotOp::Clear { .. } | SlotOp::SetEnabled { enabled: false, .. })
}

/// What is in a slot, what the ledger says of it, and whether that is known at all.
fn a_slot() -> impl Strategy<Value = (Inside, bool, Option<SlotView<u8>>)> {
    let ours = (0u8..6, 1u32..3, any::<bool>(), any::<bool>()).prop_map(|(grant, rev, on, managed)| {
        let owner = if managed { Owner::Managed { grant, rev } } else { Owner::Claimed { grant, rev } };
        (
            Inside::Ours(grant, rev),
            on,
            Some(SlotView { owner, seen: Seen::AsWritten, enabled: on, schedule: None }),
        )
    });
    let kept = (0u8..6, 1u32..3).prop_map(|(grant, rev)| {
        let owner = Owner::Managed { grant, rev };
        (Inside::Nothing, false, Some(SlotView { owner, seen: Seen::Empty, ..UNREAD }))
    });
    let wiped = (0u8..6, 1u32..3, prop::sample::select(vec![Inside::Nothing, Inside::Foreign])).prop_map(
        |(grant, rev, inside)| {
            let owner = Owner::Managed { grant, rev };
            let seen = if inside == Inside::Nothing { Seen::Empty } else { Seen::Different };
            (
                inside,
                inside == Inside::Foreign,
                Some(SlotView { owner, seen, enabled: seen == Seen::Different, ..UNREAD }),
            )
        },
    );
    let foreign =
        Some(SlotView { owner: Owner::Unmanaged, seen: Seen::Different, enabled: true, schedule: None });
    let empty = Some(SlotView { seen: Seen::Empty, ..UNREAD });
    prop_oneof![
        3 => ours,
        1 => kept,
        1 => wiped,
        1 => Just((Inside::Foreign, true, foreign)),
        1 => Just((Inside::Foreign, true, None)),
        1 => Just((Inside::Nothing, false, empty)),
        2 => Just((Inside::Nothing, false, None)),
    ]
}

fn timing() -> impl Strategy<Value = Timing> {
    prop_oneof![Just(Timing::Now), (1u64..5).prop_map(|t| Timing::Later(Timestamp(t)))]
}

fn a_world() -> impl Strategy<Value = (World, Vec<DesiredSlot<u8>>)> {
    let readback = prop::sample::select(vec![Readback::Full, Readback::Masked, Readback::None]);
    let want = prop::collection::btree_map(0u8..6, (1u32..3, timing()), 0..6);
    let from = prop::sample::select(vec![End::Low, End::High]);
    let room = (from, any::<bool>()).prop_map(|(from, shared)| Room { from, shared });
    (prop::collection::vec(a_slot(), 8), want, readback, any::<bool>(), any::<bool>(), room).prop_map(
        |(slots, want, readback, own, toggles, room)| {
            let abilities = abilities(8, readback, own, toggles);
            let (mut lock, mut view) = (Lock { slots: BTreeMap::new(), abilities }, LockView::new());
            for (no, (inside, on, known)) in (1u16..).map(SlotNo).zip(slots) {
                // What a lock does not show nobody can do anything about: such worlds are left out.
                let inside = match (readback, inside, known.map(|v: SlotView<u8>| v.owner)) {
                    (Readback::None, _, None) => Inside::Nothing,
                    (
                        Readback::Masked | Readback::None,
                        Inside::Foreign,
                        Some(Owner::Managed { grant, rev } | Owner::Claimed { grant, rev }),
                    ) => Inside::Ours(grant, rev),
                    (_, inside, _) => inside,
                };
                if inside != Inside::Nothing {
                    lock.slots.insert(no, (inside, on));
                }
                if let Some(mut v) = known {
                    if v.seen != Seen::Empty && v.owner != Owner::Unmanaged {
                        v.seen = lock.read(no, v.owner).0;
                    }
                    view.insert(no, v);
                }
            }
            let want = want.into_iter().map(|(g, (rev, t))| desired(g, rev, t)).collect();
            (World { lock, view, room }, want)
        },
    )
}

/// Plans and carries out the first step, until there is none.
fn settle(
    world: &mut World,
    want: &[DesiredSlot<u8>],
    mut each: impl FnMut(&World, &Plan<u8>),
) -> Result<Plan<u8>, TestCaseError> {
    for _ in 0..60 {
        let made = world.plan(want);
        each(world, &made);
        let Some(first) = made.ops.first() else { return Ok(made) };
        world.step(first);
    }
    Err(TestCaseError::fail("it does not come to an end"))
}

/// Grants that have one slot and keep it.
fn places(view: &LockView<u8>, abilities: &LockAbilities) -> BTreeMap<u8, Vec<SlotNo>> {
    let mut places: BTreeMap<u8, Vec<SlotNo>> = BTreeMap::new();
    for (no, v) in view.iter().filter(|(no, _)| abilities.usable(**no)) {
        if let Some(grant) = v.owner.grant() {
            places.entry(grant).or_default().push(*no);
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_plan_leaves_no_choices((world, mut want) in a_world()) {
        let first = world.plan(&want);
        want.reverse();
        prop_assert_eq!(&first, &world.plan(&want));
        let late = first.ops.iter().skip_while(|op| is_removal(op)).any(is_removal);
        prop_assert!(!late, "removals come first: {:?}", first.ops);
        let timing = |op: &SlotOp<u8>| match op {
            SlotOp::Write { grant, .. } => want.iter().find(|d| d.grant == *grant).map(|d| d.timing),
            _ => None,
        };
        prop_assert!(first.ops.iter().filter_map(timing).is_sorted(), "the nearest booking first");
        let changes = |op: &&SlotOp<u8>| !matches!(op, SlotOp::SetSchedule { .. });
        let mut named: Vec<SlotNo> = first.ops.iter().filter(changes).map(slot_of).collect();
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        prop_assert_eq!(named.len(), all, "one step for each slot: {:?}", first.ops);
    }

    #[test]
    fn plans_converge_on_what_is_desired((mut world, want) in a_world()) {
        let done = settle(&mut world, &want, |_, _| ())?;
        let again = world.plan(&want);
        prop_assert_eq!(&again, &done, "a plan that was carried out asks for nothing");
        let unplaced: BTreeSet<u8> = done.unplaced.iter().map(|u| u.0).collect();
        let wanted: BTreeMap<u8, &DesiredSlot<u8>> = want.iter().map(|d| (d.grant, d)).collect();
        for (slot, (inside, on)) in &world.lock.slots {
            let Inside::Ours(grant, rev) = inside else { continue };
            let known = world.view.get(slot).is_some_and(|v| v.owner.grant().is_some());
            if !world.lock.abilities.usable(*slot) || !known || !on { continue; }
            let d = wanted.get(grant);
            prop_assert!(d.is_some(), "slot {} opens for nobody's code", slot.0);
            let (d, keeps) = (d.unwrap(), world.lock.abilities.keeps_hours());
            prop_assert!(keeps || d.timing == Timing::Now, "it opens outside its hours");
            prop_assert_eq!(*rev, d.rev, "in its newest revision");
        }
        for d in want.iter().filter(|d| d.timing == Timing::Now && !unplaced.contains(&d.grant)) {
            let opens = world.lock.slots.iter().any(|(no, (inside, on))| {
                world.lock.abilities.usable(*no) && *on && *inside == Inside::Ours(d.grant, d.rev)
            });
            prop_assert!(opens, "{} does not open", d.grant);
        }
    }

    #[test]
    fn what_is_not_ours_is_never_touched((mut world, want) in a_world()) {
        let (lock, view) = (world.lock.clone(), world.view.clone());
        let mut touched = vec![];
        settle(&mut world, &want, |world, plan| {
            for op in plan.ops.iter().filter(|op| !matches!(op, SlotOp::ReadBack { .. })) {
                let slot = slot_of(op);
                let foreign = world.view.get(&slot).is_some_and(|v| v.owner == Owner::Unmanaged);
                if foreign || !world.lock.abilities.usable(slot) {
                    touched.push(slot);
                }
            }
        })?;
        prop_assert!(touched.is_empty(), "{touched:?}");
        for slot in (1..=8).map(SlotNo) {
            let ours = view.get(&slot).is_some_and(|v| v.owner.grant().is_some());
            if lock.inside(slot) == Inside::Foreign && !ours {
                prop_assert_eq!(world.lock.inside(slot), Inside::Foreign, "slot {}", slot.0);
            }
        }
    }

    #[test]
    fn survivors_keep_their_slots_and_no_grant_has_two((mut world, want) in a_world()) {
        let abilities = world.lock.abilities.clone();
        let before = places(&world.view, &abilities);
        let done = settle(&mut world, &want, |_, _| ())?;
        let after = places(&world.view, &abilities);
        let evicted: BTreeSet<u8> = done.unplaced.iter().map(|u| u.0).collect();
        for d in want.iter().filter(|d| !evicted.contains(&d.grant)) {
            let (Some(was), Some(is)) = (before.get(&d.grant), after.get(&d.grant)) else { continue };
            prop_assert!(is.iter().all(|slot| was.contains(slot)), "{} moved from {was:?} to {is:?}", d.grant);
        }
        for d in &want {
            prop_assert!(world.lock.opens(d.grant, &abilities) <= 1, "{} opens twice", d.grant);
            let slots: Vec<_> = world.view.iter().filter(|(no, v)| {
                abilities.usable(**no) && v.owner.grant() == Some(d.grant) && v.seen != Seen::Empty
            }).collect();
            prop_assert!(slots.len() <= 1, "{} has {slots:?}", d.grant);
        }
    }

    #[test]
    fn a_far_booking_never_evicts_a_near_one((world, want) in a_world()) {
        let abilities = &world.lock.abilities;
        let held = places(&world.view, abilities);
        let made = world.plan(&want);
        let losers = made.unplaced.iter().map(|u| u.0).filter(|grant| held.contains_key(grant));
        let timing = |grant: u8| want.iter().find(|d| d.grant == grant).map(|d| d.timing);
        for loser in losers {
            let nearer = made.unplaced.iter().filter(|u| !held.contains_key(&u.0)).any(|u| timing(u.0) < timing(loser));
            prop_assert!(nearer, "{loser} gave way to nobody nearer");
            prop_assert!(timing(loser) != Some(Timing::Now), "a code that opens now gives way to nobody");
        }
    }
}
