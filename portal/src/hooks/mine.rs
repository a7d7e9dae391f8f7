//! A resident's own codes, fetched again whenever the home says that something of theirs changed.

use crate::api::people;
use crate::js;
use crate::problem::Problem;
use crate::state::{Action, App, Signed};
use crate::view_model::mine::Mine;
use futures_util::future::{Either, select};
use futures_util::{SinkExt, StreamExt};
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::TimeoutFuture;
use latchkey_shared::api::path;
use latchkey_shared::id::HomeId;
use std::cell::Cell;
use std::rc::Rc;
use yew::prelude::*;

/// Silence for so long, in ms, means that one asks whether the connection is there.
const QUIET_MS: u32 = 25_000;
/// Where waiting between attempts to connect begins and ends, in ms.
const RETRY_MS: (u32, u32) = (500, 20_000);

/// What is known of one's own codes.
#[derive(Clone, Default)]
pub struct MineState {
    /// What was fetched last.
    pub mine: Option<Rc<Mine>>,
    /// Why the last attempt failed.
    pub problem: Option<Problem>,
    /// Whether changes arrive at once.
    pub live: bool,
}

async fn fetch(
    home: HomeId,
    app: &App,
    signed: &Signed,
    state: &UseStateSetter<MineState>,
    live: bool,
    last: &Cell<Option<Rc<Mine>>>,
    open: &Cell<bool>,
) {
    let loaded = match people::mine(&home, None).await {
        Ok(answer) => Mine::load(home, answer, signed).map(Rc::new),
        Err(e) => Err(e),
    };
    let before = last.take();
    let (mine, problem) = match loaded {
        Ok(mine) => (Some(mine), None),
        Err(e) if e.signed_out() => {
            app.0.dispatch(Action::SignedOut);
            (None, Some(e))
        }
        // What is no longer theirs is not shown any more, nor asked for.
        Err(e) if e.code == "home.not_found" => {
            open.set(false);
            (None, Some(e))
        }
        Err(e) => (before, Some(e)),
    };
    last.set(mine.clone());
    state.set(MineState { mine, problem, live });
}

async fn follow(
    home: HomeId,
    app: App,
    signed: Rc<Signed>,
    state: UseStateSetter<MineState>,
    open: Rc<Cell<bool>>,
) {
    let last = Cell::new(None);
    let mut wait = RETRY_MS.0;
    while open.get() {
        fetch(home, &app, &signed, &state, false, &last, &open).await;
        let url = js::origin().replacen("http", "ws", 1) + &path::socket(&home);
        if let Ok(socket) = WebSocket::open(&url) {
            let (mut write, mut read) = socket.split();
            let mut asked = write.send(Message::Text("ping".into())).await.is_ok();
            while asked && open.get() {
                match select(read.next(), TimeoutFuture::new(QUIET_MS)).await {
                    Either::Left((Some(Ok(message)), _)) => {
                        wait = RETRY_MS.0;
                        // Whatever it is: to residents it says that they may look again.
                        if matches!(message, Message::Bytes(_)) {
                            fetch(home, &app, &signed, &state, true, &last, &open).await;
                        }
                    }
                    Either::Right(_) => asked = write.send(Message::Text("ping".into())).await.is_ok(),
                    Either::Left(_) => break,
                }
            }
        }
        TimeoutFuture::new(wait).await;
        wait = (wait * 2).min(RETRY_MS.1);
    }
}

/// One's own codes in a home, kept fresh while the page is open.
#[hook]
pub fn use_mine(app: App, signed: Rc<Signed>, home: HomeId) -> MineState {
    let state = use_state(MineState::default);
    {
        let setter = state.setter();
        use_effect_with((home, signed.keys.id()), move |_| {
            let open = Rc::new(Cell::new(true));
            wasm_bindgen_futures::spawn_local(follow(home, app, signed, setter, open.clone()));
            move || open.set(false)
        });
    }
    (*state).clone()
}
