//! Limits per network address and in all, of this node. None is on the way of a message: they are asked for each request
//! and each new connection.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{Extensions, HeaderMap};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::client_address::{ClientAddresses, Network};
use crate::hub::Hub;

/// Maximum number of networks that a limiter keeps apart. Further ones share one bucket.
pub const MAX_NETWORKS: usize = 100_000;
/// Bytes that a limiter keeps for a network: key, state, and the free places of a hash table.
const NETWORK_BYTES: u64 = 56;
/// Number of limiters, each of which keeps up to [`MAX_NETWORKS`].
const LIMITERS: u64 = 4;
/// Bytes of an idle connection with its member and its part of a room, the dearest that was measured (SCALING.md).
const IDLE_SOCKET_BYTES: u64 = 29 * 1024;
/// Bytes of a connection that writes the largest frame while it reads the longest message (`framed_socket`).
const BUSY_SOCKET_BYTES: u64 = IDLE_SOCKET_BYTES + (1024 + 128) * 1024;
/// Bytes of a room whose replay buffer is full, each text twice (`hub::replay_buffer`).
const ROOM_BYTES: u64 = 2 * 256 * 1024;
/// Wait that is told where an address or this node has no place for a socket, a room or a member: somebody may have left by then.
pub const RETRY: Duration = Duration::from_secs(30);

/// Number of tries at once, and then per minute. Written `60,10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Tries at once, for who has made none before.
    pub at_once: NonZeroU32,
    /// Tries per minute from then on.
    pub per_minute: NonZeroU32,
}

impl FromStr for Allowance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MAX: u32 = 1_000_000;
        let number = |text: &str| text.trim().parse().ok().filter(|number: &NonZeroU32| number.get() <= MAX);
        let read = text.split_once(',').and_then(|(at_once, per_minute)| {
            Some(Self { at_once: number(at_once)?, per_minute: number(per_minute)? })
        });
        read.ok_or("two numbers from 1 to 1000000: at once, and then per minute, such as 60,10")
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.at_once, self.per_minute)
    }
}

/// Settings of the limits per address and in all.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Proxies in front of the server that add the address of their peer.
    pub trusted_proxies: usize,
    /// Tries of a room's code by who has no seat there.
    pub wrong_codes: Allowance,
    /// Rooms made.
    pub new_rooms: Allowance,
    /// Seats taken.
    pub joins: Allowance,
    /// Forms and calls.
    pub forms: Allowance,
    /// Open sockets of one address.
    pub sockets_per_address: u32,
    /// Open sockets.
    pub sockets: u32,
    /// Rooms with a connection, above which no room is made.
    pub rooms: u32,
    /// Connected members, above which no seat is taken.
    pub members: u32,
    /// Bytes of refused forms that are kept.
    pub refused_forms: u64,
}

impl Settings {
    /// Returns the bytes that connections, rooms, refused forms and these limits take when every limit is reached: while
    /// all is quiet, and while every connection reads and writes the most there is and every room is full.
    #[must_use]
    pub fn memory(&self) -> (u64, u64) {
        let kept = self.refused_forms + LIMITERS * MAX_NETWORKS as u64 * NETWORK_BYTES;
        let (sockets, rooms) = (u64::from(self.sockets), u64::from(self.rooms));
        (kept + sockets * IDLE_SOCKET_BYTES, kept + sockets * BUSY_SOCKET_BYTES + rooms * ROOM_BYTES)
    }
}

/// Limits per network address, and those of the whole node.
pub struct AddressLimits {
    clients: ClientAddresses,
    /// Tries of a room's code by who has no seat there, on every road.
    pub codes: Limiter,
    rooms: Limiter,
    joins: Limiter,
    /// Forms and calls.
    pub forms: Limiter,
    sockets: Arc<Sockets>,
    max_rooms: usize,
    max_members: usize,
}

impl AddressLimits {
    /// Creates limits of which nothing is used.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            clients: ClientAddresses::new(settings.trusted_proxies),
            codes: Limiter::new(settings.wrong_codes, DefaultClock::default()),
            rooms: Limiter::new(settings.new_rooms, DefaultClock::default()),
            joins: Limiter::new(settings.joins, DefaultClock::default()),
            forms: Limiter::new(settings.forms, DefaultClock::default()),
            sockets: Arc::new(Sockets {
                per_network: settings.sockets_per_address,
                all: settings.sockets,
                open: Mutex::default(),
            }),
            max_rooms: settings.rooms as usize,
            max_members: settings.members as usize,
        }
    }

    /// Returns the network of a request; `None` where limits per address are off.
    pub fn network(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Network> {
        self.clients.network(extensions, headers)
    }

    /// Takes a token for a new room and its first seat. `hub` has the rooms with a connection on this node.
    ///
    /// # Errors
    /// Returns the time after which there may be one.
    pub fn take_room(&self, network: Option<Network>, hub: &Hub) -> Result<(), Duration> {
        if hub.rooms() >= self.max_rooms || hub.members() >= self.max_members {
            return Err(RETRY);
        }
        self.rooms.take(network)
    }

    /// Takes a token for a seat in a room that is there. `hub` has the members connected to this node: a seat counts once its
    /// page is connected.
    ///
    /// # Errors
    /// Returns the time after which there may be one.
    pub fn take_seat(&self, network: Option<Network>, hub: &Hub) -> Result<(), Duration> {
        if hub.members() >= self.max_members { Err(RETRY) } else { self.joins.take(network) }
    }

    /// Takes the place of an open socket until it is dropped. The upper half of a network's places is for members: sockets
    /// of strangers that say nothing do not keep them from coming back.
    ///
    /// # Errors
    /// Says of what there are too many.
    pub fn take_socket(&self, network: Option<Network>, has_seat: bool) -> Result<SocketPlace, NoPlace> {
        let mut open = self.sockets.open();
        if open.all >= self.sockets.all {
            return Err(NoPlace::Node);
        }
        if let Some(network) = network {
            let of_network = open.of.entry(network).or_default();
            let most = self.sockets.per_network;
            if *of_network >= if has_seat { most } else { most.div_ceil(2) } {
                return Err(NoPlace::Network);
            }
            *of_network += 1;
        }
        open.all += 1;
        Ok(SocketPlace { sockets: self.sockets.clone(), network })
    }

    /// Forgets the networks that have all of their tokens again.
    pub fn evict_full(&self) {
        for limiter in [&self.codes, &self.rooms, &self.joins, &self.forms] {
            limiter.evict_full();
        }
    }
}

/// Reason why no further socket is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// The network has as many open as it may.
    Network,
    /// The node has as many open as it may.
    Node,
}

struct Sockets {
    per_network: u32,
    all: u32,
    open: Mutex<OpenSockets>,
}

#[derive(Default)]
struct OpenSockets {
    all: u32,
    /// At most as many as sockets are open.
    of: HashMap<Network, u32>,
}

impl Sockets {
    fn open(&self) -> MutexGuard<'_, OpenSockets> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Place of an open socket, given back when it is dropped.
pub struct SocketPlace {
    sockets: Arc<Sockets>,
    /// Network that it counts for.
    pub network: Option<Network>,
}

impl Drop for SocketPlace {
    fn drop(&mut self) {
        let mut open = self.sockets.open();
        open.all -= 1;
        let Some(network) = self.network else { return };
        if let Some(of_network) = open.of.get_mut(&network) {
            *of_network -= 1;
            if *of_network == 0 {
                open.of.remove(&network);
            }
        }
    }
}

/// Token bucket per network.
pub struct Limiter<C: Clock = DefaultClock> {
    limiter: RateLimiter<Network, Buckets, C, NoOpMiddleware<C::Instant>>,
    /// The same buckets, for those who leave half of the tokens to others. With half the burst a try has to come as much
    /// later as half a bucket takes to fill.
    spare: RateLimiter<Network, Buckets, C, NoOpMiddleware<C::Instant>>,
    buckets: Buckets,
    at_once: NonZeroU32,
    /// Time in which one token is added.
    interval: Duration,
}

impl<C: Clock + Clone> Limiter<C> {
    /// Creates full buckets.
    #[must_use]
    pub fn new(allowance: Allowance, clock: C) -> Self {
        let Allowance { at_once, per_minute } = allowance;
        let quota = Quota::per_minute(per_minute).allow_burst(at_once);
        let buckets = Buckets::default();
        let interval = quota.replenish_interval();
        let half = quota.allow_burst(at_once.midpoint(NonZeroU32::MIN));
        let spare = RateLimiter::new(half, buckets.clone(), clock.clone());
        Self { limiter: RateLimiter::new(quota, buckets.clone(), clock), spare, buckets, at_once, interval }
    }

    /// Takes one token. Takes none where limits per address are off.
    ///
    /// # Errors
    /// Returns the time after which there is one.
    pub fn take(&self, network: Option<Network>) -> Result<(), Duration> {
        self.take_many(network, 1)
    }

    /// Takes one token if more than half of a full bucket is left.
    ///
    /// # Errors
    /// Returns the time after which there is.
    pub fn take_spare(&self, network: Option<Network>) -> Result<(), Duration> {
        let Some(network) = network else { return Ok(()) };
        let taken = self.spare.check_key(&network);
        taken.map_err(|until| until.wait_time_from(self.spare.clock().now()))
    }

    /// Takes several tokens at once, at most a full bucket.
    ///
    /// # Errors
    /// Returns the time after which there are as many, if nobody takes any meanwhile. None are taken then.
    pub fn take_many(&self, network: Option<Network>, tokens: u32) -> Result<(), Duration> {
        let (Some(network), Some(tokens)) = (network, NonZeroU32::new(tokens)) else { return Ok(()) };
        match self.limiter.check_key_n(&network, tokens.min(self.at_once)) {
            Ok(taken) => taken.map_err(|until| until.wait_time_from(self.limiter.clock().now())),
            // Only for more tokens than a bucket holds, which the line above excludes.
            Err(_) => Ok(()),
        }
    }

    /// Gives back a token that was taken.
    pub fn give_back(&self, network: Option<Network>) {
        if let Some(network) = network {
            self.buckets.give_back(network, self.interval);
        }
    }

    fn evict_full(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// State of a limiter: the theoretical arrival time of each network's next try, as governor computes it. governor's own
/// stores have no bound, and give no token back.
#[derive(Clone, Default)]
struct Buckets(Arc<Mutex<Arrivals>>);

#[derive(Default)]
struct Arrivals {
    known: HashMap<Network, Nanos>,
    /// Of all networks beyond [`MAX_NETWORKS`].
    others: Option<Nanos>,
}

impl Buckets {
    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, network: Network, interval: Duration) {
        let mut arrivals = self.arrivals();
        let Arrivals { known, others } = &mut *arrivals;
        if let Some(arrival) = known.get_mut(&network).or(others.as_mut()) {
            *arrival = Nanos::new(arrival.as_u64().saturating_sub(Nanos::from(interval).as_u64()));
        }
    }
}

impl StateStore for Buckets {
    type Key = Network;

    fn measure_and_replace<T, F, E>(&self, network: &Network, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut arrivals = self.arrivals();
        let known = arrivals.known.get(network).copied();
        let is_kept = known.is_some() || arrivals.known.len() < MAX_NETWORKS;
        let (answer, arrival) = decide(if is_kept { known } else { arrivals.others })?;
        if is_kept {
            arrivals.known.insert(*network, arrival);
        } else {
            arrivals.others = Some(arrival);
        }
        Ok(answer)
    }
}

impl ShrinkableKeyedStateStore<Network> for Buckets {
    fn retain_recent(&self, drop_below: Nanos) {
        self.arrivals().known.retain(|_, arrival| *arrival > drop_below);
    }

    fn shrink_to_fit(&self) {
        self.arrivals().known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.arrivals().known.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::config::Config;

    fn settings(flags: &[&str]) -> Settings {
        Config::parse_from(["flasky"].iter().chain(flags)).address_limits()
    }

    fn network(n: u32) -> Option<Network> {
        Some(Network::V4(n))
    }

    #[test]
    fn brute_force_has_60_tries_and_then_ten_a_minute() {
        let clock = FakeRelativeClock::default();
        let codes = Limiter::new(settings(&[]).wrong_codes, clock.clone());
        let tries = |seconds: u64| {
            let mut allowed = 0;
            for _ in 0..seconds * 10 {
                allowed += usize::from(codes.take(network(1)).is_ok());
                clock.advance(Duration::from_millis(100));
            }
            allowed
        };
        assert_eq!(tries(60), 60 + 9, "in the first minute; the tenth comes at its end");
        assert_eq!(tries(600), 100, "in the ten minutes after it");
        assert!(codes.take(network(2)).is_ok(), "another address has its own");
    }

    #[test]
    fn wait_is_the_time_until_the_next_token() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::new("2,10".parse().unwrap(), clock.clone());
        assert_eq!([(); 3].map(|()| limiter.take(network(1)).err()), [None, None, Some(Duration::from_secs(6))]);
        clock.advance(Duration::from_secs(5));
        assert_eq!(limiter.take(network(1)), Err(Duration::from_secs(1)));
        assert_eq!(limiter.take_many(network(1), 2), Err(Duration::from_secs(7)));
        clock.advance(Duration::from_secs(1));
        assert_eq!(limiter.take(network(1)), Ok(()));
        limiter.give_back(network(1));
        assert_eq!(limiter.take(network(1)), Ok(()), "the token that was given back");
        assert!(limiter.take(network(1)).is_err());
        assert_eq!(limiter.take(None), Ok(()), "no address, no limit");
    }

    #[test]
    fn spare_tokens_are_those_above_half_of_a_bucket() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::new("6,10".parse().unwrap(), clock.clone());
        let spare = || limiter.take_spare(network(1));
        assert_eq!([(); 4].map(|()| spare().err()), [None, None, None, Some(Duration::from_secs(6))]);
        assert_eq!([(); 4].map(|()| limiter.take(network(1)).is_ok()), [true, true, true, false]);
        assert_eq!(spare(), Err(Duration::from_secs(24)), "four tokens later there are more than half");
        clock.advance(Duration::from_secs(24));
        assert_eq!(spare(), Ok(()));
        assert_eq!([(); 4].map(|()| limiter.take(network(1)).is_ok()), [true, true, true, false]);
    }

    #[test]
    fn networks_beyond_100_000_share_a_bucket_until_others_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::new("2,10".parse().unwrap(), clock.clone());
        for n in 0..MAX_NETWORKS as u32 {
            assert!(limiter.take(network(n)).is_ok());
        }
        let beyond = |n: u32| network(MAX_NETWORKS as u32 + n);
        assert_eq!(
            [0, 1, 2].map(|n| limiter.take(beyond(n)).is_ok()),
            [true, true, false],
            "two tokens for all of them"
        );
        assert!(limiter.take(network(7)).is_ok(), "a known one has its own");
        assert_eq!(limiter.limiter.len(), MAX_NETWORKS);
        clock.advance(Duration::from_secs(60));
        limiter.evict_full();
        assert_eq!(limiter.limiter.len(), 0);
        assert!(limiter.take(beyond(2)).is_ok() && limiter.take(beyond(3)).is_ok() && limiter.take(beyond(4)).is_ok());
    }

    #[test]
    fn sockets_are_limited_per_address_and_in_all() {
        let limits = AddressLimits::new(&settings(&["--sockets-per-address=2", "--sockets=4"]));
        let mut open = vec![limits.take_socket(network(1), false).ok().unwrap()];
        assert_eq!(limits.take_socket(network(1), false).err(), Some(NoPlace::Network), "half of them without a seat");
        open.extend([1, 2].map(|n| limits.take_socket(network(n), true).ok().unwrap()));
        assert_eq!(limits.take_socket(network(1), true).err(), Some(NoPlace::Network));
        open.push(limits.take_socket(None, false).ok().unwrap());
        assert_eq!(limits.take_socket(network(3), true).err(), Some(NoPlace::Node));
        drop(open);
        let open = limits.sockets.open();
        assert_eq!((open.all, open.of.len()), (0, 0));
    }

    #[test]
    fn worst_memory_grows_with_every_setting() {
        let worst = |flags: &[&str]| settings(flags).memory().1;
        for flag in ["--sockets=50001", "--rooms=20001", "--refused-forms=33554433"] {
            assert!(worst(&[flag]) > worst(&[]), "{flag}");
        }
        let (idle, worst) = settings(&[]).memory();
        assert!(idle < worst && idle < 3 << 30, "{idle} bytes, more than the unit's MemoryMax");
    }

    #[test]
    fn allowance_is_two_numbers() {
        let allowance: Allowance = "60, 10".parse().unwrap();
        assert_eq!((allowance.at_once.get(), allowance.per_minute.get(), &*allowance.to_string()), (60, 10, "60,10"));
        for wrong in ["", "60", "60,", "0,10", "60,0", "-1,10", "60,10,1", "60,1000001", "60;10"] {
            assert!(wrong.parse::<Allowance>().is_err(), "{wrong}");
        }
    }
}
