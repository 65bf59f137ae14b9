//! Structure of a message: a small part of Markdown.
//!
//! Markup takes a character away only where it gives its meaning in return, and a line never changes its speaker. Bold,
//! italic, strike, code, fenced code, quotes, lists and links mean what they mean in CommonMark, where they cannot be meant
//! otherwise: [`rules`] decides that, and `docs/markup.md` lists it for other clients. Everything else stands as it was
//! typed, line by line. Nothing can make markup: the tree holds text, and the view turns it into text nodes.
//!
//! What can hold no markup is read by [`plain`]. For the rest there is [`parser`], which the browser fetches when it first
//! needs it: see [`lazy`]. What the server read for a page comes with it: see [`server_markup`].

mod address;
mod context;
mod inline;
mod lazy;
mod node;
mod parser;
mod plain;
mod rules;
mod server_markup;

pub(crate) use context::{Context, names_of};
pub(crate) use lazy::{prefetch_parser, read, wait_for_parser};
pub use node::Node;
#[cfg(test)]
pub(crate) use node::element_count;
pub(crate) use node::{mentions_reader, text_of};
#[cfg(feature = "ssr")]
pub use server_markup::markup_of;
pub use server_markup::{MessageMarkup, ServerMarkup};

#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod tests;
