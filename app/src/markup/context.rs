//! Context in which a message is read: what it can mention, and how addresses are parsed.

use client::NameIndex;
use protocol::{Member, MemberId};

use super::address::{self, Address};

/// Context in which a message is read.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// Names that can be mentioned.
    pub(super) names: &'a NameIndex,
    /// [`address::parse`]: given to the parser, so that the part that is fetched needs no way to the browser of its own.
    pub(super) parse_address: fn(&str) -> Option<Address>,
}

impl<'a> Context<'a> {
    /// A message in a room where these can be mentioned.
    pub(crate) fn of(names: &'a NameIndex) -> Self {
        Self { names, parse_address: address::parse }
    }
}

/// The names that a reader's messages can mention. Server and browser must find the same.
#[must_use]
pub(crate) fn names_of(members: &[Member], reader: MemberId) -> NameIndex {
    let names: Vec<_> = members.iter().map(|seated| (seated.name.text(), seated.member == reader)).collect();
    NameIndex::new(names.iter().map(|(name, own)| (&**name, *own)))
}
