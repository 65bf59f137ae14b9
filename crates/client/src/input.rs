//! What a client is told, and what it asks for.

use protocol::{ClientFrame, Emoji, Event, EventId, MessageBody, Names, Position, ServerFrame};

/// What happens to a client. Sockets are known by the number that [`Action::Connect`] gave them; what a driver reports of
/// an older one is ignored, so it need not be careful.
#[derive(Clone, Debug)]
pub enum Input {
    /// Begin. Before it, only `Offline` and `Visible` make sense.
    Start,
    /// The socket is open.
    Opened(u32),
    /// A frame came.
    Frame(u32, ServerFrame),
    /// Something came that is no frame.
    InvalidFrame(u32),
    /// The socket is closed with this code, or could not be opened (1006).
    Closed(u32, u16),
    /// The timer of [`Action::Wake`] ran out. Any number too many do no harm.
    Tick,
    /// The browser has a network.
    Online,
    /// The browser has none.
    Offline,
    /// The page is, or is no longer, on the screen; also `pageshow`. What comes while it is not is unread.
    Visible(bool),
    /// The person pressed "try now".
    TryNow,
    /// The person leaves the room.
    Leave,
    /// The server has taken the leave of [`Action::PostLeave`].
    LeaveConfirmed,
    /// The person sends a message. From here on it is on the screen, whatever happens.
    Send {
        /// The id of its event, minted for it.
        id: EventId,
        /// What it says.
        body: MessageBody,
        /// The message it answers.
        reply_to: Option<EventId>,
        /// The wall clock, in UTC milliseconds, for display.
        at: u64,
    },
    /// The person changes an own message. Shown at once, as sending is.
    EditMessage {
        /// The id of the change, minted for it.
        id: EventId,
        /// The message.
        target: EventId,
        /// What it says from then on.
        body: MessageBody,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person takes an own message back. Shown at once.
    DeleteMessage {
        /// The id of the deletion, minted for it.
        id: EventId,
        /// The message.
        target: EventId,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person puts an emoji on a message, or takes it away. Shown at once.
    React {
        /// The id of the reaction, minted for it.
        id: EventId,
        /// The message.
        target: EventId,
        /// The emoji.
        emoji: Emoji,
        /// On or away.
        on: bool,
        /// The wall clock, in UTC milliseconds.
        at: u64,
    },
    /// The person typed something. As often as it happens: the others are told at most every [`super::presence::TYPING_INTERVAL_MS`].
    Typing,
    /// What the reader's clock adds to UTC, in minutes. UTC until this is said.
    UtcOffset(i32),
    /// The person wants a refused message sent again.
    Retry(EventId),
    /// The person wants a refused message back into the composer; [`Action::Compose`] brings it.
    Recompose(EventId),
    /// The person does not want a refused message any more.
    Discard(EventId),
    /// The answer to an older page, asked for with [`Client::older`].
    OlderPage {
        /// What was asked.
        before: Position,
        /// The events directly before it, oldest first.
        events: Vec<Event>,
        /// Names of those they mention.
        names: Names,
    },
}

/// What a client asks its driver to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a socket and call it by this number. There is no other one then.
    Connect(u32),
    /// Close this socket.
    Disconnect(u32),
    /// Send this on the open socket.
    Transmit(ClientFrame),
    /// Give [`Input::Tick`] at this time. One timer is enough: a new time replaces the old one.
    Wake(u64),
    /// Leave by form, beside any socket. Give [`Input::LeaveConfirmed`] if that was done; if not, this comes again.
    PostLeave,
    /// Put this text into the composer.
    Compose(MessageBody),
}
