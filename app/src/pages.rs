//! One module a page.

pub(crate) mod home;
pub(crate) mod missing;
mod outside;
pub(crate) mod room;
