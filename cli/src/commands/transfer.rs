//! Export, import, restore.

use super::Run;
use super::auth::kit_source;
use crate::args::{ExportCommand, ImportCommand, RestoreCommand};
use crate::failure::{Failure, Result, Told};
use crate::home::Home;
use crate::state::{kit, rng, write_private};
use latchkey_shared::chain::Body;
use latchkey_shared::compose::{Change, ForGuest, LinkWish, Made};
use latchkey_shared::error::Coded;
use latchkey_shared::exchange::archive::{self, ArchivePage};
use latchkey_shared::exchange::backup::{
    self, Backup, BackupCode, Left, LeftWhy, Loss, NamedDoor, Person, Restored,
};
use latchkey_shared::exchange::csv::{self, Context};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::keys::{Kit, WrapKey};
use latchkey_shared::pin::Pin;
use latchkey_shared::policy::Policy;
use latchkey_shared::text::unb64url;
use latchkey_shared::wire::cbor;
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file, or standard input.
fn read(file: &Path, most: usize) -> Result<Vec<u8>> {
    let told = |e: std::io::Error| Failure::broken("file.broken", format!("{}: {e}", file.display()));
    let mut bytes = Vec::new();
    // One byte more than is ever good, so that too much shows.
    let most = most as u64 + 1;
    match file == Path::new("-") {
        true => std::io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    }
    .map_err(told)?;
    Ok(bytes)
}

impl Run<'_> {
    /// Writes a file, or to standard output, and says so.
    fn written(&self, file: &Path, bytes: &[u8], answer: Value, text: String) -> Result {
        if file == Path::new("-") {
            return self.out.bytes(bytes);
        }
        write_private(file, bytes)?;
        self.out.answer(&answer, || text)
    }

    pub(super) fn export(&self, command: &ExportCommand) -> Result {
        let client = self.client()?;
        let home = self.home(&client)?;
        match command {
            ExportCommand::Csv { file } => {
                let grants = home.view.chain.grants().values().map(|entry| &entry.grant);
                let grants: Vec<_> = grants.filter(|grant| csv::shows(grant)).collect();
                let text = csv::export(grants.iter().copied(), &home.doors(), &home.zone);
                let answer = json!({ "file": file, "codes": grants.len() });
                self.written(file, text.as_bytes(), answer, format!("{} codes, without PINs.", grants.len()))
            }
            ExportCommand::Backup { file, kit_file } => self.export_backup(&home, file, kit_file.as_ref()),
            ExportCommand::Archive { file } => {
                let bytes = archive_of(&home)?;
                let seen = Some((home.view.chain.seq(), home.view.chain.hash()));
                let verified =
                    archive::verify(&bytes, seen).map_err(|e| Failure::broken(e.code, e.to_string()))?;
                let answer = json!({ "file": file, "ops": verified.ops, "events": verified.events.len() });
                let text = format!("{} ops and {} events, verified.", verified.ops, verified.events.len());
                self.written(file, &bytes, answer, text)
            }
        }
    }

    fn export_backup(&self, home: &Home<'_>, file: &Path, kit_file: Option<&PathBuf>) -> Result {
        let kit = kit(&kit_source(kit_file).read()?)?;
        demand_current(home, &kit)?;
        let (mut codes, mut closed) = (Vec::new(), 0);
        for entry in home.view.chain.grants().values() {
            match home.open_pin(&entry.grant)? {
                Some(pin) => codes.push(BackupCode::of(&entry.grant, pin)),
                None => closed += 1,
            }
        }
        let members = home.view.chain.members().values();
        let person = |m: &latchkey_shared::chain::Member| Person {
            key: m.key.id(),
            name: m.key.name.clone(),
            role: m.role.as_str().to_owned(),
        };
        let (count, doors) = (codes.len(), home.doors());
        let backup = Backup {
            home: home.id,
            made: home.now(),
            by: home.client.keys()?.id(),
            policy: home.view.chain.policy().clone(),
            people: members.map(person).collect(),
            doors: doors.into_iter().map(|(lock, name)| NamedDoor { lock, name }).collect(),
            codes,
        };
        let bytes = backup.seal(&kit, &mut rng());
        let answer = json!({ "file": file, "codes": count, "without_pin": closed });
        let left = if closed > 0 {
            format!(" {closed} left out: their PINs do not open with your keys.")
        } else {
            String::new()
        };
        self.written(
            file,
            &bytes,
            answer,
            format!("{count} codes with PINs, encrypted under your recovery kit.{left}"),
        )
    }

    pub(super) fn import(&self, command: &ImportCommand) -> Result {
        let ImportCommand::Csv { file, dry_run, no_links } = command;
        let client = self.client()?;
        let mut home = self.home(&client)?;
        let bytes = read(file, csv::MAX_CSV_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Failure::refused("csv.utf8", "The file is not UTF-8 text. Save it as CSV in UTF-8.")
        })?;
        let doors = home.doors();
        let context = Context { doors: &doors, zone: &home.zone, now: home.now() };
        let rows = csv::import(&text, &context).and_then(|rows| {
            csv::fit(&rows, |draft| home.abilities(&draft.locks))?;
            Ok(rows)
        });
        let rows = rows.map_err(|faults| {
            let list: Vec<Value> = faults
                .iter()
                .map(|f| json!({ "row": f.row, "column": f.column, "code": f.code, "hint": f.hint }))
                .collect();
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            let code = faults.first().map_or("csv.refused", |fault| fault.code);
            Failure::refused(code, format!("Nothing was made.\n{}", lines.join("\n"))).with(json!(list))
        })?;
        let (mut all, mut taken) = (Vec::new(), Vec::new());
        for row in &rows {
            let pin = home.new_pin(&row.draft.locks, None, &taken)?;
            let link = row.draft.kind == GrantKind::Guest && !no_links;
            let words = link.then(|| home.for_guest(&row.draft.locks, &row.note));
            all.push(make(&home, &row.draft, &pin, words.as_ref())?);
            taken.push(pin);
        }
        if !dry_run {
            home.submit(&joined(&all))?;
        }
        self.tell_made(&home, &all, &[], *dry_run)
    }

    pub(super) fn restore(&self, command: &RestoreCommand) -> Result {
        let RestoreCommand::Backup { file, kit_file, dry_run, rules } = command;
        let client = self.client()?;
        let mut home = self.home(&client)?;
        let bytes = read(file, backup::MAX_BACKUP_BYTES)?;
        let backup = Backup::open(&bytes, &kit(&kit_source(kit_file.as_ref()).read()?)?).told()?;
        let members: Vec<_> = home.view.chain.members().keys().copied().collect();
        let me = client.keys()?.id();
        let (restored, left) = backup::plan(&backup, &home.doors(), me, &members, home.now());
        let (mut all, mut taken, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for code in &restored {
            if let Err(why) = code.draft.fits(home.abilities(&code.draft.locks)) {
                let text = format!("left out: {}", why.hint());
                notes.push(json!({ "label": code.draft.label, "code": why.code(), "note": text }));
                continue;
            }
            let (pin, replaced) = self.pin_again(&home, code, &taken)?;
            let words = code.had_link.then(|| home.for_guest(&code.draft.locks, ""));
            all.push(make(&home, &code.draft, &pin, words.as_ref())?);
            notes.extend(remarks(code, replaced.as_deref()));
            taken.push(pin);
        }
        notes.extend(left.iter().map(left_out));
        let mut change = joined(&all);
        let policy = Policy { name: home.name().to_owned(), ..backup.policy.clone() };
        if *rules && policy != *home.view.chain.policy() {
            change.bodies.insert(0, Body::SetPolicy(policy));
        }
        if !dry_run && !change.bodies.is_empty() {
            home.submit(&change)?;
        }
        self.tell_made(&home, &all, &notes, *dry_run)
    }

    /// The PIN that a code had, or a new one where the home's rules no longer allow it, and why.
    fn pin_again(&self, home: &Home<'_>, code: &Restored, taken: &[Pin]) -> Result<(Pin, Option<String>)> {
        let desk = home.desk(&code.draft.locks, None, taken)?;
        match desk.check(&code.pin) {
            Ok(()) => Ok((code.pin.clone(), None)),
            Err(broken) => {
                let why = broken.first().map(|rule| rule.hint()).unwrap_or_default();
                let new = desk.generate(&mut rng()).map_err(|e| Failure::refused(e.code(), e.hint()))?;
                Ok((new, Some(why)))
            }
        }
    }

    fn tell_made(&self, home: &Home<'_>, all: &[Made], notes: &[Value], dry: bool) -> Result {
        let codes: Vec<Value> = all
            .iter()
            .map(|made| {
                let link = home.link_url(made.link.as_ref()).filter(|_| !dry);
                json!({ "id": made.grant.id.to_string(), "label": made.grant.label, "link": link })
            })
            .collect();
        let answer = json!({ "made": codes, "dry_run": dry, "notes": notes });
        self.out.answer(&answer, || {
            let verb = if dry { "would be made" } else { "made" };
            let mut text = format!("{} codes {verb}.\n", all.len());
            for made in all {
                let link = home.link_url(made.link.as_ref()).filter(|_| !dry).unwrap_or_default();
                text += &format!("  {}  {link}\n", made.grant.label);
            }
            for note in notes {
                let text_of = |name: &str| note[name].as_str().unwrap_or_default();
                text += &format!("  {}: {}\n", text_of("label"), text_of("note"));
            }
            text
        })
    }
}

fn make(
    home: &Home<'_>,
    draft: &latchkey_shared::compose::Draft,
    pin: &Pin,
    words: Option<&ForGuest>,
) -> Result<Made> {
    let wish = words.map_or(LinkWish::Keep, LinkWish::Show);
    home.composer()?.make(draft, pin, wish, &mut rng()).told()
}

/// All of them in one change: all are made or none.
fn joined(all: &[Made]) -> Change {
    let mut change = Change::default();
    for made in all {
        change.bodies.extend(made.change.bodies.iter().cloned());
        change.links.extend(made.change.links.iter().cloned());
    }
    change
}

/// What does not come back as it was.
fn remarks(code: &Restored, replaced: Option<&str>) -> Vec<Value> {
    let label = &code.draft.label;
    let note = |code: &str, text: String| json!({ "label": label, "code": code, "note": text });
    let lost = code.lost.iter().map(|loss| match loss {
        Loss::Door(name) => note("restore.door", format!("this home has no door called {name}")),
        Loss::Holder(name) => {
            note("restore.holder", format!("{name} is not in this home; it is nobody's now"))
        }
    });
    let pin = replaced.map(|why| note("restore.pin", format!("it has a new PIN. {why}")));
    lost.chain(pin).collect()
}

fn left_out(left: &Left) -> Value {
    let (code, text) = match &left.why {
        LeftWhy::Over => ("restore.over", "left out: it has ended".to_owned()),
        LeftWhy::NoDoor(names) => {
            ("restore.no_door", format!("left out: no door called {}", names.join(", ")))
        }
        LeftWhy::Malformed(why) => ("restore.malformed", format!("left out: {}", why.hint())),
    };
    json!({ "label": left.label, "code": code, "note": text })
}

/// A backup is made under the kit that opens this account now, and under no other.
fn demand_current(home: &Home<'_>, kit: &Kit) -> Result {
    let account = home.client.fetch_account()?;
    let wraps = account["wraps"].as_array().cloned().unwrap_or_default();
    let wrap =
        wraps.iter().find(|wrap| wrap["kind"] == "kit").and_then(|wrap| unb64url(wrap["ct"].as_str()?));
    let seed = WrapKey::from_kit(kit).unwrap(&home.client.account.id, &wrap.ok_or_else(Failure::answer)?);
    let same = seed.is_ok_and(|seed| home.client.seed().is_ok_and(|mine| mine.expose() == seed.expose()));
    if same {
        return Ok(());
    }
    Err(Failure::refused(
        "kit.not_current",
        "This is not the recovery kit of this account now. Use the newest one.",
    ))
}

/// Every page of the archive, as a file.
fn archive_of(home: &Home<'_>) -> Result<Vec<u8>> {
    let (mut pages, mut after) = (Vec::new(), None::<String>);
    loop {
        let query = after.as_ref().map(|after| format!("?after={after}")).unwrap_or_default();
        let bytes = home.client.get(&format!("/api/v1/homes/{}/export{query}", home.id))?.into_bytes();
        let page: ArchivePage =
            cbor::from_slice(&bytes, archive::MAX_PAGE_BYTES).map_err(|_| Failure::answer())?;
        pages.push(bytes);
        let total: usize = pages.iter().map(Vec::len).sum();
        if total > archive::MAX_ARCHIVE_BYTES {
            return Err(Failure::coded(&archive::ArchiveError::TooLarge));
        }
        match page.next {
            // A server that leads in circles is not followed.
            Some(next) if after.as_ref() != Some(&next) => after = Some(next),
            Some(_) => return Err(Failure::answer()),
            None => return Ok(archive::write(pages.iter().map(Vec::as_slice))),
        }
    }
}
