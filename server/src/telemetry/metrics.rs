//! Metrics, for Prometheus. Labels come from closed sets, so the number of series is bounded.

use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, prometheus_text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use protocol::{CloseCode, Code, codec};
use store::measured::Record;

use super::{log, panics};

/// Bounds of the histograms' buckets in seconds: from the time of a local commit to one that no user waits for.
const BUCKETS: [f64; 13] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

type Labels<V> = [(&'static str, V); 1];
type Counters<V> = Family<Labels<V>, Counter>;

/// Metrics of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    rooms: Gauge,
    members: Gauge,
    sockets: Gauge,
    connections: Counter,
    frames: Counter,
    appends: Counters<&'static str>,
    deliveries: Counter,
    fan_out: Histogram,
    overflows: Counters<&'static str>,
    resumes: Counters<bool>,
    rejections: Counters<String>,
    refused_origins: Counter,
    closes: Counters<u16>,
    late: Counter,
    operations: Family<Labels<&'static str>, Histogram, fn() -> Histogram>,
    failures: Counters<&'static str>,
}

/// Collector of the number of dropped log lines, which the log counts.
#[derive(Debug)]
struct DroppedLines;

impl Collector for DroppedLines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let counter = ConstCounter::new(log::dropped());
        let help = "Log lines that were not written because nobody read them or they could not be, in this process";
        counter.encode(encoder.encode_descriptor("log_lines_dropped", help, None, counter.metric_type())?)
    }
}

/// Bounded queue that was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Replay buffer of a room: a slow session fell behind it, and continues from the log.
    ReplayBuffer,
    /// Deliveries of a room's subscription: the store ended it, and the feed subscribes again.
    Feed,
    /// Signals of a session: it missed updates about who is writing or away.
    Signals,
}

/// Open socket, counted until it is dropped.
#[derive(Debug)]
pub struct Socket {
    /// Number of the connection in the log.
    pub number: u64,
    open: Gauge,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let mut metrics = Self {
            registry: Registry::with_prefix("flasky"),
            rooms: Gauge::default(),
            members: Gauge::default(),
            sockets: Gauge::default(),
            connections: Counter::default(),
            frames: Counter::default(),
            appends: Family::default(),
            deliveries: Counter::default(),
            fan_out: histogram(),
            overflows: Family::default(),
            resumes: Family::default(),
            rejections: Family::default(),
            refused_origins: Counter::default(),
            closes: Family::default(),
            late: Counter::default(),
            operations: Family::new_with_constructor(histogram),
            failures: Family::default(),
        };
        metrics.register();
        metrics.init_series();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("rooms", "Rooms that somebody is connected to here", self.rooms.clone());
        registry.register("members", "Members who are connected here, once per room", self.members.clone());
        registry.register("sockets", "Open sockets", self.sockets.clone());
        registry.register("connections", "Sockets that were opened", self.connections.clone());
        registry.register("frames", "WebSocket messages of any kind that were read from sockets", self.frames.clone());
        registry.register(
            "appends",
            "Events that were offered to the log, by what became of them",
            self.appends.clone(),
        );
        registry.register("deliveries", "Events that were written to sockets", self.deliveries.clone());
        registry.register_with_unit(
            "fan_out",
            "From an event's arrival in its room's feed to its being written to one connected socket",
            Unit::Seconds,
            self.fan_out.clone(),
        );
        registry.register("overflows", "Bounded queues that were full", self.overflows.clone());
        registry.register("resumes", "Connections that went on from a position, or could not", self.resumes.clone());
        registry.register("rejections", "Appends and forms that were refused, by code", self.rejections.clone());
        registry.register(
            "refused_origins",
            "Posts and sockets of pages whose origin is not this server's",
            self.refused_origins.clone(),
        );
        registry.register("closes", "Sockets that the server closed, by close code", self.closes.clone());
        registry.register("late", "Pages and forms that took or waited too long, answered with 503", self.late.clone());
        registry.register_with_unit(
            "store",
            "Time that the store took for an operation",
            Unit::Seconds,
            self.operations.clone(),
        );
        registry.register("store_failures", "Operations that the store failed", self.failures.clone());
        registry.register(
            "panics",
            "Requests and connections that a panic ended, in this process",
            panics::CONTAINED.clone(),
        );
        registry.register_collector(Box::new(DroppedLines));
    }

    /// Creates series before anything happens, so that Prometheus sees the first increase.
    fn init_series(&self) {
        for outcome in ["stored", "duplicate", "refused", "failed"] {
            drop(self.appends.get_or_create(&[("outcome", outcome)]));
        }
        for queue in ["replay_buffer", "feed", "signals"] {
            drop(self.overflows.get_or_create(&[("queue", queue)]));
        }
        for recovered in [true, false] {
            drop(self.resumes.get_or_create(&[("recovered", recovered)]));
        }
    }

    /// Returns all metrics in Prometheus' text format. `rooms` and `members` are counted at each request.
    #[must_use]
    pub fn text(&self, rooms: usize, members: usize) -> String {
        self.rooms.set(rooms as i64);
        self.members.set(members as i64);
        let mut text = String::new();
        if let Err(error) = prometheus_text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }

    /// Counts a socket that was opened.
    #[must_use]
    pub fn socket(&self) -> Socket {
        self.sockets.inc();
        Socket { number: self.connections.inc() + 1, open: self.sockets.clone() }
    }

    /// Returns the number of open sockets.
    #[must_use]
    pub fn sockets(&self) -> u64 {
        u64::try_from(self.sockets.get()).unwrap_or_default()
    }

    /// Counts a WebSocket message of any kind that was read.
    pub fn frame(&self) {
        self.frames.inc();
    }

    /// Counts events written to one socket. `since` is the arrival of the first one, if the socket was waiting for it.
    pub fn delivered(&self, events: usize, since: Option<Instant>) {
        self.deliveries.inc_by(events as u64);
        if let Some(since) = since {
            self.fan_out.observe(since.elapsed().as_secs_f64());
        }
    }

    /// Counts a queue that was full.
    pub fn overflowed(&self, queue: Overflow) {
        let queue = match queue {
            Overflow::ReplayBuffer => "replay_buffer",
            Overflow::Feed => "feed",
            Overflow::Signals => "signals",
        };
        self.overflows.get_or_create(&[("queue", queue)]).inc();
    }

    /// Counts a client that asked to resume from a position. `recovered` is true if it could be continued.
    pub fn resumed(&self, recovered: bool) {
        self.resumes.get_or_create(&[("recovered", recovered)]).inc();
    }

    /// Counts an append or a form that was refused.
    pub fn rejected(&self, code: Code) {
        // As on the wire. The set of codes is closed.
        let code = codec::encode(&code).trim_matches('"').to_owned();
        self.rejections.get_or_create(&[("code", code)]).inc();
    }

    /// Counts a request that a page of another origin sent.
    pub fn refused_origin(&self) {
        self.refused_origins.inc();
    }

    /// Counts a socket that the server closed.
    pub fn closed(&self, code: CloseCode) {
        self.closes.get_or_create(&[("code", code.number())]).inc();
    }

    /// Counts a page or form that took or waited too long.
    pub fn timed_out(&self) {
        self.late.inc();
    }
}

impl Record for Metrics {
    fn record_operation(&self, operation: &'static str, took: Duration, failed: bool) {
        self.operations.get_or_create(&[("operation", operation)]).observe(took.as_secs_f64());
        // Created with the first answer, so that Prometheus sees the first failure as an increase.
        self.failures.get_or_create(&[("operation", operation)]).inc_by(failed.into());
    }

    fn record_append(&self, outcome: &'static str) {
        self.appends.get_or_create(&[("outcome", outcome)]).inc();
    }
}
