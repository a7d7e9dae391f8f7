use super::*;
use crate::schedule::{Date, Schedule};
use crate::testing::TestHome;
use crate::zone::FixedZone;
use proptest::prelude::*;

const FRONT: LockId = LockId([1; 16]);
const BACK: LockId = LockId([2; 16]);
const CET: FixedZone = FixedZone(3600);
const NOW: Timestamp = TestHome::BEGINNING;

fn doors() -> Vec<Door> {
    vec![(FRONT, "Front door".into()), (BACK, "Back; \"yard\" \\".into())]
}

fn read(text: &str) -> Result<Vec<ImportRow>, Vec<CsvFault>> {
    import(text, &Context { doors: &doors(), zone: &CET, now: NOW })
}

/// Row, column and code of each fault.
fn faults(text: &str) -> Vec<(usize, String, &'static str)> {
    let faults = read(text).unwrap_err();
    faults.into_iter().map(|f| (f.row, f.column.unwrap_or_default(), f.code)).collect()
}

fn one(row: usize, column: &str, code: &'static str) -> Vec<(usize, String, &'static str)> {
    vec![(row, column.to_owned(), code)]
}

#[test]
fn what_is_exported_can_be_imported() {
    let mut home = TestHome::new(60);
    let guest = home.guest("483920", &[FRONT, BACK]);
    let full = Grant {
        label: "=HYPERLINK(\"x\"),'Zoë'".into(),
        schedule: typed::parse_hours("Mon-Fri 09:00-17:00; Sat 22:00-02:00").unwrap(),
        uses: Some(3),
        days_off: vec![Date(20_842), Date(20_843)],
        buffers: Some(Buffers { before: 30, after: 15 }),
        stay: Some(Seconds::hours(5)),
        suspended: true,
        ..guest.clone()
    };
    let family = Grant {
        label: "'+1".into(),
        kind: GrantKind::Standard,
        expires: None,
        may_disarm: true,
        ..guest.clone()
    };
    let duress = Grant { label: "Ada".into(), kind: GrantKind::Duress, ..family.clone() };
    let text = export([&guest, &full, &duress, &family], &doors(), &CET);
    assert!(!text.contains("483920") && !text.contains("Ada"));
    assert!(text.contains("\"'=HYPERLINK(\"\"x\"\"),'Zoë'\"") && text.contains("\"''+1\""), "{text}");
    let rows = read(&text).unwrap();
    let expected: Vec<Draft> = [&guest, &full, &family].into_iter().map(Draft::of).collect();
    assert_eq!(rows.iter().map(|row| row.draft.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_person_writes_little() {
    let rows = read("Doors;Label;until\r\n front DOOR ;Zoë;2027-01-20\n\n").unwrap();
    let [row] = rows.as_slice() else { panic!("one row") };
    assert_eq!((row.draft.kind, row.draft.locks.as_slice()), (GrantKind::Guest, [FRONT].as_slice()));
    assert_eq!((row.draft.validity.not_before, &row.draft.validity.schedule), (NOW, &Schedule::Always));
    let end = typed::parse_instant("2027-01-21 00:00", &CET, Edge::End).unwrap();
    assert_eq!(row.draft.validity.expires, Some(end));
    let rows = read(&format!("label,doors,until,note\nZoë,{BACK},2027-01-20,\"Key\nunder \"\"mat\"\"\"\n"));
    assert_eq!(rows.unwrap()[0].note, "Key\nunder \"mat\"");
}

#[test]
fn every_fault_has_its_place() {
    let with = |row: &str| format!("label,kind,doors,from,until,hours,uses,note\n{row}\n");
    assert_eq!(faults(""), one(1, "", "csv.empty"));
    assert_eq!(faults("label,doors\n"), one(1, "", "csv.empty"));
    assert_eq!(faults("label,pin\nZoë,1234\n"), one(1, "pin", "csv.heading"));
    assert_eq!(faults("label,label,doors\na,a,a\n"), one(1, "label", "csv.twice"));
    assert_eq!(faults("label,until\na,a\n"), one(1, "", "csv.missing"));
    assert_eq!(faults("label,doors\na\n"), one(2, "", "csv.cells"));
    assert_eq!(faults("label,doors\n\"a,b\n"), one(2, "", "csv.quotes"));
    assert_eq!(faults("label,doors\n\"a\"b,c\n"), one(2, "", "csv.quotes"));
    assert_eq!(faults(&with(",,Front door,,2027-02-01,,,")), one(2, "label", "csv.label"));
    assert_eq!(faults(&with("Zoë,boss,Front door,,2027-02-01,,,")), one(2, "kind", "csv.kind"));
    assert_eq!(faults(&with("Zoë,,Cellar,,2027-02-01,,,")), one(2, "doors", "csv.door"));
    assert_eq!(faults(&with("Zoë,,,,2027-02-01,,,")), one(2, "doors", "csv.doors"));
    assert_eq!(faults(&with("Zoë,,Front door,soon,2027-02-01,,,")), one(2, "from", "typed.instant"));
    assert_eq!(faults(&with("Zoë,,Front door,,2026-02-01,,,")), one(2, "until", "csv.past"));
    assert_eq!(faults(&with("Zoë,,Front door,,2027-02-01,9-5,,")), one(2, "hours", "typed.hours"));
    assert_eq!(faults(&with("Zoë,,Front door,,2027-02-01,,many,")), one(2, "uses", "csv.number"));
    assert_eq!(faults(&with("Zoë,,Front door,,2027-02-01,,5000,")), one(2, "", "grant.uses"));
    assert_eq!(faults(&with("Zoë,,Front door,,,,,")), one(2, "", "grant.needs_end"));
    assert_eq!(faults(&with("Zoë,duress,Front door,,,,,hi")), one(2, "note", "csv.note_kind"));
    let both = format!("{}Max,boss,Cellar,,,,,\n", with("Zoë,,Cellar,,,,,"));
    let places: Vec<usize> = faults(&both).iter().map(|f| f.0).collect();
    assert_eq!(places, [2, 3, 3], "every fault at once");
    assert_eq!(faults("\nlabel,doors\n\nZoë,Cellar\n")[0].0, 4, "empty rows are rows");
}

#[test]
fn doors_of_the_same_name_need_their_id() {
    let doors = vec![(FRONT, "Door".to_owned()), (BACK, "door".to_owned())];
    let context = Context { doors: &doors, zone: &CET, now: NOW };
    let text = |door: &str| format!("label,doors,until\nZoë,{door},2027-02-01\n");
    assert_eq!(import(&text("Door"), &context).unwrap_err()[0].code, "csv.same_door");
    let by_id = import(&text(&BACK.to_string()), &context).unwrap();
    assert_eq!(by_id[0].draft.locks, [BACK]);
    let stranger = LockId([9; 16]).to_string();
    assert_eq!(import(&text(&stranger), &context).unwrap_err()[0].code, "csv.door");
    let mut home = TestHome::new(61);
    assert!(export([&home.guest("483920", &[BACK])], &doors, &CET).contains(&BACK.to_string()));
}

#[test]
fn size_is_bounded() {
    let row = "Zoë,Front door,2027-02-01\n";
    let many = |n: usize| format!("label,doors,until\n{}", row.repeat(n));
    assert_eq!(read(&many(MAX_ROWS)).unwrap().len(), MAX_ROWS);
    assert_eq!(faults(&many(MAX_ROWS + 1)), one(MAX_ROWS + 2, "", "csv.too_many_rows"));
    assert_eq!(faults(&"x".repeat(MAX_CSV_BYTES + 1)), one(1, "", "csv.too_large"));
    assert_eq!(faults(&format!("label,doors\n{}", "x,".repeat(100))), one(2, "", "csv.cells"));
    let broken = format!("label,doors,until\n{}", ",,\n,x,y\n".repeat(120));
    assert!(read(&broken).unwrap_err().len() <= MAX_FAULTS + 4);
}

proptest! {
    #[test]
    fn any_cell_comes_back_and_none_begins_like_a_formula(cells in proptest::collection::vec(".*", 1..6)) {
        let mut text = String::from("x,y\r\n");
        table::write_row(&mut text, cells.iter().cloned());
        let rows = table::read(&text).unwrap();
        let blank = cells.iter().all(|cell| cell.trim().is_empty());
        prop_assert_eq!(rows.get(1).map(|row| &row.1), Some(&cells).filter(|_| !blank));
        let first = text.trim_start_matches("x,y\r\n");
        let first = first.strip_prefix('"').unwrap_or(first);
        prop_assert!(!first.starts_with(['=', '+', '-', '@']), "{first}");
    }

    #[test]
    fn nothing_panics(text in "[\\s\\S]{0,200}") {
        let _ = read(&text);
        let _ = read(&format!("label,doors,until,hours,from\n{text}"));
    }
}

#[test]
fn rows_that_their_locks_cannot_keep_are_refused() {
    use crate::slot::LockAbilities;
    let rows =
        read("label,doors,until,uses\nZoë,Front door,2027-02-01,3\nBo,Front door,2027-02-01,\n").unwrap();
    let silent = LockAbilities { tells_uses: false, ..crate::testing::abilities() };
    let tells = LockAbilities { tells_uses: true, ..silent.clone() };
    assert!(fit(&rows, |_| [&tells]).is_ok());
    let faults = fit(&rows, |_| [&silent]).unwrap_err();
    assert_eq!(faults.iter().map(|f| (f.row, f.code)).collect::<Vec<_>>(), [(2, "compose.uncounted")]);
}
