//! The cases.

use super::bench::{Bench, must};
use super::{Case, Checked, Failure, Fault, Hand, Held, Rig};
use latchkey_hub::core::lock::{Answer, Bolt, Command, Happening, Reading};
use latchkey_hub::drivers::COMMAND_TIMEOUT;
use latchkey_shared::pin::Pin;
use latchkey_shared::schedule::{Schedule, Validity};
use latchkey_shared::slot::{OwnSchedules, Readback, SlotContent, SlotNo};
use latchkey_shared::time::Timestamp;
use latchkey_shared::zone::ZoneName;
use std::time::Duration;
use tokio::time::Instant;

/// How long a lock is watched that should be left alone.
const REST: Duration = Duration::from_secs(3);
/// What a person sets at the lock.
const BY_HAND: &str = "317264";

pub(super) async fn check<R: Rig>(b: &mut Bench<R>, case: Case) -> Checked {
    match case {
        Case::Found => found(b).await,
        Case::NothingIsScanned => nothing_is_scanned(b).await,
        Case::WrittenAndRead => b.put(0).await.map(drop),
        Case::LeadingZeros => b.put(2).await.map(drop),
        Case::Cleared => cleared(b).await,
        Case::OneWriteOneRead => one_write_one_read(b).await,
        Case::DroppedWrite => dropped_write(b).await,
        Case::NoAnswer => no_answer(b).await,
        Case::LateAnswer => late_answer(b).await,
        Case::Rejected => rejected(b, Fault::Rejects).await,
        Case::Duplicate => duplicate(b).await,
        Case::Masked => masked(b).await,
        Case::Full => rejected(b, Fault::Full).await,
        Case::Switched => switched(b).await,
        Case::OwnSchedule => own_schedule(b).await,
        Case::Reserved => reserved(b).await,
        Case::BadPin => bad_pin(b).await,
        Case::Opened => opened(b).await,
        Case::RefusedAtTheDoor => refused_at_the_door(b).await,
        Case::ChangedByHand => changed_by_hand(b).await,
        Case::OwnChangesAreNoNews => own_changes_are_no_news(b).await,
        Case::Operated => operated(b).await,
        Case::BatteryAndJam => battery_and_jam(b).await,
        Case::DeadThenAlive => dead_then_alive(b).await,
        Case::BridgeRestarted => bridge_restarted(b).await,
        Case::BridgeGone => bridge_gone(b).await,
        Case::IdleIsSilent => idle_is_silent(b).await,
    }
}

async fn held<R: Rig>(b: &mut Bench<R>, slot: SlotNo) -> Result<Held, Failure> {
    b.rig.held(slot).await.map_err(rig)
}

fn rig(e: super::RigError) -> Failure {
    Failure(format!("the rig: {e}"))
}

/// Writes the n-th PIN, whatever comes of it.
async fn attempt<R: Rig>(b: &mut Bench<R>, n: usize) -> Result<(SlotNo, Pin, Answer), Failure> {
    let (slot, pin) = (b.slot(n).await?, b.pin(n).await?);
    let answer = b.send(Command::Write { slot, pin: pin.clone() }).await;
    Ok((slot, pin, answer))
}

fn empty(answer: &Answer) -> bool {
    matches!(answer, Answer::Verified(Reading { content: SlotContent::Empty, .. }))
}

async fn found<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.find().await?;
    let seen = b.observe().await?;
    let wrong = seen.abilities.validate().err().unwrap_or_default();
    must(wrong.is_empty(), format!("abilities that no lock has: {wrong}"))?;
    must(seen.abilities.slots > 0 && seen.abilities.pin_max >= 4, format!("{:?}", seen.abilities))?;
    must(!seen.abilities.usable(SlotNo(0)), "slot 0 is nobody's")
}

async fn nothing_is_scanned<R: Rig>(b: &mut Bench<R>) -> Checked {
    let before = b.rig.requests().await.map_err(rig)?;
    b.observe().await?;
    let after = b.rig.requests().await.map_err(rig)?;
    must(after == before, format!("looking at the lock cost {} requests", after - before))
}

async fn cleared<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (first, _) = b.put(0).await?;
    let (second, pin) = b.put(1).await?;
    let answer = b.send(Command::Clear { slot: first }).await;
    let blind = b.abilities().await?.readback == Readback::None && answer == Answer::Unverifiable;
    must(empty(&answer) || blind, format!("clearing ended as {answer:?}"))?;
    must(held(b, first).await?.pin.is_none(), "the slot is not empty")?;
    must(held(b, second).await?.pin.as_deref() == Some(pin.expose()), "the neighbour lost its PIN")?;
    // A second time changes nothing and is no failure.
    let again = b.send(Command::Clear { slot: first }).await;
    must(empty(&again) || blind, format!("clearing an empty slot ended as {again:?}"))
}

async fn one_write_one_read<R: Rig>(b: &mut Bench<R>) -> Checked {
    let most = if b.abilities().await?.readback == Readback::None { 1 } else { 2 };
    let before = b.rig.requests().await.map_err(rig)?;
    b.put(0).await?;
    let cost = b.rig.requests().await.map_err(rig)? - before;
    must((1..=most).contains(&cost), format!("it cost {cost} requests"))
}

async fn dropped_write<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.rig.fault(Fault::DropsWrites).await.map_err(rig)?;
    let (slot, _, answer) = attempt(b, 0).await?;
    must(held(b, slot).await?.pin.is_none(), "the rig did not drop the write")?;
    let readback = b.abilities().await?.readback;
    must(
        matches!(answer, Answer::Rejected { .. } | Answer::Unknown) || readback == Readback::None,
        format!("a dropped write ended as {answer:?}"),
    )?;
    b.rig.heal().await.map_err(rig)?;
    b.put(0).await.map(drop)
}

async fn no_answer<R: Rig>(b: &mut Bench<R>) -> Checked {
    let slot = b.slot(0).await?;
    b.rig.fault(Fault::Silent).await.map_err(rig)?;
    let started = Instant::now();
    let (_, _, answer) = attempt(b, 0).await?;
    must(answer == Answer::Unknown, format!("silence was told as {answer:?}"))?;
    let read = b.send(Command::Read { slot }).await;
    must(matches!(read, Answer::Unknown | Answer::Unverifiable), format!("reading it: {read:?}"))?;
    must(started.elapsed() <= COMMAND_TIMEOUT * 2, "it took longer than commands may take")?;
    b.rig.heal().await.map_err(rig)?;
    b.put(0).await.map(drop)
}

async fn late_answer<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.rig.fault(Fault::AnswersLate).await.map_err(rig)?;
    let (slot, pin, answer) = attempt(b, 0).await?;
    let claimed = !matches!(answer, Answer::Unknown);
    b.rig.heal().await.map_err(rig)?;
    if claimed {
        b.went_well(&answer, &pin).await?;
    }
    // The next question gets its own answer, not the late one.
    let other = b.slot(1).await?;
    let read = b.send(Command::Read { slot: other }).await;
    must(empty(&read) || read == Answer::Unverifiable, format!("an empty slot was read as {read:?}"))?;
    let end = Instant::now() + b.rig.patience();
    while held(b, slot).await?.pin.is_none() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let read = b.send(Command::Read { slot }).await;
    match held(b, slot).await?.pin {
        Some(_) => must(!empty(&read), format!("the PIN is there and was read as {read:?}")),
        None => must(empty(&read), format!("the PIN is not there and was read as {read:?}")),
    }
}

async fn rejected<R: Rig>(b: &mut Bench<R>, fault: Fault) -> Checked {
    b.slot(0).await?;
    b.rig.fault(fault).await.map_err(rig)?;
    let (slot, _, answer) = attempt(b, 0).await?;
    must(matches!(answer, Answer::Rejected { .. }), format!("a refusal was told as {answer:?}"))?;
    must(held(b, slot).await?.pin.is_none(), "the slot is not empty")?;
    b.rig.heal().await.map_err(rig)?;
    b.put(0).await.map(drop)
}

async fn duplicate<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (first, pin) = b.put(0).await?;
    let second = b.slot(1).await?;
    let answer = b.send(Command::Write { slot: second, pin: pin.clone() }).await;
    must(matches!(answer, Answer::Rejected { .. }), format!("a duplicate was told as {answer:?}"))?;
    must(held(b, second).await?.pin.is_none(), "it is on the lock twice")?;
    must(held(b, first).await?.pin.as_deref() == Some(pin.expose()), "the first one was lost")?;
    // Nothing half-done is left in the way.
    b.put(1).await.map(drop)
}

async fn masked<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.rig.fault(Fault::Masks).await.map_err(rig)?;
    let (slot, pin, answer) = attempt(b, 0).await?;
    must(held(b, slot).await?.pin.as_deref() == Some(pin.expose()), "it was not written")?;
    let taken =
        |answer: &Answer| matches!(answer, Answer::Verified(Reading { content: SlotContent::Occupied, .. }));
    must(taken(&answer), format!("a masked write ended as {answer:?}"))?;
    let read = b.send(Command::Read { slot }).await;
    must(taken(&read), format!("a masked slot was read as {read:?}"))
}

async fn switched<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (slot, pin) = b.put(0).await?;
    for enabled in [false, true] {
        let answer = b.send(Command::SetEnabled { slot, enabled }).await;
        let seen = matches!(&answer, Answer::Verified(reading) if reading.enabled == enabled);
        let blind = b.abilities().await?.readback == Readback::None && answer == Answer::Unverifiable;
        must(seen || blind, format!("switching to {enabled} ended as {answer:?}"))?;
        let held = held(b, slot).await?;
        must(held.enabled == enabled, format!("the lock has it at {}", held.enabled))?;
        must(held.pin.as_deref() == Some(pin.expose()), "the PIN is not the same any more")?;
    }
    Ok(())
}

async fn own_schedule<R: Rig>(b: &mut Bench<R>) -> Checked {
    let slot = b.slot(0).await?;
    let zone = ZoneName::parse("Europe/Berlin").map_err(|_| Failure("no zone".into()))?;
    let from = Timestamp(1_800_000_000);
    let validity = Validity::new(from, Some(Timestamp(from.0 + 3 * 86_400)), Schedule::Always);
    let command =
        Command::SetSchedule { slot, validity, zone, now: latchkey_hub::drivers::sim::lock_clock() };
    if b.abilities().await?.own_schedules == OwnSchedules::None {
        let answer = b.send(command).await;
        return must(matches!(answer, Answer::Rejected { .. }), format!("not claimed, and yet {answer:?}"));
    }
    // As the hub does it: the hours first, then the PIN.
    let answer = b.send(command.clone()).await;
    must(
        matches!(answer, Answer::Kept | Answer::Unverifiable),
        format!("setting its hours ended as {answer:?}"),
    )?;
    b.put(0).await?;
    let again = b.send(command).await;
    must(
        matches!(again, Answer::Kept | Answer::Unverifiable),
        format!("setting its hours again ended as {again:?}"),
    )
}

async fn reserved<R: Rig>(b: &mut Bench<R>) -> Checked {
    let abilities = b.abilities().await?;
    let pin = b.pin(0).await?;
    let beyond = abilities.slots.checked_add(1);
    let slots = [Some(0), beyond].into_iter().flatten().chain(abilities.reserved).map(SlotNo);
    let before = b.rig.requests().await.map_err(rig)?;
    for slot in slots {
        for command in [Command::Clear { slot }, Command::Write { slot, pin: pin.clone() }] {
            let answer = b.send(command).await;
            must(matches!(answer, Answer::Rejected { .. }), format!("slot {}: {answer:?}", slot.0))?;
        }
    }
    let after = b.rig.requests().await.map_err(rig)?;
    must(after == before, format!("{} requests reached the lock", after - before))
}

async fn bad_pin<R: Rig>(b: &mut Bench<R>) -> Checked {
    let abilities = b.abilities().await?;
    let slot = b.slot(0).await?;
    let length =
        usize::from(if abilities.pin_max < 10 { abilities.pin_max + 1 } else { abilities.pin_min - 1 });
    let Some(pin) = "4829136057".get(..length).and_then(|text| Pin::parse(text).ok()) else { return Ok(()) };
    let before = b.rig.requests().await.map_err(rig)?;
    let answer = b.send(Command::Write { slot, pin }).await;
    must(matches!(answer, Answer::Rejected { .. }), format!("{length} digits: {answer:?}"))?;
    must(held(b, slot).await?.pin.is_none(), "it is on the lock")?;
    let after = b.rig.requests().await.map_err(rig)?;
    must(after - before <= 2, format!("{} requests for what cannot be", after - before))
}

async fn opened<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (slot, _) = b.put(0).await?;
    b.rig.hand(Hand::Types(slot)).await.map_err(rig)?;
    let told = b.hears(|h| *h == Happening::Opened { slot }).await;
    must(told, "nobody was told who came in")?;
    let twice = b.hears_within(Duration::from_millis(700), |h| matches!(h, Happening::Opened { .. })).await;
    must(!twice, "one entry was told twice")
}

async fn refused_at_the_door<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.rig.hand(Hand::TypesWrong).await.map_err(rig)?;
    let told = b.hears(|h| *h == Happening::Refused).await;
    must(told, "nobody was told")
}

async fn changed_by_hand<R: Rig>(b: &mut Bench<R>) -> Checked {
    let slot = b.slot(0).await?;
    let tells = b.observe().await?.tells_changes;
    b.rig.hand(Hand::Programs(slot, Some(BY_HAND))).await.map_err(rig)?;
    let any = |h: &Happening| matches!(h, Happening::ChangedAll) || *h == Happening::Changed { slot };
    must(!tells || b.hears(any).await, "it tells changes, and told none")?;
    let read = b.send(Command::Read { slot }).await;
    let right = match &read {
        Answer::Verified(Reading { content: SlotContent::Pin(pin), .. }) => pin.expose() == BY_HAND,
        Answer::Verified(Reading { content: SlotContent::Occupied, .. }) | Answer::Unverifiable => true,
        _ => false,
    };
    must(right, format!("read as {read:?}"))?;
    b.rig.hand(Hand::Programs(slot, None)).await.map_err(rig)?;
    must(!tells || b.hears(any).await, "deleting it was not told")?;
    let read = b.send(Command::Read { slot }).await;
    must(empty(&read) || read == Answer::Unverifiable, format!("after deleting: {read:?}"))
}

async fn own_changes_are_no_news<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (slot, _) = b.put(0).await?;
    b.send(Command::Clear { slot }).await;
    let changed = |h: &Happening| matches!(h, Happening::Changed { .. } | Happening::ChangedAll);
    let told = b.hears_within(Duration::from_secs(1), changed).await;
    must(!told, "the hub's own write was told as a change by hand")
}

async fn operated<R: Rig>(b: &mut Bench<R>) -> Checked {
    for to in [Bolt::Unlocked, Bolt::Locked] {
        let answer = b.send(Command::Operate { to }).await;
        must(answer == Answer::Operated(to), format!("{to:?} ended as {answer:?}"))?;
    }
    Ok(())
}

async fn battery_and_jam<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.rig.hand(Hand::Battery(14)).await.map_err(rig)?;
    let told = b.hears(|h| matches!(h, Happening::Battery(percent) if percent.abs_diff(14) <= 1)).await;
    must(told, "the battery was not told")?;
    b.rig.hand(Hand::Jams).await.map_err(rig)?;
    let told = b.hears(|h| *h == Happening::Bolt(Bolt::Jammed)).await;
    must(told, "the jam was not told")?;
    b.rig.hand(Hand::Battery(87)).await.map_err(rig)?;
    b.rig.hand(Hand::Turns(Bolt::Locked)).await.map_err(rig)
}

async fn dead_then_alive<R: Rig>(b: &mut Bench<R>) -> Checked {
    let slot = b.slot(0).await?;
    b.rig.fault(Fault::Dead).await.map_err(rig)?;
    let (_, _, answer) = attempt(b, 0).await?;
    must(answer == Answer::Unknown, format!("a dead lock answered {answer:?}"))?;
    let read = b.send(Command::Read { slot }).await;
    must(matches!(read, Answer::Unknown | Answer::Unverifiable), format!("reading it: {read:?}"))?;
    b.rig.heal().await.map_err(rig)?;
    let end = Instant::now() + b.rig.patience() * 3;
    while b.send(Command::Read { slot }).await == Answer::Unknown {
        must(Instant::now() < end, "it is alive and cannot be read")?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    b.put(0).await.map(drop)
}

async fn bridge_restarted<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (slot, pin) = b.put(0).await?;
    b.rig.bridge(false).await.map_err(rig)?;
    b.rig.bridge(true).await.map_err(rig)?;
    works_again(b, slot, &pin).await
}

async fn works_again<R: Rig>(b: &mut Bench<R>, slot: SlotNo, pin: &Pin) -> Checked {
    let end = Instant::now() + b.rig.patience() * 6;
    loop {
        match b.send(Command::Read { slot }).await {
            Answer::Unknown => {
                must(Instant::now() < end, "the bridge is back and the lock cannot be read")?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            read => {
                let there = !empty(&read) && !matches!(read, Answer::Rejected { .. });
                must(there, format!("the PIN was read as {read:?}"))?;
                break;
            }
        }
    }
    must(held(b, slot).await?.pin.as_deref() == Some(pin.expose()), "the slot has changed")?;
    b.put(1).await.map(drop)
}

async fn bridge_gone<R: Rig>(b: &mut Bench<R>) -> Checked {
    let (slot, pin) = b.put(0).await?;
    b.rig.bridge(false).await.map_err(rig)?;
    must(b.hears(|h| *h == Happening::Away).await, "nobody said that the lock is away")?;
    let started = Instant::now();
    let answer = b.send(Command::Clear { slot }).await;
    must(answer == Answer::Unknown, format!("with nothing in between: {answer:?}"))?;
    must(started.elapsed() < COMMAND_TIMEOUT, "it took as long as a command may take")?;
    // Away for long is the same as away for a while, but for the driver's back-off.
    tokio::time::sleep(REST).await;
    b.rig.bridge(true).await.map_err(rig)?;
    works_again(b, slot, &pin).await
}

async fn idle_is_silent<R: Rig>(b: &mut Bench<R>) -> Checked {
    b.put(0).await?;
    let before = b.rig.requests().await.map_err(rig)?;
    tokio::time::sleep(REST).await;
    let after = b.rig.requests().await.map_err(rig)?;
    must(after == before, format!("{} requests within {REST:?}", after - before))
}
