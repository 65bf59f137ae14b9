//! Codes of rooms, drawn until the store takes one.

use protocol::{EventKind, RoomId};
use store::{Appended, NewEvent, Store, StoreError};

use crate::entropy;

/// Maximum number of codes to try. Among a million rooms one random code in a million is in use, but the NATS store can
/// give an existing room only every fourth one: 64 fail once in 100 million times.
pub const DRAWS: usize = 64;

/// Gives a room another code by appending this draft with one that the store takes.
///
/// # Errors
/// Those of [`Store::append`].
pub async fn renew(store: &dyn Store, room: RoomId, draft: NewEvent) -> Result<Appended, StoreError> {
    for _ in 1..DRAWS {
        let draft = NewEvent { kind: EventKind::Code { code: entropy::room_code() }, ..draft.clone() };
        match store.append(room, draft).await {
            Err(StoreError::CodeTaken) => {}
            outcome => return outcome,
        }
    }
    Err(StoreError::CodeTaken)
}
