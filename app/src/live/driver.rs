//! Runs the client: gives it what happens, does what it asks, draws what it then is.

use std::future::pending;

use client::{Action, Client, Input, Pace};
use futures_channel::mpsc::Receiver;
use futures_util::{FutureExt, StreamExt, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::browser;
use super::keeper::Keeper;
use super::room::{Room, set_if_new};
use super::socket::{BROKEN, Socket};
use crate::api;

/// How often the page's clock moves while something on it counts time, in milliseconds.
const BEAT_MS: u64 = 200;

/// Runs until the page, or the room on it, goes away.
pub(super) async fn run(room: Room, mut client: Client, mut inputs: Receiver<Input>) {
    let mut hands = Hands { room, socket: None, wake: None };
    let mut keeper = Keeper::new(room.code);
    adopt(room, &mut client, &mut keeper);
    hands.perform(client.step(browser::now_ms(), Input::Zone(browser::zone())));
    hands.perform(client.step(browser::now_ms(), Input::Start));
    let mut pace = Pace::default();
    // What was kept of an earlier page, and the reader's own clock.
    pace.hurry(browser::now_ms());
    loop {
        let (now, key) = (browser::now_ms(), room.last_key());
        if pace.due(key).is_some_and(|due| due <= now) {
            // Another one after midnight.
            set_if_new(room.today, Some(browser::today()));
            room.draw(&client);
            pace.drawn(now);
        }
        keeper.keep(client.outbox(), client.status());
        let beat = (room.counts_time() || is_sending(&client)).then_some(now + BEAT_MS);
        let due = hands.wake.into_iter().chain(beat).chain(pace.due(key)).min();
        // Inputs first: where the room is gone, so are the signals that a frame would change.
        let input = select_biased! {
            input = inputs.next() => match input {
                Some(input) => input,
                None => return,
            },
            input = hands.socket_input().fuse() => input,
            () = sleep_until(due).fuse() => Input::Tick,
        };
        let now = browser::now_ms();
        room.now.set(now);
        if matches!(input, Input::Tick) {
            if hands.wake.is_none_or(|wake| now < wake) {
                continue;
            }
            hands.wake = None;
        }
        let is_quiet = matches!(input, Input::Typing);
        let mut is_of_others = matches!(input, Input::Frame(..));
        let before = (client.status(), is_sending(&client));
        match input {
            // Whoever leaves was asked, and has given up what is not sent.
            Input::Leave => client.give_up(),
            // It may have slept in the browser's page cache while other pages of its tab wrote.
            Input::Visible(true) => adopt(room, &mut client, &mut keeper),
            _ => {}
        }
        hands.perform(client.step(now, input));
        // What is ready already is taken before anything is drawn.
        while let Some(input) = hands.socket_input().now_or_never() {
            is_of_others = true;
            hands.perform(client.step(now, input));
        }
        // What becomes of the connection and of what the reader does is seen at once, and so is a title in a hidden tab,
        // where timers are slow.
        let concerns_reader = before.1 || before != (client.status(), is_sending(&client)) || !browser::is_visible();
        let hurries = if is_of_others { concerns_reader } else { !is_quiet };
        if hurries {
            pace.hurry(now);
        } else if is_of_others {
            pace.came(now);
        }
    }
}

/// Whether something of the reader is on its way.
fn is_sending(client: &Client) -> bool {
    client.outbox().drafts().any(|draft| !draft.is_refused())
}

/// Takes over what other pages of this tab could not send.
fn adopt(room: Room, client: &mut Client, keeper: &mut Keeper) {
    let (outbox, text) = keeper.adopt();
    client.merge(outbox);
    if text.is_some() {
        room.taken.set(text);
    }
}

async fn sleep_until(due: Option<u64>) {
    match due {
        Some(due) => TimeoutFuture::new(due.saturating_sub(browser::now_ms()).min(u64::from(u32::MAX)) as u32).await,
        None => pending().await,
    }
}

/// What the client's actions act on.
struct Hands {
    room: Room,
    socket: Option<Socket>,
    wake: Option<u64>,
}

impl Hands {
    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Dial(dial) => self.dial(dial),
                Action::HangUp(dial) => self.socket = self.socket.take().filter(|socket| socket.number() != dial),
                Action::Transmit(frame) => {
                    if let Some(socket) = &mut self.socket {
                        socket.transmit(&frame);
                    }
                }
                Action::Wake(at) => self.wake = Some(at),
                Action::PostLeave => self.post_leave(),
                Action::Compose(body) => self.room.taken.set(Some(body.as_str().to_owned())),
            }
        }
    }

    fn dial(&mut self, dial: u32) {
        self.socket = Socket::dial(dial, self.room.code);
        if self.socket.is_none() {
            self.room.tell(Input::Closed(dial, BROKEN));
        }
    }

    fn post_leave(&self) {
        let room = self.room;
        spawn_local(async move {
            if api::leave_room(room.code.to_string()).await.is_ok_and(|answer| answer.refused.is_none()) {
                room.tell(Input::Left);
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
