//! What the whole app knows: who is signed in, messages that pass, and what waits for the passkey.

use crate::api::account::Account;
use crate::api::{self, auth};
use crate::js;
use crate::problem::Problem;
use core::future::Future;
use futures_channel::oneshot;
use latchkey_shared::id::HomeId;
use latchkey_shared::invite::InviteSecret;
use latchkey_shared::keys::{Keys, Kit, Seed};
use latchkey_shared::time::{Seconds, Timestamp};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use zeroize::Zeroizing;

/// How long the seed rests in the vault.
const KEPT: Seconds = Seconds::hours(12);
/// Under which name the vault keeps the account.
const KEPT_ACCOUNT: &str = "account";
/// Remembers the mark of a kit that was made here and of which nobody has shown yet that it is on paper.
pub const KIT_PENDING: &str = "kit_pending";
/// Remembers the mark of the kit of which somebody showed here that it is on paper.
pub const KIT_CONFIRMED: &str = "kit_confirmed";

/// A person who is signed in and whose member key is open.
pub struct Signed {
    /// The account.
    pub account: Account,
    /// The member seed.
    pub seed: Seed,
    /// The member keys.
    pub keys: Keys,
    /// Whether the account is as it was kept here, because the server could not be asked.
    pub kept: Cell<bool>,
}

/// Who is there.
#[derive(Clone)]
pub enum Auth {
    /// Not known yet.
    Restoring,
    /// Nobody.
    Out,
    /// Somebody, but the server cannot be asked who.
    Unreachable(Problem),
    /// Somebody.
    In(Rc<Signed>),
}

/// What a toast offers to do.
#[derive(Clone, PartialEq)]
pub struct ToastAction {
    /// The button's text.
    pub label: AttrValue,
    /// The button's test hook.
    pub testid: AttrValue,
    /// What it does.
    pub run: Callback<()>,
}

/// A passing message.
#[derive(Clone, PartialEq)]
pub struct Toast {
    /// Counts up.
    pub id: u32,
    /// What it says.
    pub text: AttrValue,
    /// What it offers.
    pub action: Option<ToastAction>,
}

/// A confirmation that somebody waits for.
#[derive(Clone)]
pub struct Confirmation(Rc<RefCell<Option<oneshot::Sender<bool>>>>);

impl Confirmation {
    /// Lets the one who waits go on, or not.
    pub fn settle(&self, confirmed: bool) {
        if let Some(sender) = self.0.borrow_mut().take() {
            // Nobody waits any more if the page was left.
            let _ = sender.send(confirmed);
        }
    }
}

/// The app's state.
#[derive(Clone)]
pub struct State {
    /// Who is there.
    pub auth: Auth,
    /// Passing messages.
    pub toasts: Vec<Toast>,
    next_toast: u32,
    /// A kit that was just made and has to be printed.
    pub kit: Option<Rc<Kit>>,
    /// A pairing that was begun by opening the hub's link.
    pub pairing: Option<Rc<Zeroizing<String>>>,
    /// An invitation that was opened and not answered yet.
    pub joining: Option<Rc<InviteSecret>>,
    /// A confirmation that is asked for.
    pub confirming: Option<Confirmation>,
    /// Counts changes, for comparison.
    version: u64,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version
    }
}

/// What changes the state.
pub enum Action {
    /// Somebody signed in, or the account changed.
    SignedIn(Rc<Signed>),
    /// Nobody is signed in.
    SignedOut,
    /// The server does not answer.
    Unreachable(Problem),
    /// Shows a message.
    Toast(AttrValue, Option<ToastAction>),
    /// Takes a message away.
    Dismiss(u32),
    /// A kit has to be printed, or was.
    Kit(Option<Rc<Kit>>),
    /// A pairing was begun, or is done.
    Pairing(Option<Rc<Zeroizing<String>>>),
    /// An invitation was opened, or is done with.
    Joining(Option<Rc<InviteSecret>>),
    /// A confirmation is asked for, or settled.
    Confirm(Option<Confirmation>),
}

impl Default for State {
    fn default() -> Self {
        Self {
            auth: Auth::Restoring,
            toasts: Vec::new(),
            next_toast: 0,
            kit: None,
            pairing: None,
            joining: None,
            confirming: None,
            version: 0,
        }
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut state = (*self).clone();
        state.version += 1;
        match action {
            Action::SignedIn(signed) => state.auth = Auth::In(signed),
            Action::SignedOut => {
                // Whoever opened a hub's link or an invitation before signing in still wants it; whoever leaves does not.
                if matches!(state.auth, Auth::In(_)) {
                    (state.pairing, state.joining) = (None, None);
                }
                state.auth = Auth::Out;
                state.kit = None;
            }
            Action::Unreachable(problem) => state.auth = Auth::Unreachable(problem),
            Action::Toast(text, action) => {
                state.toasts.retain(|toast| toast.text != text);
                // Two at a time can be read.
                if state.toasts.len() > 1 {
                    state.toasts.remove(0);
                }
                state.toasts.push(Toast { id: state.next_toast, text, action });
                state.next_toast += 1;
            }
            Action::Dismiss(id) => state.toasts.retain(|toast| toast.id != id),
            Action::Kit(kit) => state.kit = kit,
            Action::Pairing(secret) => state.pairing = secret,
            Action::Joining(secret) => state.joining = secret,
            Action::Confirm(confirmation) => state.confirming = confirmation,
        }
        Rc::new(state)
    }
}

/// The state with everything that changes it; cheap to clone.
#[derive(Clone, PartialEq)]
pub struct App(pub UseReducerHandle<State>);

impl App {
    /// Who is signed in.
    pub fn signed(&self) -> Option<Rc<Signed>> {
        match &self.0.auth {
            Auth::In(signed) => Some(signed.clone()),
            Auth::Restoring | Auth::Out | Auth::Unreachable(_) => None,
        }
    }

    /// Shows a message.
    pub fn toast(&self, text: impl Into<AttrValue>) {
        self.0.dispatch(Action::Toast(text.into(), None));
    }

    /// Takes in somebody who signed in, and keeps the seed for a reload.
    pub async fn enter(&self, account: Account, seed: Seed) {
        let session_ends = Timestamp(account.session.expires);
        let until = js::now().saturating_add(KEPT).min(session_ends);
        if let Err(problem) = js::keep_seed(&account.account, &seed, until).await {
            self.toast(problem.text);
        }
        self.update(account, seed);
    }

    /// The account changed.
    pub fn update(&self, account: Account, seed: Seed) {
        let json = account.json.clone();
        spawn_local(async move { js::keep(KEPT_ACCOUNT, json.as_bytes(), None).await });
        self.signed_in(account, seed);
    }

    fn signed_in(&self, account: Account, seed: Seed) -> Rc<Signed> {
        let keys = Keys::member(&seed);
        let signed = Rc::new(Signed { account, seed, keys, kept: Cell::new(false) });
        self.0.dispatch(Action::SignedIn(signed.clone()));
        signed
    }

    /// Fetches the account anew.
    pub async fn refresh(&self) -> Result<(), Problem> {
        if let Some(signed) = self.signed() {
            let account = auth::account().await?;
            self.update(account, signed.seed.clone());
        }
        Ok(())
    }

    /// After a reload: the session's cookie and the vault together bring everything back. At a home's page the account as
    /// it was kept is shown until the server has said whose session this is.
    pub async fn restore(&self) {
        let Some(kept) = js::kept_seed().await else {
            self.0.dispatch(Action::SignedOut);
            return;
        };
        let known = kept_account(&kept.account).await;
        let show = |account: &Account| self.signed_in(account.clone(), kept.seed.clone());
        let shown = known.as_ref().filter(|account| opens_a_home(account)).map(show);
        match auth::account().await {
            Ok(account) if shown.as_ref().is_some_and(|shown| shown.account == account) => {}
            Ok(account) if account.account == kept.account => self.update(account, kept.seed),
            // The seed stays: what was kept can be read with it, and it is of use as soon as there is a connection.
            Err(problem) if problem.unanswered() && known.is_some() => {
                if let Some(shown) = shown.or_else(|| known.as_ref().map(show)) {
                    shown.kept.set(true);
                }
            }
            Err(problem) if !problem.signed_out() => self.0.dispatch(Action::Unreachable(problem)),
            _ => {
                js::forget_seed().await;
                self.0.dispatch(Action::SignedOut);
            }
        }
    }

    /// Ends the session here and at the server.
    pub async fn sign_out(&self) {
        js::forget_seed().await;
        let told = auth::sign_out().await;
        self.0.dispatch(Action::SignedOut);
        if told.is_err() {
            self.toast("Signed out here. The server could not be told.");
        }
    }

    /// Asks the person to confirm with the passkey; whether they did.
    async fn confirm(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        let confirmation = Confirmation(Rc::new(RefCell::new(Some(sender))));
        self.0.dispatch(Action::Confirm(Some(confirmation)));
        let confirmed = receiver.await.unwrap_or(false);
        self.0.dispatch(Action::Confirm(None));
        confirmed
    }

    /// Does something that may need a fresh confirmation: if the server says so, asks for it and tries once more.
    pub async fn with_step_up<T, F: Future<Output = Result<T, Problem>>>(
        &self,
        work: impl Fn() -> F,
    ) -> Result<T, Problem> {
        match work().await {
            Err(problem) if problem.code == "auth.stepup_required" => {
                if self.confirm().await {
                    work().await
                } else {
                    Err(Problem::of("passkey.cancelled"))
                }
            }
            result => {
                if result.as_ref().err().is_some_and(Problem::signed_out) {
                    self.0.dispatch(Action::SignedOut);
                }
                result
            }
        }
    }

    /// Signs in with a passkey. `Ok(Some(_))`: signed in, but the passkey does not unlock the member seed.
    pub async fn sign_in(&self) -> Result<Option<Account>, Problem> {
        let (account, answer) = auth::sign_in().await?;
        let opened = answer.prf.as_ref().map(|prf| api::account::open_with_prf(&account, &answer.id, prf));
        match opened {
            Some(Ok(seed)) => {
                self.enter(account, seed).await;
                Ok(None)
            }
            Some(Err(_)) | None => Ok(Some(account)),
        }
    }
}

/// Whether the address is a home's page, or leads to a home that this account is known to have. Other pages begin with the
/// homes and passkeys that there are, and what was kept may be older.
fn opens_a_home(account: &Account) -> bool {
    let last = || js::remembered("last_home").and_then(|id| HomeId::parse(&id).ok());
    match js::path().as_str() {
        "/" => last().is_some_and(|last| account.home_ids().any(|home| home == last)),
        path => path.starts_with("/h/"),
    }
}

/// The account as it was kept here.
async fn kept_account(id: &str) -> Option<Account> {
    let json = String::from_utf8(js::kept(KEPT_ACCOUNT).await?).ok()?;
    Account::from_json(&json).filter(|account| account.account == id)
}

/// The app's state, from any component.
#[hook]
pub fn use_app() -> App {
    use_context::<App>().unwrap_or_else(|| unreachable!("every component is inside the provider"))
}
