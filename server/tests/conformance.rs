//! Conformance tests for the laws of `store`, run against every store implementation.
//!
//! Each law is written once, against a store that is opened by its URL. Tokio's clock is paused: leases and time limits
//! run out because a test advances it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "conformance/codes.rs"]
mod codes;
#[path = "conformance/crash.rs"]
mod crash;
#[path = "conformance/ends.rs"]
mod ends;
#[path = "conformance/log.rs"]
mod log;
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

/// Declares a module for one store implementation, with a test for each law.
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
            fn any_plan_matches_the_model() {
                crate::plan::any_plan_matches_the_model(|| $store);
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
                crate::log::seq_increases_and_readers_see_one_order as law_01_seq_increases_and_readers_see_one_order,
                crate::log::duplicate_append_returns_the_first_event as law_02_duplicate_append_returns_the_first_event,
                crate::log::duplicate_of_a_trimmed_event_returns_its_seq
                    as law_02_duplicate_of_a_trimmed_event_returns_its_seq,
                crate::log::newest_ids_are_known_and_older_ones_are_refused
                    as law_02_newest_ids_are_known_and_older_ones_are_refused,
                crate::log::subscription_delivers_every_later_event as law_03_subscription_delivers_every_later_event,
                crate::log::slow_subscription_is_closed_and_never_skips
                    as law_03_slow_subscription_is_closed_and_never_skips,
                crate::log::acknowledged_event_is_readable_at_once as law_04_acknowledged_event_is_readable_at_once,
                crate::crash::acknowledged_event_survives_sigkill as law_04_acknowledged_event_survives_sigkill,
                crate::log::acknowledged_event_survives_reopening as law_04_acknowledged_event_survives_reopening,
                crate::log::pages_are_ordered_and_bounded as law_05_pages_are_ordered_and_bounded,
                crate::log::message_is_readable_by_its_id as law_05_message_is_readable_by_its_id,
                crate::log::snapshot_has_room_and_page_of_one_moment as law_05_snapshot_has_room_and_page_of_one_moment,
                crate::log::names_are_known_while_the_log_mentions_them
                    as law_05_names_are_known_while_the_log_mentions_them,
                crate::log::retention_trims_only_the_log as law_05_retention_trims_only_the_log,
                crate::log::out_of_range_seq_is_clamped_or_reset as law_05_out_of_range_seq_is_clamped_or_reset,
                crate::log::read_after_a_position_resumes_or_resets as law_06_read_after_a_position_resumes_or_resets,
                crate::ends::recreated_room_resets_old_positions as law_06_recreated_room_resets_old_positions,
                crate::seats::room_of_50_admits_50_of_51_concurrent_joins
                    as law_07_room_of_50_admits_50_of_51_concurrent_joins,
                crate::seats::join_racing_the_end_gets_a_seat_or_not_found
                    as law_07_join_racing_the_end_gets_a_seat_or_not_found,
                crate::seats::append_without_a_seat_is_refused as law_07_append_without_a_seat_is_refused,
                crate::seats::lease_keeps_a_seat_until_it_runs_out as law_08_lease_keeps_a_seat_until_it_runs_out,
                crate::seats::left_vanished_is_refused_while_a_lease_holds
                    as law_08_left_vanished_is_refused_while_a_lease_holds,
                crate::seats::restart_gives_every_seat_a_grace_period as law_08_restart_gives_every_seat_a_grace_period,
                crate::ends::room_that_nobody_joined_ends_after_its_arrival_time
                    as law_08_room_that_nobody_joined_ends_after_its_arrival_time,
                crate::signals::signal_reaches_subscribers_and_is_not_stored
                    as law_09_signal_reaches_subscribers_and_is_not_stored,
                crate::signals::signals_cost_a_slow_subscriber_no_event
                    as law_09_signals_cost_a_slow_subscriber_no_event,
                crate::ends::ended_room_leaves_nothing_behind as law_10_ended_room_leaves_nothing_behind,
                crate::ends::every_operation_fails_after_close as law_11_every_operation_fails_after_close,
                crate::ends::appends_finish_or_fail_on_close as law_11_appends_finish_or_fail_on_close,
                crate::words::old_text_is_never_returned as law_12_old_text_is_never_returned,
                crate::words::acknowledged_edit_is_readable_at_once as law_12_acknowledged_edit_is_readable_at_once,
                crate::words::only_the_author_edits_or_deletes_a_message
                    as law_12_only_the_author_edits_or_deletes_a_message,
                crate::words::byte_limit_counts_the_current_text as law_12_byte_limit_counts_the_current_text,
                crate::codes::code_leads_to_its_room_until_it_ends as law_13_code_leads_to_its_room_until_it_ends,
                crate::codes::one_of_concurrent_creations_gets_the_code
                    as law_13_one_of_concurrent_creations_gets_the_code,
                crate::codes::creation_racing_the_end_gets_the_code_or_conflict
                    as law_13_creation_racing_the_end_gets_the_code_or_conflict,
                crate::ends::keys_are_generated_once as keys_are_generated_once,
            ]
        );
    };
}

every_law!(sqlite, crate::support::TestStore::sqlite());
every_law!(nats, crate::support::TestStore::at(testkit::nats::store_url()));
