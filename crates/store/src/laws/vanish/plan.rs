//! Random plans: rooms, members, and what they say, all derived from a seed, so that a search knows every text.

use futures_util::future::join_all;
use protocol::{EventId, EventKind, LeaveReason, MemberId, RoomCode, RoomId, ShownName};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use uuid::Uuid;

use super::Needles;
use crate::{NameKeys, NewEvent, NewRoom, ReadFrom, Store};

const MEMBERS: usize = 3;

/// One message and what becomes of it.
#[derive(Debug)]
struct Message {
    room: usize,
    by: usize,
    id: EventId,
    body: String,
    edit: Option<(EventId, String)>,
    deletion: Option<EventId>,
}

#[derive(Debug)]
pub struct Plan {
    rooms: Vec<(RoomCode, String)>,
    members: Vec<(MemberId, String)>,
    messages: Vec<Message>,
}

/// A word that occurs nowhere else.
fn word(random: &mut StdRng) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |_| char::from(letters[random.random_range(0..letters.len())]);
    (0..14).map(letter).collect()
}

fn uuid(random: &mut StdRng) -> Uuid {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    Uuid::from_bytes(bytes)
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let (rooms, messages) = [(1, 120), (8, 250), (60, 300)][seed as usize % 3];
        // From one byte to 16 KB.
        let longest = [1, 200, 3_900][seed as usize / 3 % 3];
        let mut code = || {
            let mut entropy = [0; 5];
            random.fill_bytes(&mut entropy);
            (RoomCode::from_entropy(entropy), word(random))
        };
        let rooms: Vec<_> = (0..rooms).map(|_| code()).collect();
        let members = (0..MEMBERS).map(|_| (MemberId(uuid(random)), word(random))).collect();
        let message = |_| {
            let length = random.random_range(0..longest);
            let filler = if random.random_bool(0.5) { "\u{1f332}" } else { "x" };
            let body = match random.random_range(0..10) {
                0 => "y".to_owned(),
                _ => format!("{} {}", word(random), filler.repeat(length)).trim().to_owned(),
            };
            Message {
                room: random.random_range(0..rooms.len()),
                by: random.random_range(0..MEMBERS),
                id: EventId(uuid(random)),
                body,
                edit: random.random_bool(0.2).then(|| (EventId(uuid(random)), word(random))),
                deletion: random.random_bool(0.1).then(|| EventId(uuid(random))),
            }
        };
        let messages = (0..messages).map(message).collect();
        Self { rooms, members, messages }
    }

    pub fn codes(&self) -> impl Iterator<Item = RoomCode> {
        self.rooms.iter().map(|(code, _)| *code)
    }

    pub fn name(&self, member: usize) -> &str {
        &self.members[member].1
    }

    /// Adds everything that a person could recognise.
    pub fn add_to(&self, needles: &mut Needles) {
        for (code, name) in &self.rooms {
            needles.code(*code);
            needles.text(name);
        }
        for (member, name) in &self.members {
            needles.uuid(member.0);
            needles.text(name);
        }
        for message in &self.messages {
            if let Some(word) = message.body.split(' ').next().filter(|word| word.len() > 9) {
                needles.text(word);
            }
            needles.uuid(message.id.0);
            if let Some((id, text)) = &message.edit {
                needles.uuid(id.0);
                needles.text(text);
            }
            message.deletion.iter().for_each(|id| needles.uuid(id.0));
        }
    }

    /// Makes the rooms and says everything; some rooms end meanwhile.
    pub async fn run(&self, store: &dyn Store) {
        let mut rooms = Vec::new();
        for (n, (code, name)) in self.rooms.iter().enumerate() {
            let name = name.parse().unwrap();
            let room = NewRoom { code: *code, epoch: protocol::Epoch(n as u64), capacity: 9, name };
            let id = store.create_room(room).await.unwrap();
            join_all((0..MEMBERS).map(|member| self.join(store, id, member))).await;
            rooms.push(id);
        }
        for (n, chunk) in self.messages.chunks(8).enumerate() {
            join_all(chunk.iter().map(|message| self.say(store, rooms[message.room], message))).await;
            if n % 4 == 3 {
                // One room ends, and the next one loses a member.
                let (ends, loses) = (n / 4 % rooms.len(), (n / 4 + 1) % rooms.len());
                if n % 8 == 7 && rooms.len() > 1 {
                    join_all((0..MEMBERS).map(|member| leave(store, rooms[ends], self.members[member].0))).await;
                }
                leave(store, rooms[loses], self.members[0].0).await;
                self.join(store, rooms[loses], 0).await;
            }
        }
    }

    async fn join(&self, store: &dyn Store, room: RoomId, member: usize) {
        let (member, name) = &self.members[member];
        let name: ShownName = name.parse::<protocol::DisplayName>().unwrap().into();
        let keys = NameKeys(vec![name.text().into_owned()]);
        append(
            store,
            room,
            *member,
            EventId(Uuid::from_u128(random_id())),
            EventKind::Joined { member: *member, name },
            keys,
        )
        .await;
    }

    async fn say(&self, store: &dyn Store, room: RoomId, message: &Message) {
        let Message { by, id, body, edit, deletion, .. } = message;
        let (by, keys) = (self.members[*by].0, NameKeys::default());
        append(store, room, by, *id, EventKind::message(body.parse().unwrap()), keys.clone()).await;
        if let Some((edit, text)) = edit {
            let kind = EventKind::Edited { target: *id, body: Some(text.parse().unwrap()) };
            append(store, room, by, *edit, kind, keys.clone()).await;
        }
        if let Some(deletion) = deletion {
            append(store, room, by, *deletion, EventKind::Deleted { target: *id }, keys).await;
        }
    }

    /// Lets everybody leave who is still there, after some more has been said. Adds the ids of all events, and returns
    /// those of the rooms.
    pub async fn finish(&self, store: &dyn Store, needles: &mut Needles) -> Vec<RoomId> {
        let mut rooms = Vec::new();
        for code in self.codes() {
            let Ok(room) = store.find(code).await else { continue };
            rooms.push(room.id);
            join_all(self.messages.iter().take(20).map(|message| self.say(store, room.id, message))).await;
            let page = store.read(room.id, ReadFrom::Latest, 100).await.unwrap();
            page.events.iter().for_each(|event| needles.uuid(event.id.0));
            join_all(room.members.iter().map(|seated| leave(store, room.id, seated.member))).await;
        }
        // Rooms that nobody had entered yet.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        store.expire(tokio::time::Instant::now()).await.unwrap();
        for code in self.codes() {
            store.resolve(code).await.unwrap_err();
        }
        // What is deleted in steps is deleted now.
        for _ in 0..100 {
            store.expire(tokio::time::Instant::now()).await.unwrap();
        }
        rooms
    }
}

async fn leave(store: &dyn Store, room: RoomId, member: MemberId) {
    let kind = EventKind::Left { member, why: LeaveReason::Choice };
    append(store, room, member, EventId(Uuid::from_u128(random_id())), kind, NameKeys::default()).await;
}

/// Appends an event. It may be refused: the room may have ended, and the member may have left.
async fn append(store: &dyn Store, room: RoomId, by: MemberId, id: EventId, kind: EventKind, keys: NameKeys) {
    drop(store.append(room, NewEvent { id, at: 1, by, kind, keys }).await);
}

fn random_id() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_le_bytes(bytes)
}
