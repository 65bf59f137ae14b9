//! Access to JetStream: subjects with one message each, which are changed together or not at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ::store::StoreError;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::{Ordered, OrderedConfig};
use async_nats::jetstream::stream::{LastRawMessageError, LastRawMessageErrorKind};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, HeaderMap, Request, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::subject::{Names, SHARDS, shard_in};

/// Time limit of one request. A cluster that elects a leader may take longer to respond, so callers retry.
pub(super) const REQUEST: Duration = Duration::from_secs(2);
/// Maximum number of rooms that are handled concurrently.
pub(super) const CONCURRENCY: usize = 32;
/// Maximum number of subjects in one direct get: the server returns at most 1 024 messages.
const SUBJECTS_PER_GET: usize = 500;
/// Maximum silence of a replica that answers a direct get. After it the request is sent again, and another replica may
/// answer it. The time grows with every attempt, in case the whole store is slow.
const DIRECT_GET_TIMEOUTS: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_millis(600), Duration::from_millis(1_200)];
/// Header with the condition of a write: the stream sequence of the subject's message that it replaces, 0 for none.
pub(super) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// Maximum number of batches that this process sends to one stream at a time. The server accepts 50 incomplete batches,
/// of all processes together, and rejects more.
const MAX_OPEN_BATCHES: usize = 4;

/// Connection to the servers, with the names of one store.
#[derive(Debug)]
pub(super) struct JetStream {
    pub(super) client: Client,
    pub(super) context: jetstream::Context,
    pub(super) names: Names,
    /// Random id of this process.
    pub(super) process: String,
    batches: AtomicU64,
    /// Permits for sending a batch, one semaphore per shard.
    batch_permits: [Semaphore; SHARDS as usize],
    had_failures: Arc<AtomicBool>,
    /// Stream sequence of this process's last heartbeat in the stream of leases; 0 if it is not known.
    pub(super) last_heartbeat: AtomicU64,
}

/// The message of a subject.
#[derive(Clone, Debug)]
pub(super) struct StoredMessage {
    /// Stream sequence.
    pub(super) seq: u64,
    pub(super) payload: Bytes,
}

/// Answer of a replica to a direct get.
pub(super) enum DirectGet {
    Found(HashMap<String, StoredMessage>),
    /// There are more messages than a server returns at once.
    TooMany,
    /// The replica lags behind the leader, or no replica responded in time.
    Stale,
}

/// One message of a batch.
#[derive(Clone, Debug)]
pub(super) struct BatchMessage {
    pub(super) subject: String,
    pub(super) payload: Bytes,
    /// Condition: stream sequence of the message that it replaces, 0 if there must be none.
    pub(super) expect: Option<u64>,
}

impl BatchMessage {
    pub(super) fn new(subject: String, record: &impl Serialize) -> Result<Self, StoreError> {
        let payload = serde_json::to_vec(record).map_err(StoreError::corrupt)?;
        Ok(Self::sealed(subject, payload.into()))
    }

    /// Creates a message with an encrypted record.
    pub(super) fn sealed(subject: String, payload: Bytes) -> Self {
        Self { subject, payload, expect: None }
    }

    /// Creates an empty message, which overwrites the subject's present one.
    pub(super) fn empty(subject: String) -> Self {
        Self::sealed(subject, Bytes::new())
    }

    pub(super) fn if_seq(self, seq: u64) -> Self {
        Self { expect: Some(seq), ..self }
    }
}

/// Error of a write. The messages were not stored, or are not known to be.
#[derive(Debug)]
pub(super) enum CommitError {
    /// A condition did not hold.
    Conflict,
    Failed(StoreError),
}

/// Server's answer to a published message.
#[derive(Deserialize)]
struct Ack {
    seq: Option<u64>,
    error: Option<jetstream::Error>,
}

impl JetStream {
    /// Creates the store's access to JetStream. `had_failures` may also be set by others, see
    /// [`JetStream::record_failure`].
    pub(super) fn new(client: Client, names: Names, had_failures: Arc<AtomicBool>) -> Result<Self, StoreError> {
        let mut context = jetstream::new(client.clone());
        context.set_timeout(REQUEST);
        let process = format!("{:016x}", getrandom::u64().map_err(StoreError::unavailable)?);
        let batch_permits = std::array::from_fn(|_| Semaphore::new(MAX_OPEN_BATCHES));
        Ok(Self {
            client,
            context,
            names,
            process,
            batches: AtomicU64::new(0),
            batch_permits,
            had_failures,
            last_heartbeat: AtomicU64::new(0),
        })
    }

    /// Reads the subject's message from the stream's leader.
    pub(super) async fn last(&self, stream: &str, subject: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.look(stream, subject).await.inspect_err(|_| self.had_failures.store(true, Ordering::Relaxed))
    }

    /// Reads like [`JetStream::last`]. An error is not recorded by [`JetStream::record_failure`]: a stream of rooms or
    /// of secrets does not show whether leases can be renewed.
    pub(super) async fn look(&self, stream: &str, subject: &str) -> Result<Option<StoredMessage>, StoreError> {
        self.get(stream, subject).await.map_err(StoreError::unavailable)
    }

    /// Reads like [`JetStream::look`], but a stream that does not exist has no message.
    pub(super) async fn look_if_exists(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<Option<StoredMessage>, StoreError> {
        match self.get(stream, subject).await {
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND) => {
                Ok(None)
            }
            found => found.map_err(StoreError::unavailable),
        }
    }

    async fn get(&self, stream: &str, subject: &str) -> Result<Option<StoredMessage>, LastRawMessageError> {
        let failed = |error| LastRawMessageError::with_source(LastRawMessageErrorKind::Other, error);
        let stream = self.context.get_stream_no_info(stream).await.map_err(failed)?;
        match stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(Some(StoredMessage { seq: message.sequence, payload: message.payload })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores a message unless its subject has one. An error is not recorded.
    pub(super) async fn put_new(&self, subject: String, payload: &[u8]) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(EXPECTED, "0");
        match self.send(subject, headers, Bytes::copy_from_slice(payload)).await {
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
        }
    }

    /// Deletes the subject's message, which the servers overwrite. An error is not recorded.
    pub(super) async fn erase(&self, stream: &str, subject: &str) -> Result<(), StoreError> {
        let found = self.look(stream, subject).await?;
        let Some(found) = found else { return Ok(()) };
        let deleting = self.context.get_stream_no_info(stream).await.map_err(StoreError::unavailable)?;
        // Without `no_erase`, the message is overwritten.
        let Err(error) = deleting.delete_message(found.seq).await else { return Ok(()) };
        // Another node may have deleted it meanwhile.
        match self.look(stream, subject).await? {
            None => Ok(()),
            Some(_) => Err(StoreError::unavailable(error)),
        }
    }

    /// Creates a consumer of the last message of each of these subjects, and of every later one. Also returns the number
    /// of messages that exist. An error is not recorded.
    pub(super) async fn consume_last(&self, stream: &str, filter: String) -> Result<(Ordered, u64), StoreError> {
        let config = OrderedConfig {
            deliver_subject: self.client.new_inbox(),
            filter_subject: filter,
            deliver_policy: DeliverPolicy::LastPerSubject,
            ..OrderedConfig::default()
        };
        let consumer = self.context.create_consumer_on_stream(config, stream).await.map_err(StoreError::unavailable)?;
        let pending = consumer.cached_info().num_pending;
        Ok((consumer.messages().await.map_err(StoreError::unavailable)?, pending))
    }

    /// True if the subject has no message or another one than this, or if the stream does not exist. An error is not
    /// recorded.
    pub(super) async fn has_other(&self, stream: &str, subject: &str, message: &[u8]) -> Result<bool, StoreError> {
        Ok(self.look_if_exists(stream, subject).await?.is_none_or(|found| found.payload != message))
    }

    /// Reads the messages of these subjects, and of the one in `at_least`, from a replica. `at_least` is a subject and
    /// the stream sequence that its message must have at least. `None` if it does not, because the replica lags or the
    /// message is gone, or if no replica responds.
    pub(super) async fn snapshot(
        &self,
        stream: &str,
        at_least: (&str, u64),
        subjects: &[String],
    ) -> Result<Option<HashMap<String, StoredMessage>>, StoreError> {
        let mut found = HashMap::with_capacity(subjects.len() + 1);
        // Without subjects, only that of `at_least` is read.
        for part in subjects.chunks(SUBJECTS_PER_GET).chain(subjects.is_empty().then_some(&[][..])) {
            match self.view(stream, at_least, part).await? {
                DirectGet::Found(known) => found.extend(known),
                DirectGet::Stale => return Ok(None),
                DirectGet::TooMany => return Err(StoreError::corrupt("a subject has more than one message")),
            }
        }
        Ok(Some(found))
    }

    /// Reads like [`JetStream::snapshot`], but in one request; wildcards are allowed.
    pub(super) async fn view(
        &self,
        stream: &str,
        at_least: (&str, u64),
        subjects: &[String],
    ) -> Result<DirectGet, StoreError> {
        let asked = subjects.iter().map(String::as_str).chain([at_least.0]).collect::<Vec<_>>();
        Ok(match self.direct_get(stream, &asked).await? {
            DirectGet::Found(known) if known.get(at_least.0).is_none_or(|known| known.seq < at_least.1) => {
                DirectGet::Stale
            }
            answer => answer,
        })
    }

    /// Reads the messages of these subjects from any replica.
    pub(super) async fn direct_get(&self, stream: &str, subjects: &[&str]) -> Result<DirectGet, StoreError> {
        for silence in DIRECT_GET_TIMEOUTS {
            // Silence of a replica is not recorded as a failure: it does not show that leases cannot be renewed.
            match self.ask_replica(stream, subjects, silence).await? {
                DirectGet::Stale => {}
                answer => return Ok(answer),
            }
        }
        Ok(DirectGet::Stale)
    }

    async fn ask_replica(&self, stream: &str, subjects: &[&str], silence: Duration) -> Result<DirectGet, StoreError> {
        let question = serde_json::json!({ "multi_last": subjects, "batch": 1024 });
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(|error| self.record_failure(error))?;
        let asked =
            self.client.publish_with_reply(format!("$JS.API.DIRECT.GET.{stream}"), inbox, question.to_string().into());
        asked.await.map_err(|error| self.record_failure(error))?;
        let mut found = HashMap::with_capacity(subjects.len());
        loop {
            let Ok(answer) = timeout(silence, answers.next()).await else { return Ok(DirectGet::Stale) };
            let answer = answer.ok_or_else(|| self.record_failure("a direct get was not answered to its end"))?;
            match answer.status {
                None => {}
                // End of the answer; or no message was found.
                Some(status) if status.as_u16() == 204 || status == StatusCode::NOT_FOUND => {
                    return Ok(DirectGet::Found(found));
                }
                Some(status) if status.as_u16() == 413 => return Ok(DirectGet::TooMany),
                Some(status) => return Err(self.record_failure(format!("a direct get was answered with {status}"))),
            }
            let headers = answer.headers.unwrap_or_default();
            let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
            let (Some(subject), Some(seq)) = (header("Nats-Subject"), header("Nats-Sequence")) else { continue };
            let seq = seq.parse().map_err(StoreError::corrupt)?;
            found.insert(subject, StoredMessage { seq, payload: answer.payload });
        }
    }

    /// Stores all of these messages or none. Returns the stream sequence of the last one; those of the others directly
    /// precede it. After an error other than `Conflict` the messages may be stored, now or later.
    pub(super) async fn commit(&self, messages: Vec<BatchMessage>) -> Result<u64, CommitError> {
        let batch = format!("{}-{}", self.process, self.batches.fetch_add(1, Ordering::Relaxed));
        let count = messages.len();
        let shard = messages.first().and_then(|message| shard_in(&message.subject)).unwrap_or_default();
        let permit =
            self.batch_permits[usize::from(shard % SHARDS)].acquire().await.map_err(|error| self.failed(error))?;
        for (n, message) in (1..).zip(messages) {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", n.to_string().as_str());
            if let Some(seq) = message.expect {
                headers.insert(EXPECTED, seq.to_string().as_str());
            }
            if n < count {
                self.client
                    .publish_with_headers(message.subject, headers, message.payload)
                    .await
                    .map_err(|error| self.failed(error))?;
            } else {
                headers.insert("Nats-Batch-Commit", "1");
                // This message completes the batch, so the next batch need not wait for the answer.
                drop(permit);
                return self.publish(message.subject, headers, message.payload).await;
            }
        }
        Err(self.failed("an empty batch"))
    }

    /// Stores one message and returns its stream sequence.
    pub(super) async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, CommitError> {
        self.send(subject, headers, payload).await.inspect_err(|error| {
            if matches!(error, CommitError::Failed(_)) {
                self.had_failures.store(true, Ordering::Relaxed);
            }
        })
    }

    /// Stores like [`JetStream::publish`]. An error is not recorded by [`JetStream::record_failure`].
    pub(super) async fn send(&self, subject: String, headers: HeaderMap, payload: Bytes) -> Result<u64, CommitError> {
        let failed = |error: &str| CommitError::Failed(StoreError::unavailable(error));
        let request = Request::new().headers(headers).payload(payload).timeout(Some(REQUEST));
        let answer = self.client.send_request(subject, request).await;
        let answer = answer.map_err(|error| CommitError::Failed(StoreError::unavailable(error)))?;
        let ack: Ack = serde_json::from_slice(&answer.payload).map_err(|_| failed("a publish was not answered"))?;
        match ack {
            Ack { error: Some(error), .. } if error.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE => {
                Err(CommitError::Conflict)
            }
            Ack { error: Some(error), .. } => Err(CommitError::Failed(StoreError::unavailable(error))),
            Ack { seq: Some(seq), .. } => Ok(seq),
            Ack { .. } => Err(failed("a publish was answered without a sequence")),
        }
    }

    /// Removes the messages of this subject before this stream sequence; all of them without one. An error is not
    /// recorded by [`JetStream::record_failure`]: many messages take long to remove.
    pub(super) async fn purge(&self, stream: &str, subject: String, before: Option<u64>) -> Result<(), StoreError> {
        let stream = self.context.get_stream_no_info(stream).await.map_err(StoreError::unavailable)?;
        let purge = stream.purge().filter(subject);
        let purged = match before {
            Some(seq) => purge.sequence(seq).await,
            None => purge.await,
        };
        purged.map(drop).map_err(StoreError::unavailable)
    }

    /// Creates an `Unavailable` error and records the failure: while the store fails, no lease can be renewed.
    pub(super) fn record_failure(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        self.had_failures.store(true, Ordering::Relaxed);
        StoreError::unavailable(source)
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommitError {
        CommitError::Failed(self.record_failure(source))
    }

    /// True if a failure was recorded since the last call.
    pub(super) fn take_had_failures(&self) -> bool {
        self.had_failures.swap(false, Ordering::Relaxed)
    }
}
