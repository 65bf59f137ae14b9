//! NATS servers for tests, on free ports. Each ends with the process that started it, however that ends.

#![allow(dead_code, reason = "each of the test crates uses a part")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};

/// Address of the server that all tests of a binary share, which the first call starts.
pub fn address() -> &'static str {
    static SHARED: LazyLock<Server> = LazyLock::new(Server::start);
    SHARED.address()
}

/// URL of a new store on the shared server.
pub fn store_url() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("nats://{}/t{}-{}", address(), std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Subject and payload of every message that belongs to a room of the store with this URL, in stream order.
pub async fn room_messages(url: &str) -> Vec<(String, Vec<u8>)> {
    let (server, name) = url.rsplit_once('/').expect("a URL with a name");
    let jetstream = jetstream::new(async_nats::connect(server).await.unwrap());
    let mut all = Vec::new();
    for stream in ["0", "1", "2", "3", "leases", "secrets"] {
        let stream = jetstream.get_stream(format!("{name}_{stream}")).await.unwrap();
        let config = pull::Config { ack_policy: AckPolicy::None, ..Default::default() };
        let consumer = stream.create_consumer(config).await.unwrap();
        // Not the number that the stream counts: some of these may be deleted meanwhile.
        loop {
            let mut messages = consumer.fetch().max_messages(1_000).messages().await.unwrap();
            let known = all.len();
            while let Some(message) = messages.next().await {
                let message = message.unwrap();
                all.push((message.subject.to_string(), message.payload.to_vec()));
            }
            if all.len() == known {
                break;
            }
        }
    }
    all.retain(|(subject, _)| !belongs_to_the_store(subject));
    all
}

fn belongs_to_the_store(subject: &str) -> bool {
    [".keys", ".format", ".identity"].iter().any(|end| subject.ends_with(end))
        || [".beat.", ".codes."].iter().any(|part| subject.contains(part))
}

/// Shell script that runs the server until the standard input of the script ends, at the latest with the test process.
/// Then removes what was stored, unless the file `keep` exists.
const LEASHED: &str = r#"
"$1" --config "$2/nats.conf" >&2 &
server=$!
echo $server
cat >/dev/null
exec 2>/dev/null # nobody reads it any more
kill -9 $server
wait $server
[ -e "$2/keep" ] || rm -rf "$2"
"#;

/// A NATS server, alone or part of a cluster.
pub struct Server {
    directory: PathBuf,
    address: String,
    /// Configuration beside the address and the store.
    more: String,
    shell: Child,
    process: Pid,
}

impl Server {
    /// Starts a server that stands alone.
    pub fn start() -> Self {
        Self::start_with(String::new())
    }

    pub fn start_with(more: String) -> Self {
        let directory = tempfile::tempdir().unwrap().keep();
        let (shell, process, address) = run(&directory, "127.0.0.1:-1", &more);
        Self { directory, address, more, shell, process }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Directory of the server's data.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn pid(&self) -> u32 {
        self.process.as_raw_nonzero().get().cast_unsigned()
    }

    /// Ends the server as `kill -9` does. Its data stays.
    pub fn kill(&mut self) {
        std::fs::write(self.directory.join("keep"), "").unwrap();
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }

    /// Removes the server's data. The server must not run.
    pub fn wipe(&self) {
        std::fs::remove_dir_all(self.directory.join("jetstream")).unwrap();
    }

    /// Starts the server again at the same address, with its data.
    pub fn start_again(&mut self) {
        std::fs::remove_file(self.directory.join("keep")).unwrap();
        (self.shell, self.process, _) = run(&self.directory, &self.address, &self.more);
    }

    /// Suspends the process until [`Server::resume`].
    pub fn pause(&self) {
        kill_process(self.process, Signal::STOP).unwrap();
    }

    pub fn resume(&self) {
        kill_process(self.process, Signal::CONT).unwrap();
    }
}

/// Starts a server and waits until it answers. Returns its shell, its process and its address.
fn run(directory: &Path, listen: &str, more: &str) -> (Child, Pid, String) {
    let binary = std::env::var("NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned());
    let version = Command::new(&binary).arg("--version").output();
    assert!(
        version.is_ok_and(|version| version.status.success()),
        "{binary} cannot be run: `scripts/setup test` installs a NATS server, `scripts/with-tools cargo test` finds it"
    );
    let store = directory.display();
    let config = format!("listen: {listen}\njetstream {{ store_dir: \"{store}\", sync_interval: always }}\n{more}");
    std::fs::write(directory.join("nats.conf"), config).unwrap();
    let mut shell = Command::new("sh")
        .args(["-c", LEASHED, "sh", &binary])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut process).unwrap();
    let process = Pid::from_raw(process.trim().parse().unwrap()).unwrap();
    let log = BufReader::new(shell.stderr.take().unwrap()).lines().map(Result::unwrap);
    let address = read_address(log);
    (shell, process, address)
}

/// Reads the log up to the address and waits until the server answers. A thread reads the rest of the log, because a
/// full pipe would block the server.
fn read_address(mut log: impl Iterator<Item = String> + Send + 'static) -> String {
    let mut said = Vec::new();
    let found = log.by_ref().find_map(|line| {
        let address = line.split_once("Listening for client connections on ").map(|(_, address)| address.to_owned());
        said.push(line);
        address
    });
    let address = found.unwrap_or_else(|| panic!("the NATS server did not start:\n{}", said.join("\n")));
    std::thread::spawn(move || log.for_each(drop));
    let patience = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < patience, "the NATS server does not answer at {address}");
        std::thread::sleep(Duration::from_millis(10));
    }
    address
}
