//! What somebody may do: the choice of a role and of a manager's limits.

use crate::components::{Choice, Field};
use crate::hooks::use_home;
use crate::problem::Problem;
use crate::view_model::people::kind_words;
use latchkey_shared::chain::op::{Manager, Role, Scope};
use latchkey_shared::grant::GrantKind;
use latchkey_shared::id::LockId;
use latchkey_shared::time::{DAY, Seconds};
use yew::prelude::*;

/// The longest that a limit of days can be.
const MAX_DAYS: u32 = 3_650;

/// Limits in the making.
#[derive(Clone, PartialEq, Debug)]
pub struct ScopeDraft {
    /// Whether every door of the home is meant, also later ones.
    pub every_lock: bool,
    /// Otherwise these.
    pub locks: Vec<LockId>,
    /// Which kinds of codes.
    pub kinds: Vec<GrantKind>,
    /// The longest term in days, as typed; empty: no limit.
    pub days: String,
}

/// A role in the making.
#[derive(Clone, PartialEq, Debug)]
pub struct RoleDraft {
    /// Which role: `owner`, `manager` or `resident`.
    pub what: &'static str,
    /// A manager's limits.
    pub scope: ScopeDraft,
    /// Whether a manager sees every PIN.
    pub sees_pins: bool,
}

impl ScopeDraft {
    /// Guests, everywhere, for two weeks at most.
    pub fn guests() -> Self {
        Self { every_lock: true, locks: Vec::new(), kinds: vec![GrantKind::Guest], days: "14".into() }
    }

    /// What an existing scope says.
    pub fn of(scope: &Scope) -> Self {
        Self {
            every_lock: scope.locks.is_none(),
            locks: scope.locks.clone().unwrap_or_default(),
            kinds: scope.kinds.clone(),
            days: scope.max_length.map(|length| (length.0 / DAY as u64).to_string()).unwrap_or_default(),
        }
    }

    /// The scope.
    pub fn scope(&self) -> Result<Scope, Problem> {
        let refused = |code: &str, text: &str| Err(Problem::new(code.into(), text.into(), String::new()));
        let (mut locks, mut kinds) = (self.locks.clone(), self.kinds.clone());
        locks.sort_unstable();
        kinds.sort_unstable();
        if kinds.is_empty() {
            return refused("scope.kinds", "Choose at least one kind of code.");
        }
        if !self.every_lock && locks.is_empty() {
            return refused("scope.locks", "Choose at least one door, or every door.");
        }
        let typed = self.days.trim();
        let max_length = match typed.parse::<u32>() {
            _ if typed.is_empty() => None,
            Ok(days) if (1..=MAX_DAYS).contains(&days) => Some(Seconds::days(days)),
            _ => return refused("scope.days", "The longest stay is 1 to 3650 days, or empty for no limit."),
        };
        Ok(Scope { locks: (!self.every_lock).then_some(locks), max_length, kinds })
    }
}

impl RoleDraft {
    /// What the form starts with.
    pub fn new() -> Self {
        Self { what: "resident", scope: ScopeDraft::guests(), sees_pins: false }
    }

    /// What an existing role says.
    pub fn of(role: &Role) -> Self {
        match role {
            Role::Owner => Self { what: "owner", ..Self::new() },
            Role::Manager(manager) => {
                Self { what: "manager", scope: ScopeDraft::of(&manager.scope), sees_pins: manager.sees_pins }
            }
            Role::Issuer(_) | Role::Resident => Self::new(),
        }
    }

    /// The role.
    pub fn role(&self) -> Result<Role, Problem> {
        Ok(match self.what {
            "owner" => Role::Owner,
            "manager" => Role::Manager(Manager { scope: self.scope.scope()?, sees_pins: self.sees_pins }),
            _ => Role::Resident,
        })
    }
}

/// Props of [`ScopeFields`].
#[derive(Properties, PartialEq)]
pub struct ScopeFieldsProps {
    /// What was chosen.
    pub value: ScopeDraft,
    /// It changed.
    pub onchange: Callback<ScopeDraft>,
    /// Whether only guest codes can be meant.
    #[prop_or_default]
    pub guests_only: bool,
}

fn toggled<T: PartialEq + Clone>(list: &[T], item: &T) -> Vec<T> {
    if list.contains(item) {
        list.iter().filter(|other| *other != item).cloned().collect()
    } else {
        list.iter().chain([item]).cloned().collect()
    }
}

/// Doors, kinds and the longest term.
#[component]
pub fn ScopeFields(props: &ScopeFieldsProps) -> Html {
    let home = use_home().home;
    let set = |value: ScopeDraft| {
        let onchange = props.onchange.clone();
        Callback::from(move |()| onchange.emit(value.clone()))
    };
    let value = &props.value;
    let kind = |kind: GrantKind, sub: &'static str| {
        let next = ScopeDraft { kinds: toggled(&value.kinds, &kind), ..value.clone() };
        let mut title = kind_words(kind).to_owned();
        title[..1].make_ascii_uppercase();
        html! {
            <Choice kind="checkbox" name="scope-kind" title={title} {sub} checked={value.kinds.contains(&kind)}
                onchange={set(next)} testid={format!("scope-kind-{}", kind.as_str())} />
        }
    };
    let days = {
        let (onchange, value) = (props.onchange.clone(), value.clone());
        Callback::from(move |days| onchange.emit(ScopeDraft { days, ..value.clone() }))
    };
    html! {
        <>
            if !props.guests_only {
                <fieldset class="field">
                    <legend class="label">{ "Which codes" }</legend>
                    <div class="choices">
                        { kind(GrantKind::Guest, "Always ends by itself.") }
                        { kind(GrantKind::Standard, "For people who live there.") }
                        { kind(GrantKind::Primary, "Also opens the hub’s panel.") }
                        { kind(GrantKind::Duress, "Opens and raises a silent alarm.") }
                    </div>
                </fieldset>
            }
            <fieldset class="field">
                <legend class="label">{ "Which doors" }</legend>
                <div class="choices">
                    <Choice kind="checkbox" name="scope-every" title="Every door" sub="Also those that are added later." checked={value.every_lock}
                        onchange={set(ScopeDraft { every_lock: !value.every_lock, ..value.clone() })} testid="scope-every-lock" />
                    if !value.every_lock {
                        { for home.reports.values().map(|report| {
                            let lock = &report.lock;
                            let next = ScopeDraft { locks: toggled(&value.locks, &lock.id), ..value.clone() };
                            html! {
                                <Choice key={lock.id.to_string()} kind="checkbox" name="scope-lock" title={lock.name.clone()} checked={value.locks.contains(&lock.id)}
                                    onchange={set(next)} testid="scope-lock" lock={(lock.id.to_string().into(), lock.name.clone().into())} />
                            }
                        }) }
                    }
                </div>
            </fieldset>
            <Field id="scope-days" label="Longest stay in days" value={value.days.clone()} oninput={days} inputmode="numeric" maxlength={4}
                optional={!props.guests_only} testid="scope-days"
                help={if props.guests_only { "No code that it makes lasts longer." } else { "No code lasts longer. Empty: no limit, and codes without an end." }} />
        </>
    }
}

/// Props of [`RoleForm`].
#[derive(Properties, PartialEq)]
pub struct RoleFormProps {
    /// What was chosen.
    pub value: RoleDraft,
    /// It changed.
    pub onchange: Callback<RoleDraft>,
}

/// The choice of a role.
#[component]
pub fn RoleForm(props: &RoleFormProps) -> Html {
    let value = &props.value;
    let set = |value: RoleDraft| {
        let onchange = props.onchange.clone();
        Callback::from(move |()| onchange.emit(value.clone()))
    };
    let role = |what: &'static str, title: &'static str, sub: &'static str| {
        html! {
            <Choice kind="radio" name="role" {title} {sub} checked={value.what == what}
                onchange={set(RoleDraft { what, ..value.clone() })} testid={format!("role-{what}")} />
        }
    };
    let scope = {
        let (onchange, value) = (props.onchange.clone(), value.clone());
        Callback::from(move |scope| onchange.emit(RoleDraft { scope, ..value.clone() }))
    };
    html! {
        <>
            <fieldset class="field">
                <legend class="label">{ "What they may do" }</legend>
                <div class="choices">
                    { role("resident", "Resident", "Sees their own code and entries, nothing else.") }
                    { role("manager", "Manager", "Makes codes within limits that you set.") }
                    { role("owner", "Owner", "Everything that you can do, removing you included.") }
                </div>
            </fieldset>
            if value.what == "manager" {
                <ScopeFields value={value.scope.clone()} onchange={scope} />
                <Choice kind="checkbox" name="sees-pins" title="Sees every PIN of the home" checked={value.sees_pins}
                    sub="Without it, a manager sees the PINs of codes they make."
                    onchange={set(RoleDraft { sees_pins: !value.sees_pins, ..value.clone() })} testid="role-sees-pins" />
            }
        </>
    }
}
