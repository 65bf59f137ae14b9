//! Actions of a host, as a form and as a frame.

use protocol::{ErrorCode, MemberId, Proposal, ProposedChange};
use testkit::browser::{Person, Socket};
use testkit::http::form;

/// One thing that only a host may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Lock(bool),
    HostOnly(bool),
    /// Milliseconds between two messages.
    Slow(u32),
    Capacity(u32),
    Name(&'static str),
    Remove(MemberId),
    RemoveAndLock(MemberId),
    HandOver(MemberId),
    RenewCode,
    End,
}

/// Way on which it reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    Form,
    Socket,
}

pub(crate) const ROADS: [Road; 2] = [Road::Form, Road::Socket];

impl Deed {
    /// Everything that a host may do, to this member where it is about one.
    pub(crate) fn all(member: MemberId) -> [Self; 10] {
        use Deed::*;
        [
            Lock(true),
            HostOnly(true),
            Slow(1_000),
            Capacity(60),
            Name("Mine"),
            Remove(member),
            RemoveAndLock(member),
            HandOver(member),
            RenewCode,
            End,
        ]
    }

    /// Body of the form.
    pub(crate) fn form(self, code: &str) -> String {
        let switch = |on| if on { "on" } else { "off" }.to_owned();
        let (action, member, value) = match self {
            Self::Lock(on) => ("lock", None, switch(on)),
            Self::HostOnly(on) => ("host_only", None, switch(on)),
            Self::Slow(ms) => ("slow", None, ms.to_string()),
            Self::Capacity(seats) => ("capacity", None, seats.to_string()),
            Self::Name(name) => ("name", None, name.to_owned()),
            Self::Remove(member) => ("remove", Some(member), String::new()),
            Self::RemoveAndLock(member) => ("remove_and_lock", Some(member), String::new()),
            Self::HandOver(member) => ("hand_over", Some(member), String::new()),
            Self::RenewCode => ("renew_code", None, String::new()),
            Self::End => ("end", None, String::new()),
        };
        let member = member.map(|member| member.to_string()).unwrap_or_default();
        form(&[("code", code), ("action", action), ("member", &member), ("value", &value)])
    }

    /// Frames that do the same.
    pub(crate) fn proposals(self) -> Vec<Proposal> {
        let none = ProposedChange::default;
        let lock = |on| Proposal::Settings(ProposedChange { locked: Some(on), ..none() });
        vec![match self {
            Self::Lock(on) => lock(on),
            Self::HostOnly(on) => Proposal::Settings(ProposedChange { host_only: Some(on), ..none() }),
            Self::Slow(ms) => Proposal::Settings(ProposedChange { slow_ms: Some(ms), ..none() }),
            Self::Capacity(seats) => Proposal::Settings(ProposedChange { capacity: Some(seats), ..none() }),
            Self::Name(name) => Proposal::Settings(name.to_owned().into()),
            Self::Remove(member) => Proposal::Remove { member },
            Self::RemoveAndLock(member) => return vec![lock(true), Proposal::Remove { member }],
            Self::HandOver(member) => Proposal::Host { member },
            Self::RenewCode => Proposal::Code,
            Self::End => Proposal::Ended,
        }]
    }
}

/// Does it as this person, over this socket of the person where it goes by socket.
pub(crate) async fn act(road: Road, person: &mut Person, socket: &mut Socket, deed: Deed) -> Result<(), ErrorCode> {
    match road {
        Road::Socket => {
            for proposal in deed.proposals() {
                socket.asked(proposal).await?;
            }
            Ok(())
        }
        Road::Form => by_form(person, deed).await,
    }
}

/// Does it by form.
pub(crate) async fn by_form(person: &mut Person, deed: Deed) -> Result<(), ErrorCode> {
    let body = deed.form(&person.code.to_string());
    let answer = person.browser.ask("POST", "/api/manage_room", "application/json", &[], body).await.json();
    refusal(&answer).map_or(Ok(()), Err)
}

/// Reason in the answer to a form, if it was refused.
pub(crate) fn refusal(answer: &serde_json::Value) -> Option<ErrorCode> {
    let refused = answer.get("refused")?;
    Some(serde_json::from_value(refused["error"].clone()).unwrap())
}
