//! The wire, version 1, as types. `PROTOCOL.md` at the top of the repository is its prose.
//!
//! Pure values: no clock, no randomness, no I/O. Everything that arrives from outside is parsed here once, and
//! the rest of the program only ever holds the parsed type.

pub mod body;
pub mod codec;
pub mod emoji;
#[cfg(not(target_arch = "wasm32"))]
mod envelope;
pub mod error;
pub mod event;
mod fields;
pub mod frame;
mod frame_fields;
pub mod ids;
pub mod limits;
pub mod name;
pub mod position;
pub mod room_code;
pub mod room_name;
pub mod snapshot;

pub use body::MessageBody;
pub use emoji::Emoji;
pub use error::{CloseCode, ErrorCode, Rejection};
pub use event::{Delivered, Event, EventKind, LeaveReason, MAX_SLOW_MS, Proposal, ProposedChange, RoomChange};
pub use frame::{ClientFrame, Member, Names, RoomInfo, ServerFrame, Welcome};
pub use ids::{EventId, MemberId, RoomId};
pub use limits::Limits;
pub use name::{DisplayName, ShownName};
pub use position::{Epoch, Position, Seq};
pub use room_code::RoomCode;
pub use room_name::RoomName;
pub use snapshot::Snapshot;

/// The version a `hello` carries.
pub const VERSION: u32 = 1;

/// The WebSocket subprotocol that every connection offers and the server selects.
pub const SUBPROTOCOL: &str = "flasky.v1";
