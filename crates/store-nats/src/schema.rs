//! The streams: their configuration, and the checks that precede their use.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ::store::{Keys, StoreError};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Republish, RetentionPolicy, StorageType};
use async_nats::{ConnectErrorKind, ConnectOptions, Event, HeaderMap};
use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::address::Address;
use super::jetstream::{CommitError, EXPECTED, JetStream};
use super::subject::{Names, SHARDS};

/// First server version whose batches are atomic also when a leader changes.
const OLDEST_SERVER: (i64, i64, i64) = (2, 12, 3);
/// Version of the record format.
const FORMAT: &[u8] = b"5";
/// Time that servers may take to form a cluster or to elect a leader while the store is opened.
pub(super) const CLUSTER_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause before a step of opening the store is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Interval of pings, by which a server that does not respond is detected.
const PING: Duration = Duration::from_secs(5);

/// Repeats a step of opening the store while its error is transient, until this time.
///
/// A node is often started while its servers are: one of them may be about to be replaced as leader and answer late.
pub(super) async fn retry<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    until: Instant,
    is_transient: impl Fn(&E) -> bool,
    step: impl Fn() -> F,
) -> Result<T, E> {
    let mut is_logged = false;
    loop {
        match step().await {
            Err(error) if is_transient(&error) && Instant::now() < until => {
                if !std::mem::replace(&mut is_logged, true) {
                    tracing::warn!(%error, "the store does not open yet; trying again");
                }
                sleep(RETRY_PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Connects to the servers and creates missing streams, and tries until this time. `changed` is called with the
/// connection's events.
pub(super) async fn open(
    address: Address,
    until: Instant,
    had_failures: Arc<AtomicBool>,
    changed: impl Fn(Event) + Clone + Send + Sync + 'static,
) -> Result<JetStream, StoreError> {
    let mut options = ConnectOptions::new().name("flasky").ping_interval(PING).event_callback(move |event| {
        let changed = changed.clone();
        async move { changed(event) }
    });
    if let Some((user, password)) = address.credentials {
        options = options.user_and_password(user, password);
    }
    let connect = || options.clone().connect(address.servers.clone());
    let client = retry(until, |error| error.kind() == ConnectErrorKind::TimedOut, connect)
        .await
        .map_err(StoreError::unavailable)?;
    let (major, minor, patch) = OLDEST_SERVER;
    if !client.is_server_compatible(major, minor, patch) {
        let version = client.server_info().version;
        return Err(StoreError::unavailable(format!(
            "the NATS server is {version}; {major}.{minor}.{patch} or newer is needed"
        )));
    }
    let jetstream = JetStream::new(client, Names::new(address.store), had_failures)?;
    create_streams(&jetstream, until).await?;
    Ok(jetstream)
}

/// Creates missing streams. Retries while servers that have just started form a cluster.
async fn create_streams(jetstream: &JetStream, until: Instant) -> Result<(), StoreError> {
    // There is no leader yet, or not enough servers.
    let is_transient = |error: &CreateStreamError| {
        matches!(error.kind(), CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::JetStream(_))
    };
    let names = &jetstream.names;
    let in_memory = [lease_config(names), secret_config(names)];
    for config in (0..SHARDS).map(|shard| shard_config(names, shard)).chain(in_memory) {
        let create = || find_or_create(jetstream, &config);
        retry(until, is_transient, create).await.map_err(StoreError::unavailable)?;
    }
    Ok(())
}

/// Creates the stream with three replicas, or with one if the server is standalone.
async fn create(jetstream: &JetStream, config: &Config) -> Result<(), CreateStreamError> {
    let with = |replicas| Config { num_replicas: replicas, ..config.clone() };
    match jetstream.context.create_stream(with(3)).await {
        Err(error) if is_standalone(&error) => jetstream.context.create_stream(with(1)).await.map(drop),
        created => created.map(drop),
    }
}

fn is_standalone(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED)
}

/// Creates the stream, or checks the existing one. That may differ in what its operator decides, such as replicas,
/// placement or a limit, but must have the settings on which this store relies.
async fn find_or_create(jetstream: &JetStream, config: &Config) -> Result<(), CreateStreamError> {
    let Ok(stream) = jetstream.context.get_stream(&config.name).await else {
        return create(jetstream, config).await;
    };
    let info = stream.cached_info();
    let required = |config: &Config| {
        (
            (config.subjects.clone(), config.republish.clone(), config.retention, config.max_messages_per_subject),
            (config.storage, config.allow_direct, config.allow_atomic_publish, config.allow_message_ttl),
        )
    };
    if required(&info.config) != required(config) {
        let wrong = "a stream of this name is there, and is not as this program makes it";
        return Err(CreateStreamError::with_source(CreateStreamErrorKind::InvalidStreamName, wrong));
    }
    if info.cluster.as_ref().is_some_and(|cluster| cluster.name.is_some()) && info.config.num_replicas < 3 {
        tracing::warn!(stream = config.name, replicas = info.config.num_replicas, "one lost server may stop the store");
    }
    Ok(())
}

/// Creates the streams in memory again, which a standalone server loses at a restart. An error is ignored: it may be that
/// a stream is there, as its operator has changed it.
pub(super) async fn restore(jetstream: &JetStream) {
    for config in [lease_config(&jetstream.names), secret_config(&jetstream.names)] {
        if let Err(error) = create(jetstream, &config).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a stream in memory cannot be created");
        }
    }
}

/// True if nothing has been stored yet.
pub(super) async fn is_new(jetstream: &JetStream) -> Result<bool, StoreError> {
    let format = jetstream.last(&jetstream.names.shard_stream(0), &jetstream.names.format()).await?;
    Ok(format.is_none())
}

/// Returns the configuration of a stream of rooms. A subject keeps one message, so a write replaces the previous one.
fn shard_config(names: &Names, shard: u8) -> Config {
    let (source, destination) = names.republish(shard);
    Config {
        name: names.shard_stream(shard),
        subjects: vec![names.shard(shard)],
        storage: StorageType::File,
        republish: Some(Republish { source, destination, headers_only: false }),
        allow_atomic_publish: true,
        ..common()
    }
}

/// Returns the configuration of the stream of leases. It is in memory: after a stop of all servers every seat gets a
/// new grace period anyway. Each message has its own time to live.
fn lease_config(names: &Names) -> Config {
    Config {
        name: names.lease_stream(),
        subjects: names.leases().into(),
        storage: StorageType::Memory,
        allow_message_ttl: true,
        ..common()
    }
}

/// Returns the configuration of the stream of secrets. It is in memory, with its Raft log: no secret is in a file.
fn secret_config(names: &Names) -> Config {
    Config {
        name: names.secret_stream(),
        subjects: names.secrets().into(),
        storage: StorageType::Memory,
        allow_message_ttl: true,
        ..common()
    }
}

fn common() -> Config {
    Config {
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_messages: -1,
        max_bytes: -1,
        max_consumers: -1,
        max_messages_per_subject: 1,
        allow_direct: true,
        ..Config::default()
    }
}

/// Returns the store's keys, which the first process generates.
///
/// # Errors
/// `Corrupt` also when another version of this program wrote the store in another record format.
pub(super) async fn keys(jetstream: &JetStream) -> Result<Keys, StoreError> {
    let found = get_or_store(jetstream, 0, jetstream.names.format(), Bytes::from_static(FORMAT)).await?;
    if found != FORMAT {
        let [found, known] = [&found, FORMAT].map(String::from_utf8_lossy);
        return Err(StoreError::corrupt(format!(
            "the store is of another version of this program (format {found}, known is {known}), and its rooms cannot be \
             taken over: let them end under the version that wrote it, or give them up; then begin anew under another \
             NAME in the store's URL"
        )));
    }
    let mut drawn = [0; 96];
    getrandom::fill(&mut drawn).map_err(StoreError::unavailable)?;
    let found = get_or_store(jetstream, 0, jetstream.names.keys(), Bytes::copy_from_slice(&drawn)).await?;
    let (signing, member) = found.split_first_chunk().ok_or_else(wrong_length)?;
    Ok(Keys { signing: *signing, member: member.try_into().map_err(|_| wrong_length())? })
}

/// Returns the identity of each shard's stream, which the first process generates. A recreated stream has another one.
pub(super) async fn identities(jetstream: &JetStream) -> Result<Vec<Bytes>, StoreError> {
    let mut identities = Vec::new();
    for shard in 0..SHARDS {
        let drawn = getrandom::u64().map_err(StoreError::unavailable)?;
        let drawn = Bytes::from(format!("{drawn:016x}"));
        identities.push(get_or_store(jetstream, shard, jetstream.names.identity(shard), drawn).await?);
    }
    Ok(identities)
}

/// Stores the payload unless the subject has a message, and returns what is stored.
async fn get_or_store(jetstream: &JetStream, shard: u8, subject: String, payload: Bytes) -> Result<Bytes, StoreError> {
    let stream = jetstream.names.shard_stream(shard);
    loop {
        if let Some(found) = jetstream.last(&stream, &subject).await? {
            return Ok(found.payload);
        }
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, "0");
        match jetstream.publish(subject.clone(), headers, payload.clone()).await {
            // The next iteration reads what is stored, in either case.
            Ok(_) | Err(CommitError::Conflict) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
}

fn wrong_length() -> StoreError {
    StoreError::corrupt("the store's keys have the wrong length")
}
