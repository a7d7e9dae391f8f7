//! The time passes on screen too.

use gloo_timers::callback::Interval;
use yew::prelude::*;

/// Renders the component again every so many seconds.
#[hook]
pub fn use_tick(seconds: u32) {
    let update = use_force_update();
    use_effect_with(seconds, move |seconds| {
        let interval = Interval::new(seconds * 1_000, move || update.force_update());
        move || drop(interval)
    });
}
