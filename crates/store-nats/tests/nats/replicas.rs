//! A replica that lags for ever: it answers every request that reaches it from an old copy of the streams.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_nats::jetstream;
use futures_util::TryStreamExt as _;
use protocol::{Event, EventKind};
use store::ReadFrom;
use store::laws::support::{deleted, edited, message, room_of, stored};
use testkit::nats::Server;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::open;

const STREAMS: [&str; 4] = ["flasky_0", "flasky_1", "flasky_2", "flasky_3"];
/// Sends half of all direct reads to the lagging replica.
const MAPPINGS: &str = r#"
mappings { "$JS.API.DIRECT.GET.*": [
  { destination: "$JS.API.DIRECT.GET.{{wildcard(1)}}", weight: 50% }
  { destination: "lagging.{{wildcard(1)}}", weight: 50% }
] }
"#;

/// Copy of the streams: sequence number and payload of each subject's last message.
type Past = HashMap<String, (u64, Vec<u8>)>;

async fn copy_streams(server: &Server) -> Past {
    let jetstream = jetstream::new(async_nats::connect(server.address()).await.unwrap());
    let mut past = Past::new();
    for stream in STREAMS {
        let stream = jetstream.get_stream(stream).await.unwrap();
        let subjects: Vec<_> = stream.info_with_subjects(">").await.unwrap().try_collect().await.unwrap();
        for (subject, _) in subjects {
            let message = stream.get_last_raw_message_by_subject(&subject).await.unwrap();
            past.insert(subject, (message.sequence, message.payload.to_vec()));
        }
    }
    past
}

/// A false replica that lags and speaks the NATS protocol, and the number of answers that it has sent.
struct Lagging {
    answered: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Lagging {
    async fn start(server: &Server, past: Past) -> Self {
        let mut wire = BufReader::new(TcpStream::connect(server.address()).await.unwrap());
        let greeting = "CONNECT {\"verbose\":false,\"headers\":true}\r\nSUB lagging.* 1\r\nPING\r\n";
        wire.write_all(greeting.as_bytes()).await.unwrap();
        let mut line = String::new();
        while line.trim_end() != "PONG" {
            line.clear();
            wire.read_line(&mut line).await.unwrap();
        }
        let (answered, mut task) = (Arc::<AtomicUsize>::default(), JoinSet::new());
        task.spawn(answer(wire, past, Arc::clone(&answered)));
        Self { answered, _task: task }
    }
}

async fn answer(mut wire: BufReader<TcpStream>, past: Past, answered: Arc<AtomicUsize>) {
    let mut line = String::new();
    while wire.read_line(&mut line).await.unwrap() > 0 {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["PING"] => wire.write_all(b"PONG\r\n").await.unwrap(),
            ["MSG", _, _, reply, length] => {
                let mut question = vec![0; length.parse::<usize>().unwrap() + 2];
                wire.read_exact(&mut question).await.unwrap();
                let question: serde_json::Value = serde_json::from_slice(&question).unwrap();
                for subject in question["multi_last"].as_array().unwrap() {
                    let subject = subject.as_str().unwrap();
                    let Some((seq, payload)) = past.get(subject) else { continue };
                    let headers = format!("NATS/1.0\r\nNats-Subject: {subject}\r\nNats-Sequence: {seq}\r\n\r\n");
                    publish(&mut wire, reply, &headers, payload).await;
                }
                publish(&mut wire, reply, "NATS/1.0 204 EOB\r\n\r\n", b"").await;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        line.clear();
    }
}

async fn publish(wire: &mut BufReader<TcpStream>, to: &str, headers: &str, payload: &[u8]) {
    let line = format!("HPUB {to} {} {}\r\n{headers}", headers.len(), headers.len() + payload.len());
    wire.write_all(&[line.as_bytes(), payload, b"\r\n"].concat()).await.unwrap();
}

#[tokio::test]
async fn stale_answer_of_a_lagging_replica_is_not_returned() {
    let server = Server::start_with(MAPPINGS.to_owned());
    let store = open(&format!("nats://{}", server.address())).await;
    let id = room_of(&*store, 50, &[1]).await;
    let (changed, gone) = (message(1, "old words"), message(1, "taken back"));
    stored(store.append(id, changed.clone()).await);
    stored(store.append(id, gone.clone()).await);
    let lagging = Lagging::start(&server, copy_streams(&server).await).await;
    let edit = stored(store.append(id, edited(1, changed.id, "new words")).await);
    let last = stored(store.append(id, deleted(1, gone.id)).await);
    for _ in 0..40 {
        let page = store.read(id, ReadFrom::Latest, 50).await.unwrap();
        assert_eq!(page.events.last(), Some(&last));
        // The lagging replica has all three of these events, with their old text.
        let page = store.read(id, ReadFrom::Before(edit.seq), 50).await.unwrap();
        assert_eq!(page.events.len(), 3);
        assert_eq!(page.events.iter().filter_map(text).collect::<Vec<_>>(), ["new words"]);
    }
    let answered = lagging.answered.load(Ordering::Relaxed);
    assert!(answered > 5, "it answered only {answered} times: this proves nothing");
}

fn text(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::Message { body, .. } => body.as_ref().map(|body| body.as_str()),
        _ => None,
    }
}
