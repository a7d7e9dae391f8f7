//! The pages, one module each.

mod activity;
mod code;
mod codes;
mod doors;
mod kit;
mod landing;
mod new_code;
mod new_home;
mod not_found;
mod pair;
mod recover;
mod settings;
mod sharing;
mod sign_in;
mod sign_up;
mod today;
mod when;

pub use activity::Activity;
pub use code::Code;
pub use codes::Codes;
pub use doors::Doors;
pub use kit::KitPage;
pub use landing::Landing;
pub use new_code::NewCode;
pub use new_home::NewHome;
pub use not_found::NotFound;
pub use pair::Pair;
pub use recover::Recover;
pub use settings::Settings;
pub use sign_in::SignIn;
pub use sign_up::SignUp;
pub use today::Today;
