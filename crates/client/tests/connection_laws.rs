//! Laws of a connection in any sequence of events of sockets, network, clock and user.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use client::backoff::{BASE_MS, Backoff, CAP_MS, bound};
use client::connection::{
    Action, CONNECT_TIMEOUT_MS, Connection, Ending, Input, LEAVE_TIMEOUT_MS, MAX_BAD_FRAME_RETRIES, PING_TIMEOUT_MS,
    Phase, SILENCE_TIMEOUT_MS, STALE_SOCKETS_MS,
};
use proptest::prelude::*;
use protocol::error::should_reconnect;
use protocol::{ClientFrame, CloseCode};

/// One step. Sockets are named by how many connections ago they were made, so that old ones report events too.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Opened(u32),
    Heard(u32),
    Welcomed(u32),
    Bye(u32, u16, Option<u64>),
    Closed(u32, u16),
    GapFound(u32),
    Wait(u64),
    Due,
    Online,
    Offline,
    Visible(bool),
    TryNow,
    Leave,
    Left,
}

fn code() -> impl Strategy<Value = u16> {
    prop_oneof![
        6 => prop::sample::select(vec![1001u16, 1006, 1011, 4001, 4004, 4005]),
        2 => prop::sample::select(vec![4500u16, 4510]),
        1 => prop::sample::select(vec![1000u16, 4501, 4502, 4504, 4508, 4509, 4777]),
    ]
}

fn ago() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0u32), 1 => 1u32..4]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Start),
        4 => ago().prop_map(Step::Opened),
        2 => ago().prop_map(Step::Heard),
        4 => ago().prop_map(Step::Welcomed),
        1 => (ago(), code(), prop::option::of(0u64..100_000)).prop_map(|(ago, code, retry)| Step::Bye(ago, code, retry)),
        2 => (ago(), code()).prop_map(|(ago, code)| Step::Closed(ago, code)),
        1 => ago().prop_map(Step::GapFound),
        3 => (0u64..60_000).prop_map(Step::Wait),
        5 => Just(Step::Due),
        1 => Just(Step::Online),
        1 => Just(Step::Offline),
        1 => any::<bool>().prop_map(Step::Visible),
        1 => Just(Step::TryNow),
        1 => prop::bool::weighted(0.1).prop_map(|leave| if leave { Step::Leave } else { Step::Due }),
        1 => prop::bool::weighted(0.1).prop_map(|left| if left { Step::Left } else { Step::Due }),
    ]
}

/// A connection, and a model of its sockets, its network and the user's wishes.
struct World {
    now: u64,
    connection: Connection,
    /// The socket that was opened and not closed.
    alive: Option<u32>,
    dials: u32,
    online: bool,
    visible: bool,
    stopped: bool,
    /// Time since which it has no connection, from the first attempt on.
    seeking: Option<u64>,
    /// Number of closes with 4500 before a welcome.
    bad_frames: u32,
    /// Time when the user asked to leave, or the network came back after that, or the leave form was last posted.
    leaving: Option<u64>,
}

impl World {
    fn new(entropy: u64) -> Self {
        let connection = Connection::new(entropy, false);
        Self {
            now: 1_000,
            connection,
            alive: None,
            dials: 0,
            online: true,
            visible: true,
            stopped: false,
            seeking: None,
            bad_frames: 0,
            leaving: None,
        }
    }

    fn input(&mut self, step: Step) -> Option<Input> {
        let connection_id = |ago: u32| self.dials.checked_sub(ago).filter(|connection_id| *connection_id > 0);
        Some(match step {
            Step::Start => Input::Start,
            Step::Opened(ago) => Input::Opened(connection_id(ago)?),
            Step::Heard(ago) => Input::Received(connection_id(ago)?),
            Step::Welcomed(ago) => Input::Welcomed(connection_id(ago)?),
            Step::Bye(ago, code, retry_ms) => Input::Bye { connection_id: connection_id(ago)?, code, retry_ms },
            Step::Closed(ago, code) => Input::Closed { connection_id: connection_id(ago)?, code },
            Step::GapFound(ago) => Input::GapFound(connection_id(ago)?),
            Step::Wait(ms) => {
                self.now += ms;
                Input::Tick
            }
            Step::Due => {
                self.now = self.connection.due().unwrap_or(self.now).max(self.now);
                Input::Tick
            }
            Step::Online => Input::Online,
            Step::Offline => Input::Offline,
            Step::Visible(visible) => Input::Visible(visible),
            Step::TryNow => Input::TryNow,
            Step::Leave => Input::Leave,
            Step::Left => Input::LeaveConfirmed,
        })
    }

    /// Performs the step and checks every law.
    fn live(&mut self, step: Step) -> Result<Vec<Action>, TestCaseError> {
        let Some(input) = self.input(step) else { return Ok(Vec::new()) };
        let before = self.connection.phase();
        match input {
            Input::Online | Input::TryNow => self.online = true,
            Input::Offline => self.online = false,
            Input::Visible(visible) => self.visible = visible,
            Input::Closed { connection_id, .. } if self.alive == Some(connection_id) => self.alive = None,
            Input::Leave if !self.stopped => drop(self.leaving.get_or_insert(self.now)),
            _ => {}
        }
        if matches!(input, Input::Online) {
            self.leaving = self.leaving.map(|_| self.now);
        }
        let counts = matches!(input, Input::Closed { connection_id, .. } | Input::Bye { connection_id, .. } if connection_id == self.dials)
            && matches!(before, Phase::Connecting | Phase::AwaitingWelcome | Phase::Live);
        let actions = self.connection.step(self.now, input);
        for action in &actions {
            match action {
                Action::Connect(connection_id) => {
                    prop_assert_eq!(self.alive, None, "two open sockets");
                    prop_assert_eq!(*connection_id, self.dials + 1, "connection ids are not consecutive");
                    prop_assert!(self.online, "connected while offline");
                    prop_assert!(!self.stopped, "connected after the end");
                    self.alive = Some(*connection_id);
                    self.dials = *connection_id;
                }
                Action::Disconnect(connection_id) => {
                    prop_assert_eq!(self.alive, Some(*connection_id), "disconnected a socket that is not open");
                    self.alive = None;
                }
                Action::SendHello | Action::Transmit(_) => {
                    prop_assert_eq!(self.alive, Some(self.dials), "sent without an open socket")
                }
                Action::PostLeave => {
                    prop_assert!(self.online && !self.stopped, "posted a leave form while offline or after the end");
                    prop_assert!(
                        self.leaving.is_some_and(|since| self.now >= since + LEAVE_TIMEOUT_MS),
                        "posted a leave form before its timeout"
                    );
                    self.leaving = Some(self.now);
                }
            }
        }
        if let (true, Input::Closed { code, .. } | Input::Bye { code, .. }) = (counts, input) {
            let ended = matches!(self.connection.phase(), Phase::Ended(_));
            prop_assert_eq!(ended, !self.should_reconnect(before, code), "close {}", code);
        }
        if matches!(input, Input::LeaveConfirmed) && self.leaving.is_some() && !self.stopped {
            prop_assert_eq!(self.connection.phase(), Phase::Ended(Ending::Left));
        }
        self.note();
        self.check(before, input)?;
        Ok(actions)
    }

    fn should_reconnect(&mut self, before: Phase, code: u16) -> bool {
        match code {
            4500 if before != Phase::Live => {
                self.bad_frames += 1;
                self.bad_frames <= MAX_BAD_FRAME_RETRIES
            }
            4510 => self.seeking.is_none_or(|since| self.now < since + STALE_SOCKETS_MS),
            _ => should_reconnect(code),
        }
    }

    fn note(&mut self) {
        match self.connection.phase() {
            Phase::Live => (self.seeking, self.bad_frames) = (None, 0),
            Phase::Ended(_) => self.stopped = true,
            Phase::Connecting | Phase::AwaitingWelcome | Phase::Backoff { .. } => {
                self.seeking.get_or_insert(self.now);
            }
            // Before the first attempt there is no connection to lose.
            Phase::Idle => {}
            Phase::Offline if self.dials == 0 => {}
            Phase::Offline => drop(self.seeking.get_or_insert(self.now)),
        }
    }

    fn check(&self, before: Phase, input: Input) -> Result<(), TestCaseError> {
        let phase = self.connection.phase();
        let has_socket = matches!(phase, Phase::Connecting | Phase::AwaitingWelcome | Phase::Live);
        prop_assert_eq!(has_socket, self.alive.is_some(), "phase and sockets disagree");
        if let Phase::Backoff { until } = phase {
            prop_assert!(self.online, "waiting for a timer while offline");
            prop_assert!(until <= self.now + CAP_MS, "a wait of {} ms", until - self.now);
        }
        if matches!(before, Phase::Backoff { .. } | Phase::Offline)
            && matches!(input, Input::TryNow | Input::Online | Input::Visible(true))
        {
            prop_assert_eq!(
                phase,
                if self.online { Phase::Connecting } else { Phase::Offline },
                "not reconnecting at once"
            );
        }
        // In every phase in which time alone can help, a timer is set.
        if has_socket && (self.visible || phase != Phase::Live) || matches!(phase, Phase::Backoff { .. }) {
            prop_assert!(self.connection.due().is_some(), "no timer in {phase:?}");
        }
        if let Some(since) = self.leaving.filter(|_| self.online && !self.stopped && phase != Phase::Idle) {
            prop_assert!(
                self.connection.due().is_some_and(|due| due <= since + LEAVE_TIMEOUT_MS),
                "no timer for the leave form"
            );
        }
        if let Phase::Ended(_) = before {
            prop_assert_eq!(phase, before);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_sequence_of_events_keeps_the_laws(entropy: u64, steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new(entropy);
        world.live(Step::Start)?;
        for step in steps {
            world.live(step)?;
        }
        // Once all faults are over, the connection is live after a bounded time, or has ended for good.
        world.live(Step::Visible(true))?;
        world.live(Step::Online)?;
        for step in [Step::Due, Step::Due, Step::Opened(0), Step::Welcomed(0)] {
            if world.connection.phase() != Phase::Live {
                world.live(step)?;
            }
        }
        prop_assert!(
            matches!(world.connection.phase(), Phase::Live | Phase::Ended(_)) || world.connection.due().is_some(),
            "stuck in {:?}", world.connection.phase()
        );
    }

    #[test]
    fn backoff_is_random_from_zero_to_a_doubling_bound(entropy: u64, failures in 0u32..200) {
        let mut backoff = Backoff::new(entropy);
        for failure in 0..failures {
            prop_assert!(backoff.next_delay() <= bound(failure));
            prop_assert!(bound(failure) <= CAP_MS);
        }
        backoff.reset();
        prop_assert!(backoff.next_delay() <= BASE_MS);
    }
}

#[test]
fn backoff_uses_the_whole_range() {
    let mut backoff = Backoff::new(1);
    let draws: Vec<u64> = (0..1_000).map(|_| backoff.random_up_to(9)).collect();
    assert!((0..=9).all(|wait| draws.iter().filter(|draw| **draw == wait).count() > 50));
}

/// A world that is live on connection 1 at 1 000 ms.
fn live() -> World {
    let mut world = World::new(7);
    for step in [Step::Start, Step::Opened(0), Step::Welcomed(0)] {
        world.live(step).unwrap();
    }
    assert_eq!(world.connection.phase(), Phase::Live);
    world
}

#[test]
fn hello_is_sent_once_per_socket_when_it_opens() {
    let mut world = World::new(7);
    assert_eq!(world.live(Step::Start).unwrap(), [Action::Connect(1)]);
    assert_eq!(world.live(Step::Opened(0)).unwrap(), [Action::SendHello]);
    assert_eq!(world.live(Step::Opened(0)).unwrap(), []);
}

#[test]
fn silent_socket_is_given_up_only_while_visible() {
    let mut world = live();
    world.now += SILENCE_TIMEOUT_MS - 1;
    world.live(Step::Heard(0)).unwrap();
    world.live(Step::Wait(SILENCE_TIMEOUT_MS - 1)).unwrap();
    assert_eq!(world.connection.phase(), Phase::Live);
    assert_eq!(world.live(Step::Wait(1)).unwrap(), [Action::Disconnect(1)]);
    assert_eq!(world.live(Step::Due).unwrap(), [Action::Connect(2)]);

    let mut world = live();
    world.live(Step::Visible(false)).unwrap();
    assert_eq!(world.live(Step::Wait(10 * SILENCE_TIMEOUT_MS)).unwrap(), []);
    assert_eq!(world.live(Step::Visible(true)).unwrap(), [Action::Disconnect(1), Action::Connect(2)]);
}

#[test]
fn page_that_becomes_visible_pings_its_socket() {
    let mut world = live();
    world.live(Step::Visible(false)).unwrap();
    world.live(Step::Wait(20_000)).unwrap();
    let ping = Action::Transmit(ClientFrame::Ping { n: 1 });
    assert_eq!(world.live(Step::Visible(true)).unwrap(), [ping]);
    assert_eq!(world.live(Step::Visible(true)).unwrap(), [], "a second ping while the first is unanswered");
    assert_eq!(world.live(Step::Wait(PING_TIMEOUT_MS)).unwrap(), [Action::Disconnect(1)]);
}

#[test]
fn socket_that_does_not_open_is_given_up() {
    let mut world = World::new(7);
    world.live(Step::Start).unwrap();
    assert_eq!(world.live(Step::Wait(CONNECT_TIMEOUT_MS)).unwrap(), [Action::Disconnect(1)]);
    assert!(matches!(world.connection.phase(), Phase::Backoff { .. }));
}

#[test]
fn code_of_bye_counts_and_the_close_after_it_is_ignored() {
    let mut world = live();
    world.live(Step::Bye(0, CloseCode::RoomEnded.number(), None)).unwrap();
    world.live(Step::Closed(0, 1006)).unwrap();
    assert_eq!(world.connection.phase(), Phase::Ended(Ending::RoomEnded));
}

#[test]
fn retry_ms_of_bye_delays_the_reconnect() {
    let mut waits = Vec::new();
    for entropy in 0..50 {
        let mut world = World::new(entropy);
        for step in [Step::Start, Step::Opened(0), Step::Welcomed(0), Step::Bye(0, 1001, Some(4_000))] {
            world.live(step).unwrap();
        }
        let Phase::Backoff { until } = world.connection.phase() else { panic!("{:?}", world.connection.phase()) };
        waits.push(until - world.now);
    }
    assert!(waits.iter().all(|wait| (4_000..=8_000).contains(wait)), "{waits:?}");
    assert!(waits.iter().max().unwrap() - waits.iter().min().unwrap() > 2_000, "a restart must spread its clients");

    let mut world = live();
    world.live(Step::Bye(0, CloseCode::StoreUnavailable.number(), Some(9_000))).unwrap();
    assert_eq!(world.connection.phase(), Phase::Backoff { until: world.now + 9_000 });
}

#[test]
fn server_that_welcomes_and_drops_is_retried_ever_slower() {
    let mut world = World::new(7);
    world.live(Step::Start).unwrap();
    let start = world.now;
    for _ in 0..50 {
        for step in [Step::Opened(0), Step::Welcomed(0), Step::Closed(0, 1006), Step::Due] {
            world.live(step).unwrap();
        }
    }
    assert!(world.now - start > 50 * CAP_MS / 4, "50 dials in {} ms", world.now - start);
}

#[test]
fn close_code_selects_the_ending() {
    let ends = |code: CloseCode, leave: bool, first: bool| {
        let mut world = if first { World::new(7) } else { live() };
        if first {
            world.live(Step::Start).unwrap();
            world.live(Step::Opened(0)).unwrap();
        }
        if leave {
            world.live(Step::Leave).unwrap();
        }
        world.live(Step::Closed(0, code.number())).unwrap();
        world.connection.phase()
    };
    for (code, ending) in [
        (CloseCode::Left, Ending::Left),
        (CloseCode::RoomEnded, Ending::RoomEnded),
        (CloseCode::NoSuchRoom, Ending::RoomEnded),
        (CloseCode::NoSeat, Ending::NoSeat),
        (CloseCode::Version, Ending::Version),
        (CloseCode::Removed, Ending::Removed),
        (CloseCode::BadFrame, Ending::Protocol),
        (CloseCode::TooLarge, Ending::Protocol),
    ] {
        assert_eq!(ends(code, false, false), Phase::Ended(ending), "{code:?}");
    }
    assert_eq!(ends(CloseCode::NoSuchRoom, false, true), Phase::Ended(Ending::NoSuchRoom));
    for code in [CloseCode::RoomEnded, CloseCode::Removed] {
        assert_eq!(ends(code, true, false), Phase::Ended(Ending::Left));
    }
}

/// A world whose page was served, is on its first connection, and was never live.
fn first() -> World {
    let mut world = World::new(7);
    world.live(Step::Start).unwrap();
    world
}

/// Lets the newest socket open and be closed with this code, and waits until it is time to reconnect.
fn refuse(world: &mut World, code: CloseCode) {
    for step in [Step::Opened(0), Step::Closed(0, code.number())] {
        world.live(step).unwrap();
    }
    if let Phase::Backoff { until } = world.connection.phase() {
        world.live(Step::Wait(until - world.now)).unwrap();
    }
}

#[test]
fn close_4500_before_welcome_is_retried_three_times() {
    let mut world = first();
    for attempt in 0..MAX_BAD_FRAME_RETRIES {
        refuse(&mut world, CloseCode::BadFrame);
        assert_eq!(world.connection.phase(), Phase::Connecting);
        // The first one may be a socket that was opened too long before the program came: nothing is lost.
        assert_eq!(world.connection.lost_since().is_some(), attempt > 0);
    }
    refuse(&mut world, CloseCode::BadFrame);
    assert_eq!(world.connection.phase(), Phase::Ended(Ending::Protocol));

    // A welcome shows that the server understands this client, and resets the count.
    let mut world = first();
    for _ in 0..3 * MAX_BAD_FRAME_RETRIES {
        refuse(&mut world, CloseCode::BadFrame);
        world.live(Step::Opened(0)).unwrap();
        world.live(Step::Welcomed(0)).unwrap();
        world.live(Step::Closed(0, 1006)).unwrap();
        world.live(Step::Due).unwrap();
    }
    assert_eq!(world.connection.phase(), Phase::Connecting);

    // Other failures in between do not reset it.
    let mut world = first();
    for _ in 0..=MAX_BAD_FRAME_RETRIES {
        refuse(&mut world, CloseCode::StoreUnavailable);
        refuse(&mut world, CloseCode::BadFrame);
    }
    assert_eq!(world.connection.phase(), Phase::Ended(Ending::Protocol));
}

#[test]
fn too_many_tabs_is_retried_while_stale_sockets_may_count() {
    let mut world = live();
    world.live(Step::Offline).unwrap();
    let lost = world.now;
    world.live(Step::Online).unwrap();
    while world.now < lost + STALE_SOCKETS_MS - CAP_MS {
        refuse(&mut world, CloseCode::TooManyTabs);
        assert_eq!(world.connection.lost_since(), Some(lost));
        assert_eq!(world.connection.phase(), Phase::Connecting);
    }
    world.now = lost + STALE_SOCKETS_MS;
    refuse(&mut world, CloseCode::TooManyTabs);
    assert_eq!(world.connection.phase(), Phase::Ended(Ending::TooManyTabs));

    let mut world = live();
    world.now += 10 * STALE_SOCKETS_MS;
    refuse(&mut world, CloseCode::TooManyTabs);
    assert_eq!(
        world.connection.phase(),
        Phase::Connecting,
        "the time counts from the loss, not from the first connection"
    );
}

#[test]
fn too_many_tabs_is_retried_silently_on_a_page_never_live() {
    let mut world = first();
    let start = world.now;
    refuse(&mut world, CloseCode::TooManyTabs);
    assert_eq!((world.connection.phase(), world.connection.lost_since()), (Phase::Connecting, None));
    world.now = start + STALE_SOCKETS_MS;
    refuse(&mut world, CloseCode::TooManyTabs);
    assert_eq!(world.connection.phase(), Phase::Ended(Ending::TooManyTabs));
}

#[test]
fn failed_attempts_are_reset_by_success_or_a_new_network() {
    let mut world = live();
    world.live(Step::Closed(0, 1006)).unwrap();
    assert_eq!(world.connection.failed_attempts(), 0, "losing a connection is not a failed attempt");
    for failed in 1..4 {
        world.live(Step::Due).unwrap();
        world.live(Step::Closed(0, 1006)).unwrap();
        assert_eq!(world.connection.failed_attempts(), failed);
    }
    world.live(Step::Due).unwrap();
    world.live(Step::Offline).unwrap();
    assert_eq!(world.connection.failed_attempts(), 3, "an attempt that is cut off by `Offline` does not count");
    world.live(Step::Online).unwrap();
    assert_eq!(world.connection.failed_attempts(), 0);
    world.live(Step::Closed(0, 1006)).unwrap();
    assert_eq!(world.connection.failed_attempts(), 1);
    for step in [Step::Due, Step::Opened(0), Step::Welcomed(0)] {
        world.live(step).unwrap();
    }
    assert_eq!(world.connection.failed_attempts(), 0);
}

#[test]
fn leave_is_sent_again_on_the_next_connection() {
    let mut world = live();
    let leave = Action::Transmit(ClientFrame::Leave);
    assert_eq!(world.live(Step::Leave).unwrap(), std::slice::from_ref(&leave));
    world.live(Step::Closed(0, 1006)).unwrap();
    world.live(Step::Due).unwrap();
    world.live(Step::Opened(0)).unwrap();
    assert_eq!(world.live(Step::Welcomed(0)).unwrap(), [leave]);
}

#[test]
fn leave_is_posted_by_form_when_no_socket_answers() {
    // A socket that hangs, and one that is open and answers nothing.
    for mut world in [first(), live()] {
        world.live(Step::Leave).unwrap();
        assert_eq!(world.live(Step::Wait(LEAVE_TIMEOUT_MS - 1)).unwrap(), []);
        assert_eq!(world.live(Step::Wait(1)).unwrap(), [Action::PostLeave]);
        assert_eq!(world.live(Step::Wait(1)).unwrap(), [], "one form at a time");
        assert_eq!(world.live(Step::Wait(LEAVE_TIMEOUT_MS - 2)).unwrap(), []);
        world.live(Step::Left).unwrap();
        assert_eq!(world.connection.phase(), Phase::Ended(Ending::Left));
        assert_eq!(world.connection.due(), None);
    }

    let mut world = live();
    world.live(Step::Offline).unwrap();
    world.live(Step::Leave).unwrap();
    assert_eq!(world.connection.due(), None, "a form that is posted offline leads to the browser's error page");
    world.live(Step::Wait(60_000)).unwrap();
    world.live(Step::Online).unwrap();
    assert_eq!(world.connection.due(), Some(world.now + LEAVE_TIMEOUT_MS));
    assert_eq!(world.live(Step::Wait(LEAVE_TIMEOUT_MS)).unwrap(), [Action::PostLeave]);

    let mut world = live();
    world.live(Step::Left).unwrap();
    assert_eq!(world.connection.phase(), Phase::Live, "the user did not ask to leave");
}
