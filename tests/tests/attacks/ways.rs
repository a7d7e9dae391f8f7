//! One message, written in every way that is not the one way in which it counts. All are signed well.

use crate::bytes::waiting;
use latchkey_shared::chain::{ChainState, SignedOp};
use latchkey_shared::wire::cbor::to_vec;
use latchkey_shared::wire::cose::{self, Kind};

/// One CBOR item, as far as it is needed to write it in other ways.
#[derive(Clone)]
enum Item {
    Int(u8, u64),
    Text(u8, Vec<u8>),
    List(Vec<Item>),
    Map(Vec<(Item, Item)>),
    Simple(u8),
}

fn read(bytes: &mut &[u8]) -> Item {
    let first = bytes[0];
    let (extra, info) = (usize::from(first & 31).saturating_sub(23), u64::from(first & 31));
    let width = if extra == 0 { 0 } else { 1 << (extra - 1) };
    let value =
        if width == 0 { info } else { bytes[1..=width].iter().fold(0, |v, b| v << 8 | u64::from(*b)) };
    *bytes = &bytes[1 + width..];
    match first >> 5 {
        major @ (0 | 1) => Item::Int(major, value),
        major @ (2 | 3) => {
            let (text, rest) = bytes.split_at(value as usize);
            *bytes = rest;
            Item::Text(major, text.to_vec())
        }
        4 => Item::List((0..value).map(|_| read(bytes)).collect()),
        5 => Item::Map((0..value).map(|_| (read(bytes), read(bytes))).collect()),
        _ => Item::Simple(first),
    }
}

/// Every way of writing that is not the one.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    Canonical,
    LongInteger,
    LongLength,
    Endless,
    Tagged,
    Float,
    Unsorted,
    Twice,
    NullForAbsent,
    Undefined,
    UnknownKey,
    Chunked,
    BreakInside,
}

/// Writes the item; the `at`-th place that the way applies to is written in it.
fn write(item: &Item, way: Way, at: &mut i32, out: &mut Vec<u8>) {
    let mut here = |applies: bool| {
        *at -= i32::from(applies);
        applies && *at == -1
    };
    let head = |out: &mut Vec<u8>, major: u8, value: u64, long: bool| match value {
        0..24 if !long => out.push(major << 5 | value as u8),
        0..256 if !(long && value >= 24) => out.extend([major << 5 | 24, value as u8]),
        0..65_536 => out.extend([&[major << 5 | 25][..], &(value as u16).to_be_bytes()].concat()),
        0..0x1_0000_0000 if !(long && value >= 65_536) => {
            out.extend([&[major << 5 | 26][..], &(value as u32).to_be_bytes()].concat());
        }
        _ => out.extend([&[major << 5 | 27][..], &value.to_be_bytes()].concat()),
    };
    if way == Way::Tagged && here(true) {
        out.push(0xc1);
    }
    match item {
        Item::Int(_, _) if way == Way::Undefined && here(true) => out.push(0xf7),
        Item::Int(0, value) if way == Way::Float && here(true) => {
            out.push(0xfb);
            out.extend((*value as f64).to_be_bytes());
        }
        Item::Int(major, value) => head(out, *major, *value, way == Way::LongInteger && here(true)),
        Item::Text(major, text) if way == Way::Chunked && here(true) => {
            out.push(major << 5 | 31);
            head(out, *major, text.len() as u64, false);
            out.extend(text);
            out.push(0xff);
        }
        Item::Text(major, text) => {
            head(out, *major, text.len() as u64, way == Way::LongLength && here(true));
            out.extend(text);
        }
        Item::List(items) => {
            let endless = way == Way::Endless && here(true);
            let broken = way == Way::BreakInside && here(true);
            if endless {
                out.push(0x9f)
            } else {
                head(out, 4, items.len() as u64, way == Way::LongLength && here(true))
            }
            items.iter().for_each(|item| write(item, way, at, out));
            if endless || broken {
                out.push(0xff);
            }
        }
        Item::Map(entries) => {
            let mut entries = entries.clone();
            let endless = way == Way::Endless && here(true);
            if way == Way::Unsorted && here(entries.len() > 1) {
                entries.swap(0, 1);
            }
            if way == Way::Twice && here(!entries.is_empty()) {
                entries.insert(1, entries[0].clone());
            }
            if way == Way::UnknownKey && here(true) {
                entries.push((Item::Int(0, 200), Item::Int(0, 1)));
            }
            if way == Way::NullForAbsent && here(true) {
                entries.push((Item::Int(0, 201), Item::Simple(0xf6)));
            }
            if endless {
                out.push(0xbf)
            } else {
                head(out, 5, entries.len() as u64, way == Way::LongLength && here(true))
            }
            for (key, value) in &entries {
                write(key, way, at, out);
                write(value, way, at, out);
            }
            if endless {
                out.push(0xff);
            }
        }
        Item::Simple(byte) => out.push(*byte),
    }
}

#[test]
fn what_is_not_in_its_one_form_is_refused_though_it_is_signed() {
    const WAYS: [Way; 12] = [
        Way::LongInteger,
        Way::LongLength,
        Way::Endless,
        Way::Tagged,
        Way::Float,
        Way::Unsorted,
        Way::Twice,
        Way::NullForAbsent,
        Way::Undefined,
        Way::UnknownKey,
        Way::Chunked,
        Way::BreakInside,
    ];
    let (stage, _) = waiting(43);
    let owner = stage.author.owner.signing();
    let last = stage.author.ops.last().unwrap();
    let payload = to_vec(SignedOp::parse(last).unwrap().claimed());
    let item = read(&mut payload.as_slice());
    let mut same = vec![];
    write(&item, Way::Canonical, &mut 0, &mut same);
    assert_eq!(same, payload);
    let mut chain = ChainState::from_ops(&stage.author.ops[..2]).unwrap();
    let before = chain.clone();
    let mut tried = 0;
    for way in WAYS {
        for at in 0.. {
            let (mut left, mut bent) = (at, vec![]);
            write(&item, way, &mut left, &mut bent);
            if left >= 0 {
                assert!(at > 0, "{way:?} applies somewhere");
                break;
            }
            assert_ne!(bent, payload);
            let op = cose::sign(Kind::Op, bent, owner);
            assert_eq!(chain.extend(&op).map_err(|e| e.code()), Err("chain.malformed"), "{way:?} {at}");
            assert_eq!(chain, before);
            tried += 1;
        }
    }
    assert!(tried > 150, "{tried}");
    assert_eq!(chain.extend(last), Ok(()));
}
