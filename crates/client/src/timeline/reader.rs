//! Reader of a timeline.

use protocol::{MemberId, Names};

/// Reader of a timeline.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The member.
    pub me: MemberId,
    /// Names of all members.
    pub names: &'a Names,
}
