//! What somebody sends costs memory in proportion to what it weighs, never to what it claims to be. In a program of its
//! own, whose allocator counts.

use latchkey_shared::api::{HubPush, SubmitOps};
use latchkey_shared::exchange::archive;
use latchkey_shared::exchange::backup::Backup;
use latchkey_shared::exchange::csv;
use latchkey_shared::head::Bundle;
use latchkey_shared::httpsig;
use latchkey_shared::json::Value;
use latchkey_shared::keys::Kit;
use latchkey_shared::limits::{MAX_BUNDLE_BYTES, MAX_OP_BYTES, MAX_PUSH_BYTES};
use latchkey_shared::report::Report;
use latchkey_shared::testing::{TestHome, rng};
use latchkey_shared::wire::cbor::from_slice;
use latchkey_shared::zone::FixedZone;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MB: usize = 1024 * 1024;

/// What `work` has allocated at most at once, above what there was.
fn peak(work: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}

/// An array that claims so many items, of which these bytes follow.
fn array(claimed: u32, item: u8, count: usize) -> Vec<u8> {
    [&[0x9a][..], &claimed.to_be_bytes(), &vec![item; count]].concat()
}

/// A map of one or two keys, the first of which holds this.
fn field(key: u8, value: &[u8]) -> Vec<u8> {
    [&[0xa1, key][..], value].concat()
}

/// One test, since all threads share the count.
#[test]
fn memory_goes_by_what_came_and_not_by_what_it_claims() {
    small_lies_and_large_ones_cost_little();
    text_costs_little_too();
}

fn small_lies_and_large_ones_cost_little() {
    let home = TestHome::new(1);
    let (id, hub, key) = (*home.state.home(), home.hub, home.hub_keys.sign_public());
    let small: Vec<Vec<u8>> = vec![
        [&[0x9b][..], &[0xff; 8]].concat(),
        [&[0xbb][..], &[0xff; 8]].concat(),
        [&[0x5b, 0, 0, 0, 0x7f][..], &[0xff; 4]].concat(),
        [&[0x7b, 0, 0, 0, 0x7f][..], &[0xff; 4]].concat(),
        field(2, &array(u32::MAX, 0x40, 3)),
        field(1, &array(u32::MAX, 0x40, 3)),
        [&[0x84, 0x5a, 0x7f, 0xff, 0xff, 0xff][..], &[0; 9]].concat(),
    ];
    let take = |bytes: &[u8]| {
        let _ = from_slice::<Bundle>(bytes, MAX_BUNDLE_BYTES);
        let _ = from_slice::<HubPush>(bytes, MAX_PUSH_BYTES);
        let _ = from_slice::<SubmitOps>(bytes, MAX_PUSH_BYTES);
        let _ = latchkey_shared::chain::SignedOp::parse(bytes);
        let _ = Report::verify(bytes, &id, &hub, &key);
        let _ = archive::verify(bytes, None);
        let _ = Backup::open(bytes, &Kit::generate(&mut rng(2)));
    };
    for bytes in &small {
        let used = peak(|| take(bytes));
        assert!(used < 64 * 1024, "{used} bytes for {bytes:02x?}");
    }
    // As many bytes as are let in, each of them an item of its own.
    let bundle = [&[0xa2, 1, 0x40, 2][..], &array(8_000_000, 0x40, 8_000_000)].concat();
    let push = [&[0xa2, 2, 0x80, 3][..], &array(4_000_000, 0x40, 4_000_000)].concat();
    let page =
        [&[0x73][..], archive::MAGIC.as_bytes(), &[0x5a, 0, 0x3d, 9, 0], &vec![0x80; 4_000_000]].concat();
    let maps = array(60_000, 0xa0, 60_000);
    for (bytes, most) in [(&bundle, 4 * MB), (&push, 4 * MB), (&page, 4 * MB), (&maps, 4 * MB)] {
        let used = peak(|| take(bytes));
        assert!(used < most, "{used} bytes for {} bytes", bytes.len());
    }
    let deep = vec![0x81; MAX_OP_BYTES];
    let used = peak(|| take(&deep));
    assert!(used < MB, "{used}");
}

fn text_costs_little_too() {
    let json = [
        "[".repeat(32_000),
        "{\"a\":".repeat(6_000),
        "[0,".repeat(10_000),
        format!("[{}0]", "0,".repeat(15_000)),
    ];
    for text in &json {
        let used = peak(|| drop(Value::parse(text.as_bytes())));
        assert!(used < 2 * MB, "{used} bytes for {} of JSON", text.len());
    }
    let context = csv::Context { doors: &[], zone: &FixedZone::UTC, now: TestHome::BEGINNING };
    let table =
        ["\n".repeat(MB), ",".repeat(MB), "\"".repeat(MB), format!("label\n{}", "a\n".repeat(MB / 2 - 3))];
    for text in &table {
        let used = peak(|| drop(csv::import(text, &context)));
        assert!(used < 2 * MB, "{used} bytes for {} of CSV", text.len());
    }
    for header in ["sig1=".to_owned() + &"(".repeat(100_000), "a=".repeat(50_000), "\"".repeat(100_000)] {
        let used = peak(|| drop(httpsig::parse(Some(&header), Some(&header), Some(&header))));
        assert!(used < MB, "{used} bytes for a header");
    }
}
