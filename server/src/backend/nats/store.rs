//! The servers, as the engine sees them: subjects with one message each, changed together or not at all.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, HeaderMap, Request, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::subject::{Names, SHARDS, shard_in};
use crate::backend::BackendError;

/// How long one question may take. A cluster that elects a leader is silent for longer: see the callers' patience.
pub(super) const REQUEST: Duration = Duration::from_secs(2);
/// Subjects of one direct get: the server answers at most 1 024 messages.
const SUBJECTS: usize = 500;
/// How long the replica that a direct get came to may be silent before it is asked anew, and another may answer: each
/// time longer, for a store that is slow altogether.
const SILENCE: [Duration; 3] = [Duration::from_millis(300), Duration::from_millis(600), Duration::from_millis(1_200)];
/// The header that says which message of the subject a new one replaces, by its place in the stream; 0: none.
pub(super) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
/// Batches that this process is sending to one stream at a time: of all processes the server takes 50 that have no end
/// yet, and refuses the rest.
const BATCHES: usize = 4;

/// A connection, and what it is used for.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) names: Names,
    /// Tells this process from every other one.
    pub(super) process: String,
    batches: AtomicU64,
    /// One a shard.
    lanes: [Semaphore; SHARDS as usize],
    troubled: Arc<AtomicBool>,
    /// Where the last beat of this process stands in the stream of leases; 0 where that is not known.
    pub(super) beat: AtomicU64,
}

/// The one message of a subject.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its place in the stream.
    pub(super) seq: u64,
    pub(super) payload: Bytes,
}

/// What one replica says.
pub(super) enum Answer {
    Known(HashMap<String, Found>),
    /// More messages than a server answers at once.
    TooMany,
    /// Nothing yet: it lags behind the leader, or those that were asked are silent.
    Behind,
}

/// One message of a batch.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub(super) subject: String,
    pub(super) payload: Bytes,
    /// The place in the stream of the message it replaces, 0: there must be none.
    pub(super) expect: Option<u64>,
}

impl Put {
    pub(super) fn new(subject: String, record: &impl Serialize) -> Result<Self, BackendError> {
        let payload = serde_json::to_vec(record).map_err(BackendError::corrupt)?;
        Ok(Self { subject, payload: payload.into(), expect: None })
    }

    /// Nothing, in the place of what was there.
    pub(super) fn empty(subject: String) -> Self {
        Self { subject, payload: Bytes::new(), expect: None }
    }

    pub(super) fn expecting(self, seq: u64) -> Self {
        Self { expect: Some(seq), ..self }
    }
}

/// Why a batch was not stored, or is not known to be.
#[derive(Debug)]
pub(super) enum CommitError {
    /// Something that was expected is not so.
    Conflict,
    Failed(BackendError),
}

/// What the server answers to something published.
#[derive(Deserialize)]
struct Ack {
    seq: Option<u64>,
    error: Option<jetstream::Error>,
}

impl Store {
    /// `troubled` may be set by others too, see [`Store::trouble`].
    pub(super) fn new(client: Client, names: Names, troubled: Arc<AtomicBool>) -> Result<Self, BackendError> {
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(REQUEST);
        let process = format!("{:016x}", getrandom::u64().map_err(BackendError::unavailable)?);
        let lanes = std::array::from_fn(|_| Semaphore::new(BATCHES));
        Ok(Self {
            client,
            jetstream,
            names,
            process,
            batches: AtomicU64::new(0),
            lanes,
            troubled,
            beat: AtomicU64::new(0),
        })
    }

    /// The subject's message, as the stream's leader knows it.
    pub(super) async fn last(&self, stream: &str, subject: &str) -> Result<Option<Found>, BackendError> {
        let stream = self.jetstream.get_stream_no_info(stream).await.map_err(BackendError::unavailable)?;
        match stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => Ok(Some(Found { seq: message.sequence, payload: message.payload })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(self.trouble(error)),
        }
    }

    /// True when the subject has another message than this, or none, or the stream is not there. An error is no trouble:
    /// a stream of rooms says nothing of leases.
    pub(super) async fn has_other(&self, stream: &str, subject: &str, message: &[u8]) -> Result<bool, BackendError> {
        let stream = self.jetstream.get_stream_no_info(stream).await.map_err(BackendError::unavailable)?;
        match stream.get_last_raw_message_by_subject(subject).await {
            Ok(found) => Ok(found.payload != message),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(true),
                LastRawMessageErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    Ok(true)
                }
                _ => Err(BackendError::unavailable(error)),
            },
        }
    }

    /// The messages of these subjects as one replica knows them, with them the mark's. None when that replica does not
    /// have the mark, or an older one, or is silent: it lags behind the leader, or the mark is no more.
    pub(super) async fn snapshot(
        &self,
        stream: &str,
        mark: (&str, u64),
        subjects: &[String],
    ) -> Result<Option<HashMap<String, Found>>, BackendError> {
        let mut found = HashMap::with_capacity(subjects.len() + 1);
        // Nothing is asked for: the mark alone.
        for part in subjects.chunks(SUBJECTS).chain(subjects.is_empty().then_some(&[][..])) {
            match self.view(stream, mark, part).await? {
                Answer::Known(known) => found.extend(known),
                Answer::Behind => return Ok(None),
                Answer::TooMany => return Err(BackendError::corrupt("a subject has more than one message")),
            }
        }
        Ok(Some(found))
    }

    /// The same with one question, wildcards allowed.
    pub(super) async fn view(
        &self,
        stream: &str,
        mark: (&str, u64),
        subjects: &[String],
    ) -> Result<Answer, BackendError> {
        let asked = subjects.iter().map(String::as_str).chain([mark.0]).collect::<Vec<_>>();
        Ok(match self.direct_get(stream, &asked).await? {
            Answer::Known(known) if known.get(mark.0).is_none_or(|known| known.seq < mark.1) => Answer::Behind,
            answer => answer,
        })
    }

    /// The messages of these subjects, as any replica knows them.
    pub(super) async fn direct_get(&self, stream: &str, subjects: &[&str]) -> Result<Answer, BackendError> {
        for silence in SILENCE {
            // Silence says nothing of the leader, and so nothing of leases: it is no trouble.
            match self.ask_replica(stream, subjects, silence).await? {
                Answer::Behind => {}
                answer => return Ok(answer),
            }
        }
        Ok(Answer::Behind)
    }

    async fn ask_replica(&self, stream: &str, subjects: &[&str], silence: Duration) -> Result<Answer, BackendError> {
        let question = serde_json::json!({ "multi_last": subjects, "batch": 1024 });
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(|error| self.trouble(error))?;
        let asked =
            self.client.publish_with_reply(format!("$JS.API.DIRECT.GET.{stream}"), inbox, question.to_string().into());
        asked.await.map_err(|error| self.trouble(error))?;
        let mut found = HashMap::with_capacity(subjects.len());
        loop {
            let Ok(answer) = timeout(silence, answers.next()).await else { return Ok(Answer::Behind) };
            let answer = answer.ok_or_else(|| self.trouble("a direct get was not answered to its end"))?;
            match answer.status {
                None => {}
                // The end of the answer; nothing found.
                Some(status) if status.as_u16() == 204 || status == StatusCode::NOT_FOUND => {
                    return Ok(Answer::Known(found));
                }
                Some(status) if status.as_u16() == 413 => return Ok(Answer::TooMany),
                Some(status) => return Err(self.trouble(format!("a direct get was answered with {status}"))),
            }
            let headers = answer.headers.unwrap_or_default();
            let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
            let (Some(subject), Some(seq)) = (header("Nats-Subject"), header("Nats-Sequence")) else { continue };
            let seq = seq.parse().map_err(BackendError::corrupt)?;
            found.insert(subject, Found { seq, payload: answer.payload });
        }
    }

    /// Stores all of these or none, and answers with the last one's place in the stream; the others' come right before.
    /// An error other than `Conflict` leaves open whether they are stored, or will be.
    pub(super) async fn commit(&self, puts: Vec<Put>) -> Result<u64, CommitError> {
        let batch = format!("{}-{}", self.process, self.batches.fetch_add(1, Ordering::Relaxed));
        let count = puts.len();
        let shard = puts.first().and_then(|put| shard_in(&put.subject)).unwrap_or_default();
        let lane = self.lanes[usize::from(shard % SHARDS)].acquire().await.map_err(|error| self.failed(error))?;
        for (n, put) in (1..).zip(puts) {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", n.to_string().as_str());
            if let Some(seq) = put.expect {
                headers.insert(EXPECTED, seq.to_string().as_str());
            }
            if n < count {
                self.client
                    .publish_with_headers(put.subject, headers, put.payload)
                    .await
                    .map_err(|error| self.failed(error))?;
            } else {
                headers.insert("Nats-Batch-Commit", "1");
                // The batch ends with this message; what follows is waiting.
                drop(lane);
                return self.publish(put.subject, headers, put.payload).await;
            }
        }
        Err(self.failed("an empty batch"))
    }

    /// Stores one message and answers with its place in the stream.
    pub(super) async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, CommitError> {
        let request = Request::new().headers(headers).payload(payload).timeout(Some(REQUEST));
        let answer = self.client.send_request(subject, request).await.map_err(|error| self.failed(error))?;
        let ack: Ack = serde_json::from_slice(&answer.payload).map_err(|error| self.failed(error))?;
        match ack {
            Ack { error: Some(error), .. } if error.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE => {
                Err(CommitError::Conflict)
            }
            Ack { error: Some(error), .. } => Err(self.failed(error)),
            Ack { seq: Some(seq), .. } => Ok(seq),
            Ack { .. } => Err(self.failed("a publish was answered without a sequence")),
        }
    }

    /// Removes what stands under this subject before this place in the stream; without one, all of it.
    pub(super) async fn purge(&self, stream: &str, subject: String, before: Option<u64>) -> Result<(), BackendError> {
        let stream = self.jetstream.get_stream_no_info(stream).await.map_err(BackendError::unavailable)?;
        let purge = stream.purge().filter(subject);
        let purged = match before {
            Some(seq) => purge.sequence(seq).await,
            None => purge.await,
        };
        purged.map(drop).map_err(|error| self.trouble(error))
    }

    /// `Unavailable` because of this, and remembered: while the store did not answer, nobody could renew a lease.
    pub(super) fn trouble(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BackendError {
        self.troubled.store(true, Ordering::Relaxed);
        BackendError::unavailable(source)
    }

    fn failed(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommitError {
        CommitError::Failed(self.trouble(source))
    }

    /// Whether there was any since this was last asked.
    pub(super) fn was_troubled(&self) -> bool {
        self.troubled.swap(false, Ordering::Relaxed)
    }
}
