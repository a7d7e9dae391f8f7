use super::*;
use proptest::prelude::*;

fn abilities(slots: u16, readback: Readback, own_schedules: bool, toggles: bool) -> LockAbilities {
    let usual = crate::testing::abilities();
    let own_schedules = if own_schedules { OwnSchedules::Hours } else { OwnSchedules::None };
    LockAbilities { slots, reserved: vec![1], readback, own_schedules, toggles, ..usual }
}

fn plan(want: &[DesiredSlot<u8>], view: &LockView<u8>, abilities: &LockAbilities) -> Plan<u8> {
    super::plan(want, view, abilities, Room::default())
}

fn slot(owner: Owner<u8>, seen: Seen) -> SlotView<u8> {
    SlotView { owner, seen, enabled: seen != Seen::Empty, schedule: None }
}

fn desired(grant: u8, rev: u32, timing: Timing) -> DesiredSlot<u8> {
    DesiredSlot::from_verified_parts(grant, rev, rev, timing)
}

/// A lock that does what it is told, and a hub that records it.
fn apply(view: &mut LockView<u8>, ops: &[SlotOp<u8>], readback: Readback) {
    for op in ops {
        let (SlotOp::Clear { slot }
        | SlotOp::SetEnabled { slot, .. }
        | SlotOp::SetSchedule { slot, .. }
        | SlotOp::Write { slot, .. }
        | SlotOp::ReadBack { slot }) = *op;
        let unread = SlotView { owner: Owner::Free, seen: Seen::Unknown, enabled: false, schedule: None };
        let v = view.entry(slot).or_insert(unread);
        match *op {
            SlotOp::Clear { .. } => {
                let seen = if readback == Readback::None { Seen::Unknown } else { Seen::Empty };
                *v = SlotView { owner: Owner::Free, seen, enabled: false, schedule: None };
            }
            SlotOp::SetEnabled { enabled, .. } => {
                v.enabled = enabled;
                if v.seen == Seen::Unknown && readback != Readback::None {
                    v.seen = Seen::Occupied;
                }
            }
            SlotOp::SetSchedule { schedule, .. } => v.schedule = Some(schedule),
            SlotOp::Write { grant, rev, .. } => {
                v.owner = Owner::Managed { grant, rev };
                v.enabled = true;
                v.seen = match readback {
                    Readback::Full => Seen::AsWritten,
                    Readback::Masked => Seen::Occupied,
                    Readback::None => Seen::Unknown,
                };
            }
            SlotOp::ReadBack { .. } => {
                v.seen = if v.owner == Owner::Free { Seen::Empty } else { Seen::Occupied };
            }
        }
    }
}

#[test]
fn removals_first_and_no_reuse_before_the_clear_is_confirmed() {
    let a = abilities(2, Readback::Full, false, false);
    let mut view: LockView<u8> =
        [(SlotNo(2), slot(Owner::Managed { grant: 1, rev: 1 }, Seen::AsWritten))].into();
    let want = [desired(2, 1, Timing::Now)];
    let first = plan(&want, &view, &a);
    assert_eq!(first.ops, [SlotOp::Clear { slot: SlotNo(2) }]);
    assert_eq!(first.unplaced, [Unplaced(2)]);
    apply(&mut view, &first.ops, a.readback);
    assert_eq!(plan(&want, &view, &a).ops, [SlotOp::Write { slot: SlotNo(2), grant: 2, rev: 1 }]);
}

#[test]
fn what_was_not_read_is_switched_off_outside_its_hours() {
    let later = [desired(1, 1, Timing::Later(Timestamp(900)))];
    let off = SlotOp::SetEnabled { slot: SlotNo(2), enabled: false };
    let owner = Owner::Managed { grant: 1, rev: 1 };
    let readable = abilities(2, Readback::Full, false, true);
    for enabled in [false, true] {
        let view = |seen| [(SlotNo(2), SlotView { enabled, ..slot(owner, seen) })].into();
        assert_eq!(plan(&later, &view(Seen::Unknown), &readable).ops, [off]);
        // What cannot be read goes by what the lock acknowledged.
        let blind = plan(&later, &view(Seen::Unknown), &abilities(2, Readback::None, false, true));
        assert_eq!(blind.ops.contains(&off), enabled);
        let known = plan(&later, &view(Seen::AsWritten), &readable);
        assert_eq!(known.ops.contains(&off), enabled);
    }
}

#[test]
fn outside_its_hours_only_the_codes_own_pin_stays_switched_off() {
    let later = [desired(1, 2, Timing::Later(Timestamp(900)))];
    let (old, claimed) = (Owner::Managed { grant: 1, rev: 1 }, Owner::Claimed { grant: 1, rev: 2 });
    let current = Owner::Managed { grant: 1, rev: 2 };
    for (owner, seen) in [(old, Seen::Occupied), (claimed, Seen::Unknown), (current, Seen::Different)] {
        for readback in [Readback::Full, Readback::Masked, Readback::None] {
            let view = [(SlotNo(2), slot(owner, seen))].into();
            let ops = plan(&later, &view, &abilities(2, readback, false, true)).ops;
            assert_eq!(ops, [SlotOp::Clear { slot: SlotNo(2) }], "{owner:?} {seen:?} {readback:?}");
        }
    }
}

#[test]
fn the_nearest_booking_wins_a_full_lock() {
    let a = abilities(2, Readback::Full, true, false);
    let view: LockView<u8> = [(SlotNo(2), slot(Owner::Managed { grant: 1, rev: 1 }, Seen::AsWritten))].into();
    let far = desired(1, 1, Timing::Later(Timestamp(900)));
    let near = plan(&[far, desired(2, 1, Timing::Later(Timestamp(500)))], &view, &a);
    assert_eq!(near.ops, [SlotOp::Clear { slot: SlotNo(2) }]);
    let farther = plan(&[far, desired(2, 1, Timing::Later(Timestamp(990)))], &view, &a);
    assert!(!farther.ops.contains(&SlotOp::Clear { slot: SlotNo(2) }));
    assert_eq!(farther.unplaced, [Unplaced(2)]);
}

#[test]
fn a_masked_reading_is_not_read_again_and_a_changed_pin_is_restored() {
    let a = abilities(2, Readback::Masked, false, false);
    let owner = Owner::Managed { grant: 1, rev: 1 };
    let want = [desired(1, 1, Timing::Now)];
    let with = |seen| plan(&want, &[(SlotNo(2), slot(owner, seen))].into(), &a).ops;
    assert_eq!(with(Seen::Occupied), []);
    assert_eq!(with(Seen::Different), [SlotOp::Write { slot: SlotNo(2), grant: 1, rev: 1 }]);
    assert_eq!(with(Seen::Unknown), [SlotOp::ReadBack { slot: SlotNo(2) }]);
}

#[test]
fn a_lock_that_keeps_terms_is_told_the_term_and_keeps_no_hours() {
    let a = LockAbilities { own_schedules: OwnSchedules::Term, ..abilities(2, Readback::Full, false, false) };
    let mut view: LockView<u8> = [(SlotNo(2), slot(Owner::Free, Seen::Empty))].into();
    assert_eq!(plan(&[desired(1, 1, Timing::Later(Timestamp(9)))], &view, &a).ops, []);
    let on = plan(&[desired(1, 1, Timing::Now)], &view, &a).ops;
    let schedule = SlotOp::SetSchedule { slot: SlotNo(2), grant: 1, schedule: 1 };
    assert_eq!(on, [schedule, SlotOp::Write { slot: SlotNo(2), grant: 1, rev: 1 }]);
    apply(&mut view, &on, a.readback);
    assert_eq!(plan(&[desired(1, 1, Timing::Now)], &view, &a).ops, []);
    let off = plan(&[desired(1, 1, Timing::Later(Timestamp(9)))], &view, &a).ops;
    assert_eq!(off, [SlotOp::Clear { slot: SlotNo(2) }]);
}

#[test]
fn outside_its_hours_a_code_is_off() {
    let later = [desired(1, 1, Timing::Later(Timestamp(9)))];
    let view: LockView<u8> = [(SlotNo(2), slot(Owner::Managed { grant: 1, rev: 1 }, Seen::AsWritten))].into();
    let off = plan(&later, &view, &abilities(2, Readback::Full, false, true)).ops;
    assert_eq!(off, [SlotOp::SetEnabled { slot: SlotNo(2), enabled: false }]);
    let gone = plan(&later, &view, &abilities(2, Readback::Full, false, false)).ops;
    assert_eq!(gone, [SlotOp::Clear { slot: SlotNo(2) }]);
}

#[test]
fn two_hubs_meet_only_in_a_full_lock_even_where_nothing_can_be_read() {
    for readback in [Readback::None, Readback::Full] {
        let a = abilities(9, readback, false, false);
        for here in 0..=8 {
            let want =
                |grants: std::ops::Range<u8>| grants.map(|g| desired(g, 1, Timing::Now)).collect::<Vec<_>>();
            // Neither knows anything of the other.
            let empty = || (1..=9).map(|no| (SlotNo(no), slot(Owner::Free, Seen::Empty))).collect();
            let taken = |want: &[DesiredSlot<u8>], from| {
                let ops = crate::plan::plan(want, &empty(), &a, Room { from, shared: true }).ops;
                ops.iter()
                    .map(|op| match op {
                        SlotOp::Write { slot, .. } => *slot,
                        _ => panic!("{op:?}"),
                    })
                    .collect()
            };
            let low: BTreeSet<SlotNo> = taken(&want(0..here), End::Low);
            let high: BTreeSet<SlotNo> = taken(&want(here..8), End::High);
            assert_eq!((low.len(), high.len()), (usize::from(here), usize::from(8 - here)));
            assert!(low.is_disjoint(&high), "{low:?} {high:?}");
        }
    }
}

mod properties;
