//! Files that leave a home and come back: codes as CSV, an encrypted backup, and the archive that anybody can verify
//! without a network. Text and bytes in and out; reading and writing files is for the callers.

pub mod archive;
pub mod backup;
pub mod bundle;
pub mod csv;
pub mod typed;
