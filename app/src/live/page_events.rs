//! Start of a room's driver, and the events of the page that it needs to know.

use client::{Input, Status};
use futures_channel::mpsc::channel;
use leptos::ev;
use leptos::prelude::*;
use leptos::reactive::spawn_local_scoped_with_cancellation;

use super::effect::effect;
use super::room::Room;
use super::{browser, driver, leave, my_rooms};

/// Capacity of the driver's input queue. It takes each input within a turn of the event loop.
const INPUT_QUEUE: usize = 64;

impl Room {
    /// Starts the driver, in the browser, for as long as the page is there.
    pub fn start(self) {
        effect(move || {
            let Some(client) = self.cells.try_write_value().and_then(|mut cells| cells.client.take()) else { return };
            let (inputs, driven) = channel(INPUT_QUEUE);
            self.cells.update_value(|cells| {
                cells.inputs = Some(inputs);
                cells.build = browser::page_build();
            });
            self.utc_offset.set(Some(browser::utc_offset()));
            self.today.set(Some(browser::today()));
            self.listen_to_browser();
            self.warn_before_unload();
            leave::cancel(self.code);
            on_cleanup(move || {
                self.close();
                if self.leaving.get_untracked() && !self.is_over() {
                    leave::finish(self.code, self.id);
                }
                browser::toggle_root_attribute("data-live", false);
            });
            spawn_local_scoped_with_cancellation(driver::run(self, client, driven));
        });
        effect(move || {
            let status = self.status.get();
            browser::toggle_root_attribute("data-live", status == Status::Live);
            if !my_rooms::has_seat(&status) {
                my_rooms::forget(self.code);
            }
        });
    }

    fn listen_to_browser(self) {
        browser::on_window_event(ev::online, move |_| {
            self.dispatch(Input::Online);
        });
        browser::on_window_event(ev::offline, move |_| {
            self.dispatch(Input::Offline);
        });
        browser::on_window_event(ev::visibilitychange, move |_| {
            self.dispatch(Input::Visible(browser::is_visible()));
        });
        browser::on_window_event(ev::pageshow, move |event| {
            if event.persisted() && self.is_over() {
                // Back on the page that was left: now it says so.
                self.leaving.set(false);
            }
            self.dispatch(Input::Visible(browser::is_visible()));
        });
        // Whoever has this page unloaded was asked.
        browser::on_window_event(ev::pagehide, move |_| if self.is_over() { self.forget() } else { self.close() });
        if !browser::is_online() {
            self.dispatch(Input::Offline);
        }
        // Opened in the background: what comes is unread from the first message on.
        if !browser::is_visible() {
            self.dispatch(Input::Visible(false));
        }
    }
}
