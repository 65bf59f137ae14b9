//! Inputs and actions of a client.

use protocol::{
    ClientFrame, DisplayName, Emoji, ErrorCode, Event, EventId, MemberId, MessageBody, Names, Position, RoomName,
    ServerFrame,
};

/// Input of a client. Sockets are identified by the connection id of [`Action::Connect`]; what a driver reports of
/// an older one is ignored, so it need not be careful.
#[derive(Clone, Debug)]
pub enum Input {
    /// Start. Before it, only `Offline` and `Visible` make sense.
    Start,
    /// The socket is open.
    Opened(u32),
    /// A frame arrived.
    Frame(u32, ServerFrame),
    /// Data arrived that is no frame of this protocol.
    InvalidFrame(u32),
    /// The socket is closed with this code, or could not be opened (1006).
    Closed(u32, u16),
    /// The timer of [`Action::Wake`] fired. Spurious ticks do no harm.
    Tick,
    /// The browser has a network.
    Online,
    /// The browser has none.
    Offline,
    /// The page is, or is no longer, on the screen; also `pageshow`. Messages that arrive while it is not are unread.
    Visible(bool),
    /// The person pressed "try now".
    TryNow,
    /// The person leaves the room.
    Leave,
    /// The server has accepted the leave of [`Action::PostLeave`].
    LeaveConfirmed,
    /// The person sends a message. From here on it is on the screen, whatever happens.
    Send {
        /// Id of its event, minted for it.
        id: EventId,
        /// Text of the message.
        body: MessageBody,
        /// The message it answers.
        reply_to: Option<EventId>,
        /// The wall clock, in UTC milliseconds, for display.
        at: u64,
    },
    /// The person edits an own message. Shown at once, like sending.
    EditMessage {
        /// The id of the change, minted for it.
        id: EventId,
        /// The message.
        target: EventId,
        /// New text.
        body: MessageBody,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person deletes an own message. Shown at once.
    DeleteMessage {
        /// The id of the deletion, minted for it.
        id: EventId,
        /// The message.
        target: EventId,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person adds or removes a reaction. Shown at once.
    React {
        /// The id of the reaction, minted for it.
        id: EventId,
        /// The message.
        target: EventId,
        /// The emoji.
        emoji: Emoji,
        /// True to add it, false to remove it.
        on: bool,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person chooses another name. Shown once the server has given it its number. Nothing happens if it is the
    /// name that the person has.
    Rename {
        /// The id of the change, minted for it.
        id: EventId,
        /// The new name.
        name: DisplayName,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The host names the room. Shown once it is in the log. Nothing happens if it is the name that the room has.
    NameRoom {
        /// The id of the change, minted for it.
        id: EventId,
        /// The room's new name.
        name: RoomName,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person typed something. As often as it happens: the others are told at most every
    /// [`super::typing::TYPING_INTERVAL_MS`].
    Typing,
    /// Reader's offset from UTC, in minutes. 0 until this is given.
    UtcOffset(i32),
    /// The person ignores a member, or no longer.
    Ignore {
        /// The member.
        member: MemberId,
        /// True to ignore.
        on: bool,
    },
    /// The person wants a refused message sent again.
    Retry(EventId),
    /// The person wants a refused message back into the composer; [`Action::Compose`] brings it.
    Recompose(EventId),
    /// The person does not want a refused message any more.
    Discard(EventId),
    /// The answer to an older page, asked for with [`Client::older_cursor`](crate::Client::older_cursor).
    OlderPage {
        /// Cursor that was asked with.
        before: Position,
        /// The events directly before it, oldest first.
        events: Vec<Event>,
        /// Names of those they mention.
        names: Names,
    },
    /// The answer to a question for a message that a reply answers.
    Quoted {
        /// Id of the message.
        id: EventId,
        /// The message; `None` if the log does not have it any more.
        message: Option<Event>,
        /// Name of its author.
        names: Names,
    },
}

/// Action that a client asks its driver to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a socket with this connection id. There is no other one then.
    Connect(u32),
    /// Close this socket.
    Disconnect(u32),
    /// Send this on the open socket.
    Transmit(ClientFrame),
    /// Call back with [`Input::Tick`] at this time. One timer is enough: a new time replaces the old one.
    Wake(u64),
    /// Leave by form, beside any socket. Give [`Input::LeaveConfirmed`] if that was done; if not, this comes again.
    PostLeave,
    /// Put this text into the composer.
    Compose(MessageBody),
    /// Say that the server refused a name for good. Nothing is left of it.
    NameRefused(ErrorCode),
}
