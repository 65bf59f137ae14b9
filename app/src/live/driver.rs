//! Runs the client: gives it what happens, does what it asks, draws what it then is.

use std::future::pending;

use futures_channel::mpsc::Receiver;
use futures_util::{FutureExt, StreamExt, select};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use super::browser;
use super::keeper::Keeper;
use super::socket::{BROKEN, Socket};
use super::store::RoomStore;
use crate::client::{Action, Client, Input, Outbox};

/// How often the page's clock moves while something on it counts time, in milliseconds.
const BEAT_MS: u64 = 200;

/// Runs until the page goes away.
pub(super) async fn run(store: RoomStore, mut client: Client, mut inputs: Receiver<Input>) {
    let mut hands = Hands { store, socket: None, wake: None };
    let mut keeper = Keeper::new(store.code);
    client.restore(keeper.outbox());
    hands.perform(client.step(browser::now_ms(), Input::Start));
    loop {
        store.draw(&client);
        keeper.keep(client.outbox(), client.status());
        let beat = store.counts_time().then(|| browser::now_ms() + BEAT_MS);
        let due = hands.wake.into_iter().chain(beat).min();
        let input = select! {
            input = inputs.select_next_some() => input,
            input = hands.socket_input().fuse() => input,
            () = sleep_until(due).fuse() => Input::Tick,
        };
        let now = browser::now_ms();
        store.now.set(now);
        if matches!(input, Input::Tick) {
            if hands.wake.is_none_or(|wake| now < wake) {
                continue;
            }
            hands.wake = None;
        }
        if matches!(input, Input::Leave) {
            // Whoever leaves was asked, and has given up what is not sent.
            client.restore(Outbox::default());
        }
        hands.perform(client.step(now, input));
        // What is ready already is taken before anything is drawn.
        while let Some(input) = hands.socket_input().now_or_never() {
            hands.perform(client.step(now, input));
        }
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
    store: RoomStore,
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
                Action::Compose(body) => self.store.taken.set(Some(body.as_str().to_owned())),
            }
        }
    }

    fn dial(&mut self, dial: u32) {
        self.socket = Socket::dial(dial, self.store.code);
        if self.socket.is_none() {
            self.store.tell(Input::Closed(dial, BROKEN));
        }
    }

    async fn socket_input(&mut self) -> Input {
        match &mut self.socket {
            Some(socket) => socket.next().await,
            None => pending().await,
        }
    }
}
