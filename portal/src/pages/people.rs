//! People: who belongs to the home as what, inviting, letting in, changing roles, removing.

mod invite;
mod known;
mod list;
mod pending;
mod person;
mod role_form;
mod tend;

pub use invite::Inviting;
pub use list::People;
pub use person::Person;
pub use role_form::{RoleDraft, RoleForm, ScopeDraft, ScopeFields};
pub use tend::tend;
