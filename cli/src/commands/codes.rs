//! Codes: list, make, change, end, explain.

use super::Run;
use super::edit::{pin_wish, wish};
use crate::args::{CodesCommand, Phases, Terms};
use crate::failure::{Failure, Result, Told};
use crate::home::Home;
use crate::show::Phase;
use crate::state::rng;
use latchkey_shared::compose::{Change, LinkWish, Made, NewEnd};
use latchkey_shared::exchange::typed::{self, Edge};
use latchkey_shared::id::GrantId;
use latchkey_shared::view::Put;
use serde_json::json;

impl Phases {
    fn has(self, phase: Phase) -> bool {
        match self {
            Self::Now => phase == Phase::Now,
            Self::Upcoming => phase == Phase::Upcoming,
            Self::Past => phase == Phase::Past,
            Self::Live => phase != Phase::Past,
            Self::All => true,
        }
    }
}

impl Run<'_> {
    pub(super) fn codes(&self, command: &CodesCommand) -> Result {
        let client = self.client()?;
        let mut home = self.home(&client)?;
        match command {
            CodesCommand::List { phase, search } => self.list(&home, *phase, search.as_deref()),
            CodesCommand::Show { code, show_pin } => {
                let put = home.pick_code(code)?;
                self.show(&home, put, *show_pin, None)
            }
            CodesCommand::Add { label, terms, no_link, show_pin } => {
                self.add(&mut home, label, terms, !no_link, *show_pin)
            }
            CodesCommand::Edit { code, label, terms, new_pin, show_pin } => {
                self.edit(&mut home, code, label.as_deref(), terms, *new_pin, *show_pin)
            }
            CodesCommand::Extend { code, until } => self.extend(&mut home, code, until),
            CodesCommand::Suspend { codes } => self.suspend(&mut home, codes, true),
            CodesCommand::Resume { codes } => self.suspend(&mut home, codes, false),
            CodesCommand::End { codes } => {
                let ids = home.pick_codes(codes)?;
                let mut change = Change::default();
                for id in &ids {
                    change.bodies.extend(home.composer()?.end_now(id, &mut rng()).told()?.bodies);
                }
                home.submit(&change)?;
                self.tell(&home, &ids)
            }
            CodesCommand::Revoke { codes } => {
                let ids = home.pick_codes(codes)?;
                let change = home.composer()?.revoke(&ids).told()?;
                home.submit(&change)?;
                self.tell(&home, &ids)
            }
            CodesCommand::Again { code, show_pin } => self.again(&mut home, code, *show_pin),
            CodesCommand::Explain { code, door, at } => {
                self.explain(&home, code, door.as_deref(), at.as_deref())
            }
        }
    }

    fn list(&self, home: &Home<'_>, phases: Phases, search: Option<&str>) -> Result {
        let search = search.unwrap_or_default().to_lowercase();
        let mut puts: Vec<&Put> = home
            .view
            .grants
            .values()
            .map(|put| &**put)
            .filter(|put| phases.has(home.phase(put)) && put.grant.label.to_lowercase().contains(&search))
            .collect();
        let key = |put: &Put| (home.phase(put), put.grant.not_before, put.grant.label.clone(), put.grant.id);
        puts.sort_by_key(|put| key(put));
        let list: Vec<_> = puts.iter().map(|put| home.code_json(put, None)).collect();
        self.out.answer(&json!({ "codes": list }), || home.codes_table(&puts))
    }

    /// One code, with its link if that was just made.
    fn show(&self, home: &Home<'_>, put: &Put, show_pin: bool, link: Option<String>) -> Result {
        let pin = home.shown_pin(put, show_pin)?;
        let mut code = home.code_json(put, pin.as_deref());
        if let (Some(link), Some(fields)) = (&link, code.as_object_mut()) {
            fields.insert("link".into(), link.as_str().into());
        }
        self.out.answer(&code, || {
            let text = home.code_text(put, pin.as_deref());
            link.map_or_else(|| text.clone(), |link| format!("{text}  link    {link}\n"))
        })
    }

    /// Codes that were just changed.
    fn tell(&self, home: &Home<'_>, ids: &[GrantId]) -> Result {
        let puts: Vec<&Put> =
            ids.iter().filter_map(|id| home.view.grants.get(id)).map(|put| &**put).collect();
        let list: Vec<_> = puts.iter().map(|put| home.code_json(put, None)).collect();
        self.out.answer(&json!({ "codes": list }), || home.codes_table(&puts))
    }

    /// Sends what was made, and shows it.
    fn made(&self, home: &mut Home<'_>, made: &Made, show_pin: bool) -> Result {
        home.submit(&made.change)?;
        let url = home.link_url(made.link.as_ref());
        let put = home.view.grants.get(&made.grant.id).ok_or_else(Failure::answer)?;
        self.show(home, put, show_pin, url)
    }

    fn add(&self, home: &mut Home<'_>, label: &str, terms: &Terms, link: bool, show_pin: bool) -> Result {
        let draft = home.draft(label, terms)?;
        let pin = match home.given_pin(terms, &draft.locks, None)? {
            Some(pin) => pin,
            None => home.new_pin(&draft.locks, None, &[])?,
        };
        let link = link && draft.kind == latchkey_shared::grant::GrantKind::Guest;
        if terms.note.is_some() && !link {
            return Err(Failure::usage(
                "code.note",
                "A note is shown by the guest's link; this code has none.",
            ));
        }
        let words = link.then(|| home.for_guest(&draft.locks, terms.note.as_deref().unwrap_or_default()));
        let made = home.composer()?.make(&draft, &pin, wish(words.as_ref()), &mut rng()).told()?;
        self.made(home, &made, show_pin)
    }

    fn edit(
        &self,
        home: &mut Home<'_>,
        code: &str,
        label: Option<&str>,
        terms: &Terms,
        new_pin: bool,
        show_pin: bool,
    ) -> Result {
        let old = home.pick_code(code)?.grant.clone();
        let draft = home.edited(&old, label, terms)?;
        let pin = match home.given_pin(terms, &draft.locks, Some(old.id))? {
            None if new_pin => Some(home.new_pin(&draft.locks, None, &[])?),
            given => given,
        };
        let unchanged =
            draft == latchkey_shared::compose::Draft::of(&old) && pin.is_none() && terms.note.is_none();
        if unchanged {
            return Err(Failure::coded(&latchkey_shared::compose::Refusal::Unchanged));
        }
        let words = home.link_words(&old, &draft, pin.is_some(), terms.note.as_deref())?;
        let made =
            home.composer()?.edit(&old.id, &draft, pin_wish(pin), wish(words.as_ref()), &mut rng()).told()?;
        self.made(home, &made, show_pin)
    }

    fn extend(&self, home: &mut Home<'_>, code: &str, until: &str) -> Result {
        let old = home.pick_code(code)?.grant.clone();
        let now = home.now();
        let base = home.validity(home.pick_code(code)?).expires.unwrap_or(now).max(now);
        let end = NewEnd { to: home.end_of(until, base)?, first_used: home.first_used(&old.id) };
        let validity = old.validity().ending_at(end.first_used, end.to);
        validity.check_from(now, &home.zone).map_err(|e| Failure::refused(e.code(), e.hint()))?;
        let words = home.for_guest(&old.locks, "");
        let made = home.composer()?.extend(&old.id, end, Some(&words), &mut rng()).told()?;
        self.made(home, &made, false)
    }

    fn suspend(&self, home: &mut Home<'_>, codes: &[String], suspended: bool) -> Result {
        let ids = home.pick_codes(codes)?;
        let mut change = Change::default();
        for id in &ids {
            change.bodies.extend(home.composer()?.suspend(id, suspended, &mut rng()).told()?.change.bodies);
        }
        home.submit(&change)?;
        self.tell(home, &ids)
    }

    fn again(&self, home: &mut Home<'_>, code: &str, show_pin: bool) -> Result {
        let put = home.pick_code(code)?;
        if put.revoked.is_none() {
            return Err(Failure::refused("code.live", "The code is not revoked: extend or resume it."));
        }
        let old = put.grant.clone();
        let pin = home.new_pin(&old.locks, None, &[])?;
        let words = old.link.is_some().then(|| home.for_guest(&old.locks, ""));
        let wish = words.as_ref().map_or(LinkWish::Keep, LinkWish::Show);
        let made = home.composer()?.again(&old, &pin, wish, &mut rng()).told()?;
        self.made(home, &made, show_pin)
    }

    fn explain(&self, home: &Home<'_>, code: &str, door: Option<&str>, at: Option<&str>) -> Result {
        let put = home.pick_code(code)?;
        let door = door.map(|door| home.pick_door(door)).transpose()?;
        let at = match at {
            Some(text) => typed::parse_instant(text, &home.zone, Edge::Start).told()?,
            None => home.now(),
        };
        let standings = home.standings(put, at);
        let wanted: Vec<_> = standings.iter().filter(|s| door.is_none_or(|door| s.lock == door)).collect();
        if wanted.is_empty() {
            return Err(Failure::refused("code.other_door", "The code is not for this door."));
        }
        let list: Vec<_> = wanted.iter().map(|standing| standing.to_json()).collect();
        let answer =
            json!({ "id": put.grant.id.to_string(), "label": put.grant.label, "at": at.0, "locks": list });
        self.out.answer(&answer, || {
            let lines: Vec<String> = wanted.iter().map(|s| format!("{}: {}", s.name, s.said())).collect();
            format!("{} at {}\n{}", put.grant.label, home.at(at), lines.join("\n"))
        })
    }
}
