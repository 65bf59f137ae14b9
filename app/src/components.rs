//! Components of the pages.

pub(crate) mod click;
pub(crate) mod copy_link;
pub(crate) mod dialog;
pub(crate) mod enter_form;
pub(crate) mod focusable;
pub(crate) mod icon;
pub(crate) mod language_form;
pub(crate) mod list;
pub(crate) mod markup;
pub(crate) mod name;
pub(crate) mod notice;
pub(crate) mod page_announcer;
pub(crate) mod room;
pub(crate) mod theme;
pub(crate) mod title;
pub(crate) mod top_bar;
pub(crate) mod typed_forms;
