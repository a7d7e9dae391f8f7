//! One person: what they may do, their codes, and the end of it.

use crate::components::PageHead;
use crate::hooks::use_home;
use latchkey_shared::id::KeyId;
use yew::prelude::*;

/// Props of [`Person`].
#[derive(Properties, PartialEq)]
pub struct PersonProps {
    /// The member.
    pub id: KeyId,
}

/// One person.
#[component]
pub fn Person(props: &PersonProps) -> Html {
    let ctx = use_home();
    let name = ctx.home.key_name(&props.id);
    html! { <div class="page"><PageHead title={name} /></div> }
}
