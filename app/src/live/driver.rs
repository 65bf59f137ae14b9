//! Driver of the client: feeds it inputs, runs its actions, and draws its state.

use std::future::pending;

use client::{Action, Client, DrawPacer, Input};
use futures_channel::mpsc::Receiver;
use futures_util::{FutureExt, StreamExt, select_biased};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::room::Room;
use super::signal::set_if_new;
use super::socket::{ABNORMAL_CLOSURE, Socket};
use super::tab_storage::TabStorage;
use super::{browser, ignored, leave};

/// Interval of the page's clock while something on it counts time, in milliseconds.
const CLOCK_INTERVAL_MS: u64 = 200;
/// Longest time until a page knows that the reader's zone has changed, which no event tells, in milliseconds.
const ZONE_INTERVAL_MS: u64 = 60_000;

/// Runs until the page, or the room on it, goes away.
pub(super) async fn run(room: Room, mut client: Client, mut inputs: Receiver<Input>) {
    let mut runner = EffectRunner { room, socket: None, wake: None };
    let mut tab_storage = TabStorage::new(room.code, room.id);
    take_over(room, &mut client, &mut tab_storage);
    runner.run_all(client.step(browser::now_ms(), Input::UtcOffset(browser::utc_offset())));
    for member in ignored::of(room.id) {
        runner.run_all(client.step(browser::now_ms(), Input::Ignore { member, on: true }));
    }
    runner.run_all(client.step(browser::now_ms(), Input::Start));
    let mut pacer = DrawPacer::default();
    // What was kept of an earlier page, and the reader's own clock.
    pacer.note_urgent(browser::now_ms());
    loop {
        let (now, key) = (browser::now_ms(), room.last_key());
        if follow_calendar(room) {
            runner.run_all(client.step(now, Input::UtcOffset(browser::utc_offset())));
            pacer.note_urgent(now);
        }
        if pacer.due(key).is_some_and(|due| due <= now) {
            room.draw(&client);
            pacer.note_drawn(now);
        }
        tab_storage.set_outbox(client.outbox(), client.status());
        let clock_tick = (room.needs_clock() || is_sending(&client)).then_some(now + CLOCK_INTERVAL_MS);
        let calendar_tick = Some(now + browser::until_midnight_ms().min(ZONE_INTERVAL_MS));
        let due = [runner.wake, clock_tick, pacer.due(key), calendar_tick].into_iter().flatten().min();
        // Inputs first: where the room is gone, so are the signals that a frame would change.
        let input = select_biased! {
            input = inputs.next() => match input {
                Some(input) => input,
                None => return,
            },
            input = runner.socket_input().fuse() => input,
            () = sleep_until(due).fuse() => Input::Tick,
        };
        let now = browser::now_ms();
        room.now.set(now);
        if matches!(input, Input::Tick) {
            if runner.wake.is_none_or(|wake| now < wake) {
                continue;
            }
            runner.wake = None;
        }
        let is_quiet = matches!(input, Input::Typing);
        let mut is_from_server = matches!(input, Input::Frame(..));
        let before = (client.status(), is_sending(&client));
        prepare(&input, room, &mut client, &mut tab_storage);
        runner.run_all(client.step(now, input));
        // What is ready already is taken before anything is drawn.
        while let Some(input) = runner.socket_input().now_or_never() {
            is_from_server = true;
            runner.run_all(client.step(now, input));
        }
        // What becomes of the connection and of what the reader does is seen at once, and so is a title in a hidden tab,
        // where timers are slow.
        let concerns_reader = before.1 || before != (client.status(), is_sending(&client)) || !browser::is_visible();
        let is_urgent = if is_from_server { concerns_reader } else { !is_quiet };
        if is_urgent {
            pacer.note_urgent(now);
        } else if is_from_server {
            pacer.note_update(now);
        }
    }
}

/// Does what comes before this input.
fn prepare(input: &Input, room: Room, client: &mut Client, tab_storage: &mut TabStorage) {
    match input {
        // Whoever leaves was asked, and has given up what is not sent.
        Input::Leave => client.discard_unsent(),
        // It may have slept in the browser's page cache while other pages of its tab wrote.
        Input::Visible(true) => take_over(room, client, tab_storage),
        _ => {}
    }
}

/// Takes the reader's day and zone; true if the zone has changed.
fn follow_calendar(room: Room) -> bool {
    let zone = Some(browser::utc_offset());
    let has_changed = room.utc_offset.get_untracked() != zone;
    if has_changed {
        browser::renew_formats();
        room.utc_offset.set(zone);
    }
    set_if_new(room.today, Some(browser::today()));
    has_changed
}

/// True while a draft of the reader is on its way.
fn is_sending(client: &Client) -> bool {
    client.outbox().drafts().any(|draft| !draft.is_refused())
}

/// Takes over the unsent drafts of other pages of this tab.
fn take_over(room: Room, client: &mut Client, tab_storage: &mut TabStorage) {
    let (outbox, text) = tab_storage.take_over();
    client.merge(outbox);
    if text.is_some() {
        room.restored_text.set(text);
    }
}

async fn sleep_until(due: Option<u64>) {
    match due {
        Some(due) => browser::sleep(due.saturating_sub(browser::now_ms()).min(u64::from(u32::MAX)) as u32).await,
        None => pending().await,
    }
}

/// Runs the client's actions.
struct EffectRunner {
    room: Room,
    socket: Option<Socket>,
    wake: Option<u64>,
}

impl EffectRunner {
    fn run_all(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Connect(connection_id) => self.open_socket(connection_id),
                Action::Disconnect(connection_id) => {
                    self.socket = self.socket.take().filter(|socket| socket.connection_id() != connection_id)
                }
                Action::Transmit(frame) => {
                    if let Some(socket) = &mut self.socket {
                        socket.transmit(&frame);
                    }
                }
                Action::Wake(at) => self.wake = Some(at),
                Action::PostLeave => self.post_leave(),
                Action::NameRefused(error) => self.room.refused_name.set(Some(error)),
                Action::Compose(body) => self.room.restored_text.set(Some(body.as_str().to_owned())),
            }
        }
    }

    fn open_socket(&mut self, connection_id: u32) {
        self.socket = Socket::open(connection_id, self.room.present_code());
        if self.socket.is_none() {
            self.room.dispatch(Input::Closed(connection_id, ABNORMAL_CLOSURE));
        }
    }

    fn post_leave(&self) {
        let room = self.room;
        spawn_local(async move {
            if leave::post(room.present_code()).await {
                room.dispatch(Input::LeaveConfirmed);
            }
        });
    }

    async fn socket_input(&mut self) -> Input {
        match &mut self.socket {
            Some(socket) => socket.next().await,
            None => pending().await,
        }
    }
}
