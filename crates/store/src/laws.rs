//! The laws of a store as a test suite that any store runs.
//!
//! A store's crate implements [`Fixture`] for its tests and calls [`laws!`](crate::laws!) once, which declares a test
//! for each law. Tokio's clock is paused: leases and time limits run out because a test advances it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test suite fails by panicking")]

use std::sync::Arc;

use protocol::Limits;

use crate::Store;

pub mod codes;
pub mod crash;
pub mod ends;
pub mod host;
pub mod log;
pub mod names;
pub mod plan;
pub mod presence;
pub mod seats;
pub mod support;
pub mod vanish;
pub mod words;

/// A store that the laws open, close, and open again.
pub trait Fixture: Sized + Sync {
    /// Prepares an address at which nothing is stored.
    fn new() -> Self;

    /// Address of the store, from which another process can open it too.
    fn address(&self) -> &str;

    /// Opens the store at this address, and creates it if nothing is stored there.
    fn open_at(address: &str, limits: &Limits) -> impl Future<Output = Arc<dyn Store>>;

    /// Names everything stored that belongs to a room: rows, messages, keys.
    fn remains(&self) -> impl Future<Output = Vec<String>>;

    /// Opens the store with these limits.
    fn open_with(&self, limits: &Limits) -> impl Future<Output = Arc<dyn Store>> {
        Self::open_at(self.address(), limits)
    }

    /// Opens the store with the default limits.
    fn open(&self) -> impl Future<Output = Arc<dyn Store>> {
        async { self.open_with(&Limits::default()).await }
    }
}

/// Declares a test for each law, with the stores that a [`Fixture`] opens. To be called at the root of a test binary,
/// because law 4 finds there the test that it runs in a child process.
#[macro_export]
macro_rules! laws {
    ($fixture:ty) => {
        $crate::laws! { $fixture:
            log::law_01_seq_increases_and_readers_see_one_order,
            log::law_02_duplicate_append_returns_the_first_event,
            log::law_02_duplicate_of_a_trimmed_event_returns_its_seq,
            log::law_02_newest_ids_are_known_and_older_ones_are_refused,
            log::law_02_ids_forgotten_in_the_future_refuse_no_message,
            log::law_03_subscription_delivers_every_later_event,
            log::law_03_slow_subscription_is_closed_and_never_skips,
            log::law_04_acknowledged_event_is_readable_at_once,
            crash::law_04_acknowledged_event_survives_sigkill,
            log::law_04_acknowledged_event_survives_reopening,
            log::law_05_pages_are_ordered_and_bounded,
            log::law_05_message_is_readable_by_its_id,
            log::law_05_retention_trims_only_the_log,
            log::law_05_snapshot_has_room_and_page_of_one_moment,
            log::law_05_names_are_known_while_the_log_mentions_them,
            log::law_05_page_has_the_name_of_everyone_whom_it_mentions,
            log::law_05_out_of_range_seq_is_clamped_or_reset,
            log::law_06_read_after_a_position_resumes_or_resets,
            ends::law_06_recreated_room_resets_old_positions,
            seats::law_07_room_of_50_admits_50_of_51_concurrent_joins,
            seats::law_07_join_racing_the_end_gets_a_seat_or_not_found,
            seats::law_07_append_without_a_seat_is_refused,
            seats::law_08_lease_keeps_a_seat_until_it_runs_out,
            seats::law_08_left_vanished_is_refused_while_a_lease_holds,
            seats::law_08_restart_gives_every_seat_a_grace_period,
            ends::law_08_room_that_nobody_joined_ends_after_its_arrival_time,
            presence::law_09_presence_update_reaches_subscribers_and_is_not_stored,
            presence::law_09_presence_updates_cost_a_slow_subscriber_no_event,
            ends::law_10_ended_room_leaves_nothing_behind,
            ends::law_11_every_operation_fails_after_close,
            ends::law_11_appends_finish_or_fail_on_close,
            words::law_12_old_text_is_never_returned,
            words::law_12_acknowledged_edit_is_readable_at_once,
            words::law_12_only_the_author_edits_or_deletes_a_message,
            words::law_12_byte_limit_counts_the_current_text,
            codes::law_13_code_leads_to_its_room_until_it_ends,
            codes::law_13_one_of_concurrent_creations_gets_the_code,
            codes::law_13_creation_racing_the_end_gets_the_code_or_is_refused,
            names::law_14_concurrent_joins_under_one_name_get_different_numbers_and_hues,
            names::law_14_shown_name_is_unlike_all_others_after_joins_and_renames,
            names::law_15_host_names_the_room_and_nobody_else_does,
            names::law_15_longest_present_member_becomes_the_host_with_the_hosts_left,
            host::law_10_room_ended_by_its_host_leaves_nothing_behind,
            host::law_13_renewed_code_leads_to_the_room_and_the_old_one_stays_taken,
            host::law_16_locked_room_takes_nobody_in_and_keeps_its_members,
            host::law_16_removed_member_gets_no_seat_again,
            host::law_16_host_hands_over_and_the_new_host_decides,
            host::law_16_only_the_host_writes_where_that_is_set,
            host::law_16_capacity_is_never_below_the_number_of_members,
            host::law_16_concurrent_host_actions_are_each_decided_against_one_host,
            ends::keys_are_generated_once,
        }
    };
    ($fixture:ty: $($module:ident::$law:ident,)+) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $law() {
                $crate::laws::$module::$law(&<$fixture as $crate::laws::Fixture>::new()).await;
            }
        )+

        #[test]
        fn any_plan_matches_the_model() {
            $crate::laws::plan::any_plan_matches_the_model::<$fixture>();
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "started by law_04_acknowledged_event_survives_sigkill"]
        async fn process_that_is_killed() {
            $crate::laws::crash::append_until_killed::<$fixture>().await;
        }
    };
}
