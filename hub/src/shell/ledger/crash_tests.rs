//! What power cuts and bad disks leave of the real file: a ledger as after some batch, none older than the last that was
//! reported written; or, where bytes were altered, a refusal.

use super::*;
use crate::core::slot_state::{OwnerRecord, SeenRecord};
use redb::StorageBackend;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// What a disk writes as a whole.
const SECTOR: usize = 512;
const BATCHES: u8 = 12;

#[derive(Clone, Debug)]
enum Act {
    Write(usize, Vec<u8>),
    Length(usize),
    Sync,
}

/// A disk that remembers everything that was asked of it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, Vec<Act>)>>);

fn apply(image: &mut Vec<u8>, act: &Act, sector: impl Fn(usize) -> bool) {
    match act {
        Act::Write(at, data) => {
            let end = at + data.len();
            if image.len() < end {
                image.resize(end, 0);
            }
            for (i, byte) in data.iter().enumerate().filter(|(i, _)| sector((at + i) / SECTOR)) {
                image[at + i] = *byte;
            }
        }
        Act::Length(length) => image.resize(*length, 0),
        Act::Sync => {}
    }
}

impl Disk {
    fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new((image, vec![]))))
    }

    fn acts(&self) -> Vec<Act> {
        self.0.lock().unwrap().1.clone()
    }

    fn act(&self, act: Act) {
        let (image, acts) = &mut *self.0.lock().unwrap();
        apply(image, &act, |_| true);
        acts.push(act);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let image = &self.0.lock().unwrap().0;
        let from = image.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.act(Act::Length(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.act(Act::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.act(Act::Write(offset as usize, data.to_vec()));
        Ok(())
    }
}

/// Small and repeatable: splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

fn batch(n: u8) -> Vec<Change> {
    let slot = SlotRecord {
        owner: OwnerRecord::Managed(GrantId([n; 16]), u32::from(n)),
        seen: SeenRecord::AsWritten,
        enabled: true,
        schedule: None,
        at: None,
        hand: None,
    };
    vec![
        Change::Chain { from: u64::from(n), ops: vec![vec![n; 700]], head: vec![n; 200] },
        Change::Slot(LockId([1; 16]), SlotNo(u16::from(n) % 5), slot),
        Change::Event(EventTip { number: u64::from(n) + 1, hash: Some(Hash32([n; 32])) }, vec![n; 150]),
        Change::ReportNumber(u64::from(n)),
    ]
}

/// All there is in a ledger, to be compared.
fn content(ledger: &Ledger) -> String {
    format!("{:?} {:?}", ledger.load().unwrap(), ledger.events(0, 1_000).unwrap())
}

fn open(disk: Disk) -> Result<Ledger, LedgerError> {
    let db = Builder::new().set_check_integrity_on_open(true).create_with_backend(disk)?;
    Ledger::with(db, Path::new("ledger"))
}

/// Its content after each batch, and how many acts of the disk there were by then.
fn written(disk: &Disk) -> Vec<(String, usize)> {
    let ledger = open(disk.clone()).unwrap();
    let mut states = vec![(content(&ledger), disk.acts().len())];
    for n in 0..BATCHES {
        ledger.persist(&batch(n)).unwrap();
        states.push((content(&ledger), disk.acts().len()));
    }
    states
}

#[test]
fn a_power_cut_in_the_middle_of_a_write_leaves_whole_batches_and_none_that_was_written_is_lost() {
    let disk = Disk::default();
    let states = written(&disk);
    let acts = disk.acts();
    let mut dice = Dice(7);
    for cut in states[0].1..=states[states.len() - 1].1 {
        // What was synced is there; of what was not, any sectors, in any order of their arrival.
        let synced = acts[..cut].iter().rposition(|act| matches!(act, Act::Sync)).map_or(0, |at| at + 1);
        let mut image = vec![];
        acts[..synced].iter().for_each(|act| apply(&mut image, act, |_| true));
        let salt = dice.roll(u64::MAX);
        for act in &acts[synced..cut] {
            apply(&mut image, act, |sector| Dice(salt ^ sector as u64).roll(3) > 0);
        }
        let now = content(&open(Disk::of(image)).unwrap());
        let reported = states.iter().rposition(|(_, at)| *at <= cut).unwrap();
        let found = states.iter().position(|(state, _)| *state == now);
        let found = found.unwrap_or_else(|| panic!("cut after {cut} acts: no batch ends like this"));
        assert!(found == reported || found == reported + 1, "cut after {cut} acts: {found}, not {reported}");
    }
}

#[test]
fn an_altered_ledger_is_refused_or_as_it_was() {
    let disk = Disk::default();
    let states = written(&disk);
    let image = disk.0.lock().unwrap().0.clone();
    let good: Vec<&String> = states.iter().map(|(state, _)| state).collect();
    let used: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
    let (mut dice, mut refused) = (Dice(9), 0);
    for _ in 0..400 {
        let mut altered = image.clone();
        let at = used[dice.roll(used.len() as u64) as usize];
        altered[at] ^= 1 << dice.roll(8);
        let opened =
            catch_unwind(AssertUnwindSafe(|| open(Disk::of(altered)).map(|ledger| content(&ledger))));
        match opened.unwrap_or_else(|_| panic!("byte {at}: it panics")) {
            Ok(now) => assert!(good.contains(&&now), "byte {at}: it is believed"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}
