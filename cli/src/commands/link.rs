//! Guest links.

use super::Run;
use crate::args::LinkCommand;
use crate::failure::{Failure, Result, Told};
use crate::home::Home;
use crate::state::rng;
use latchkey_shared::compose::{Draft, LinkWish, PinWish};
use serde_json::json;

impl Run<'_> {
    pub(super) fn link(&self, command: &LinkCommand) -> Result {
        let client = self.client()?;
        let mut home = self.home(&client)?;
        match command {
            LinkCommand::Show { code } => {
                let grant = home.pick_code(code)?.grant.clone();
                if grant.link.is_none() {
                    return Err(Failure::refused(
                        "link.none",
                        "This code has no link. Make one: latchkey link new.",
                    ));
                }
                let secret = home.composer()?.open_link(&grant);
                let none =
                    || Failure::refused("link.no_key", "Your keys do not open this link. Make a new one.");
                let url = home.link_url(secret.as_ref()).ok_or_else(none)?;
                self.tell_link(&grant.id.to_string(), &url)
            }
            LinkCommand::New { code, note } => self.new_link(&mut home, code, note.as_deref()),
        }
    }

    fn new_link(&self, home: &mut Home<'_>, code: &str, note: Option<&str>) -> Result {
        let old = home.pick_code(code)?.grant.clone();
        let note = match note {
            Some(note) => note.to_owned(),
            None => home.note_of(&old)?.unwrap_or_default(),
        };
        let words = home.for_guest(&old.locks, &note);
        let (draft, renew) = (Draft::of(&old), LinkWish::Renew(&words));
        let made = home.composer()?.edit(&old.id, &draft, PinWish::Keep, renew, &mut rng()).told()?;
        home.submit(&made.change)?;
        let url = home.link_url(made.link.as_ref()).ok_or_else(Failure::answer)?;
        self.tell_link(&old.id.to_string(), &url)
    }

    fn tell_link(&self, id: &str, url: &str) -> Result {
        self.out.answer(&json!({ "id": id, "link": url }), || url.to_owned())
    }
}
