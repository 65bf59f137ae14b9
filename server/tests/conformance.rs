//! The laws of `server::backend`, each one a test, run against every engine.
//!
//! A law is written once, against a store that anyone can open by its URL. Time is paused: what runs out does so
//! because the test moves the clock.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "conformance/crash.rs"]
mod crash;
#[path = "conformance/ends.rs"]
mod ends;
#[path = "conformance/log.rs"]
mod log;
#[path = "support/nats.rs"]
mod nats_server;
#[path = "conformance/plan.rs"]
mod plan;
#[path = "conformance/seats.rs"]
mod seats;
#[path = "conformance/signals.rs"]
mod signals;
#[path = "conformance/support.rs"]
mod support;
#[path = "conformance/words.rs"]
mod words;

/// One module per engine, one test per law.
macro_rules! engine {
    ($engine:ident, $store:expr, [$($law:path as $name:ident),+ $(,)?]) => {
        mod $engine {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    $law(&$store).await;
                }
            )+

            #[test]
            fn any_plan_gives_one_log() {
                crate::plan::any_plan_gives_one_log(|| $store);
            }
        }
    };
}

macro_rules! every_law {
    ($engine:ident, $store:expr) => {
        engine!(
            $engine,
            $store,
            [
                crate::log::seq_grows_and_the_order_is_one as law_01_seq_grows_and_the_order_is_one,
                crate::log::an_id_is_one_event as law_02_an_id_is_one_event,
                crate::log::an_id_outlives_its_event as law_02_an_id_outlives_its_event,
                crate::log::a_subscription_never_skips as law_03_a_subscription_never_skips,
                crate::log::a_subscriber_that_sleeps_is_lost_not_skipped
                    as law_03_a_subscriber_that_sleeps_is_lost_not_skipped,
                crate::log::what_is_acked_is_read as law_04_what_is_acked_is_read,
                crate::crash::what_is_acked_survives_kill as law_04_what_is_acked_survives_kill,
                crate::log::what_is_acked_survives_reopening as law_04_what_is_acked_survives_reopening,
                crate::log::pages_are_ordered_and_bounded as law_05_pages_are_ordered_and_bounded,
                crate::log::a_message_is_read_by_its_id as law_05_a_message_is_read_by_its_id,
                crate::log::retention_trims_the_log_only as law_05_retention_trims_the_log_only,
                crate::log::a_place_outside_the_log_is_its_end_or_start
                    as law_05_a_place_outside_the_log_is_its_end_or_start,
                crate::log::a_position_continues_or_resets as law_06_a_position_continues_or_resets,
                crate::ends::a_new_life_resets_old_positions as law_06_a_new_life_resets_old_positions,
                crate::seats::a_room_of_50_seats_50 as law_07_a_room_of_50_seats_50,
                crate::seats::a_join_racing_the_end_has_a_seat_or_no_room
                    as law_07_a_join_racing_the_end_has_a_seat_or_no_room,
                crate::seats::only_the_seated_speak_and_leave as law_07_only_the_seated_speak_and_leave,
                crate::seats::a_lease_keeps_a_seat_for_its_time as law_08_a_lease_keeps_a_seat_for_its_time,
                crate::seats::who_came_back_is_not_put_out as law_08_who_came_back_is_not_put_out,
                crate::seats::a_start_gives_everyone_a_grace as law_08_a_start_gives_everyone_a_grace,
                crate::ends::a_room_nobody_arrived_in_ends as law_08_a_room_nobody_arrived_in_ends,
                crate::signals::a_signal_is_for_now as law_09_a_signal_is_for_now,
                crate::signals::signals_cost_nobody_an_event as law_09_signals_cost_nobody_an_event,
                crate::ends::a_room_that_ended_leaves_nothing as law_10_a_room_that_ended_leaves_nothing,
                crate::ends::after_close_every_verb_fails as law_11_after_close_every_verb_fails,
                crate::ends::nothing_hangs_on_close as law_11_nothing_hangs_on_close,
                crate::words::old_words_are_nowhere as law_12_old_words_are_nowhere,
                crate::words::an_edit_is_read_at_once as law_12_an_edit_is_read_at_once,
                crate::words::only_its_author_takes_a_message_back as law_12_only_its_author_takes_a_message_back,
                crate::words::the_measure_follows_the_words as law_12_the_measure_follows_the_words,
                crate::ends::keys_are_drawn_once as keys_are_drawn_once,
            ]
        );
    };
}

every_law!(sqlite, crate::support::Store::sqlite());
every_law!(nats, crate::support::Store::at(crate::nats_server::store_url()));
