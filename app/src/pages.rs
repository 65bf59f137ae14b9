//! One module a page.

pub(crate) mod home;
mod home_view;
pub(crate) mod missing;
mod my_rooms;
pub(crate) mod outside;
pub(crate) mod room;
mod unavailable;
