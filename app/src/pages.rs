//! One module a page.

pub(crate) mod home;
pub(crate) mod missing;
pub(crate) mod outside;
pub(crate) mod room;
