//! The portal: a single page app in which the person's own keys verify and sign everything about their homes.

// Nothing of a binary can be reached from elsewhere: `pub` says what a module offers to the others.
#![allow(unreachable_pub)]

mod api;
mod app;
mod components;
mod hooks;
mod js;
mod pages;
mod part;
mod problem;
mod route;
mod state;
mod view_model;

fn main() {
    js::mark("started");
    let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("app"));
    if let Some(root) = root {
        yew::Renderer::<app::Main>::with_root(root).render();
    }
}
