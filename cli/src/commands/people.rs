//! People: members and invitations.

use super::Run;
use crate::args::{PeopleCommand, RoleArgs};
use crate::client::now;
use crate::failure::{Failure, Result, Told};
use crate::home::Home;
use crate::out::table;
use crate::pick::{Choice, pick};
use crate::secret::Source;
use crate::state::rng;
use latchkey_shared::api::{AcceptInvite, InviteEntry, InviteProof, InviteShown, Invites, path};
use latchkey_shared::compose::Removal;
use latchkey_shared::id::GrantId;
use latchkey_shared::invite::InviteSecret;
use latchkey_shared::time::{Seconds, Timestamp};
use latchkey_shared::wire::cbor::Blob;
use serde_json::{Value, json};
use std::path::PathBuf;

impl Run<'_> {
    pub(super) fn people(&self, command: &PeopleCommand) -> Result {
        let client = self.client()?;
        if let PeopleCommand::Join { link_file } = command {
            return self.join(&client, link_file.as_ref());
        }
        let mut home = self.home(&client)?;
        match command {
            PeopleCommand::Join { .. } => Ok(()),
            PeopleCommand::List => self.list_people(&home),
            PeopleCommand::Invite { name, role, days } => self.invite(&home, name, role, *days),
            PeopleCommand::Withdraw { invitation } => {
                let entry = pick_invitation(&home, invitation)?;
                client.delete(&path::invite(&home.id, &entry.invite.id))?;
                let id = entry.invite.id.to_string();
                self.out.answer(&json!({ "withdrawn": id }), || {
                    format!("The invitation of {} is withdrawn.", entry.invite.name)
                })
            }
            PeopleCommand::Accept { invitation } => self.accept(&mut home, invitation.as_deref()),
            PeopleCommand::Remove { member, distrust_since } => {
                let key = home.pick_member(member)?;
                let name = home.key_name(&key);
                let removal = home.composer()?.remove_member(key, *distrust_since, &mut rng()).told()?;
                self.removed(&mut home, &removal, &name, "is removed")
            }
            PeopleCommand::Role { member, role } => {
                let key = home.pick_member(member)?;
                let name = home.key_name(&key);
                let role = home.role(role)?;
                let change = home.composer()?.change_role(key, role, &mut rng()).told()?;
                self.removed(&mut home, &change, &name, "has another role")
            }
        }
    }

    fn list_people(&self, home: &Home<'_>) -> Result {
        let members = home.view.chain.members();
        let list: Vec<Value> = members
            .iter()
            .map(|(id, member)| {
                json!({ "key": id.to_string(), "name": member.key.name, "role": member.role.as_str(),
                    "you": id.to_string() == home.client.account.key })
            })
            .collect();
        // Managers see no invitations.
        let invites = invitations(home).unwrap_or_default();
        let open: Vec<Value> = invites.iter().map(|entry| invite_json(home, entry)).collect();
        self.out.answer(&json!({ "members": list, "invitations": open }), || {
            let mut rows: Vec<[String; 3]> = members
                .iter()
                .map(|(id, m)| [m.key.name.clone(), m.role.as_str().to_owned(), id.to_string()])
                .collect();
            rows.extend(invites.iter().map(|entry| {
                let state =
                    if entry.acceptance.is_some() { "accepted: latchkey people accept" } else { "invited" };
                [entry.invite.name.clone(), state.to_owned(), entry.invite.id.to_string()]
            }));
            table(["person", "role", "id"], &rows)
        })
    }

    fn invite(&self, home: &Home<'_>, name: &str, role: &RoleArgs, days: u32) -> Result {
        let role = home.role(role)?;
        let expires = home.now().saturating_add(Seconds::days(days));
        let (invite, secret) = home.composer()?.invite(name.trim(), role, expires, &mut rng()).told()?;
        home.client.send_cbor("POST", &path::invites(&home.id), &invite)?;
        let url = secret.url(&home.client.origin());
        let answer = json!({ "id": invite.id.to_string(), "name": invite.name, "expires": expires.0, "link": url.as_str() });
        self.out.answer(&answer, || {
            format!(
                "Send this to {} alone; it counts until {}.\n{}",
                invite.name,
                home.at(expires),
                url.as_str()
            )
        })
    }

    fn join(&self, client: &crate::client::Client, file: Option<&PathBuf>) -> Result {
        let link = Source { what: "Invitation link", file, variable: "LATCHKEY_INVITE" }.read()?;
        let secret = InviteSecret::parse(link.rsplit('#').next().unwrap_or_default()).told()?;
        let id = secret.id();
        let auth = || Blob(secret.auth().to_vec());
        let shown: InviteShown =
            client.send_cbor("POST", &path::invite_open(&id), &InviteProof { auth: auth() })?.cbor()?;
        let acceptance = secret.accept(&shown.home, client.keys()?.record(client.account.name.trim()));
        let accept = AcceptInvite { auth: auth(), acceptance };
        client.send_cbor("POST", &path::invite_accept(&id), &accept)?;
        client.state.join(&shown.home)?;
        let answer = json!({ "home": shown.home.to_string(), "home_name": shown.home_name, "by": shown.by,
            "role": shown.role.as_str(), "expires": shown.expires.0 });
        self.out.answer(&answer, || {
            format!(
                "Accepted: {} of {}. {} has to add you now.",
                shown.role.as_str(),
                shown.home_name,
                shown.by
            )
        })
    }

    fn accept(&self, home: &mut Home<'_>, wanted: Option<&str>) -> Result {
        let entries = match wanted {
            Some(wanted) => vec![pick_invitation(home, wanted)?],
            None => invitations(home)?,
        };
        let mut added = Vec::new();
        for entry in entries {
            let Some(acceptance) = &entry.acceptance else {
                match wanted {
                    Some(_) => {
                        return Err(Failure::refused(
                            "invite.open",
                            "Nobody has accepted this invitation yet.",
                        ));
                    }
                    None => continue,
                }
            };
            let change = home.composer()?.add_member(&entry.invite, acceptance, &mut rng()).told()?;
            home.submit(&change)?;
            added.push((acceptance.key.id(), acceptance.key.name.clone(), entry.invite.role.as_str()));
        }
        let list: Vec<Value> = added
            .iter()
            .map(|(key, name, role)| json!({ "key": key.to_string(), "name": name, "role": role }))
            .collect();
        self.out.answer(&json!({ "added": list }), || match added.is_empty() {
            true => "Nobody has accepted an invitation.".into(),
            false => added.iter().map(|(_, name, role)| format!("{name} is {role} now.\n")).collect(),
        })
    }

    /// Sends a removal, and says what is left to do.
    pub(super) fn removed(&self, home: &mut Home<'_>, removal: &Removal, name: &str, done: &str) -> Result {
        home.submit(&removal.change)?;
        let label =
            |id: &GrantId| home.view.grants.get(id).map(|put| put.grant.label.clone()).unwrap_or_default();
        let seen: Vec<Value> =
            removal.seen.iter().map(|id| json!({ "id": id.to_string(), "label": label(id) })).collect();
        self.out.answer(&json!({ "name": name, "pins_seen": seen }), || {
            let mut text = format!("{name} {done}.");
            if !removal.seen.is_empty() {
                text +=
                    "\nThese PINs are known there; change them with: latchkey codes edit CODE --new-pin\n";
                text += &removal.seen.iter().map(label).collect::<Vec<_>>().join("\n");
            }
            text
        })
    }
}

fn invitations(home: &Home<'_>) -> Result<Vec<InviteEntry>> {
    let invites: Invites = home.client.get(&path::invites(&home.id))?.cbor()?;
    Ok(invites.list)
}

fn pick_invitation(home: &Home<'_>, wanted: &str) -> Result<InviteEntry> {
    let choices = invitations(home)?.into_iter().map(|entry| Choice {
        id: entry.invite.id.to_string(),
        name: entry.invite.name.clone(),
        value: entry,
    });
    pick("invitation", wanted, choices.collect())
}

fn invite_json(home: &Home<'_>, entry: &InviteEntry) -> Value {
    let left = entry.invite.expires.since(Timestamp(now().0));
    json!({
        "id": entry.invite.id.to_string(), "name": entry.invite.name, "role": entry.invite.role.as_str(),
        "expires": entry.invite.expires.0, "seconds_left": left.0, "by": home.key_name(&entry.by),
        "accepted": entry.acceptance.is_some(),
    })
}
