//! NATS servers of the tests' own, on free ports. None outlives the process that started it, however that ends.

#![allow(dead_code, reason = "each of the test crates uses a part")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where the server listens that all tests of a binary share.
pub(crate) fn address() -> &'static str {
    static SHARED: LazyLock<Server> = LazyLock::new(Server::start);
    SHARED.address()
}

/// A store there that nobody has used.
pub(crate) fn store_url() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("nats://{}/t{}-{}", address(), std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs the server until its own input ends, which it does with the process that holds the other end; then removes
/// what was stored, unless that is to be found again.
const LEASHED: &str = r#"
"$1" --config "$2/nats.conf" >&2 &
server=$!
cat >/dev/null
exec 2>/dev/null # nobody reads it any more
kill -9 $server
wait $server
[ -e "$2/keep" ] || rm -rf "$2"
"#;

/// One that stands alone.
pub(crate) struct Server {
    directory: PathBuf,
    address: String,
    shell: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap().keep();
        let (shell, address) = run(&directory, "127.0.0.1:-1");
        Self { directory, address, shell }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// `kill -9`. What it stored stays.
    pub(crate) fn kill(&mut self) {
        std::fs::write(self.directory.join("keep"), "").unwrap();
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }

    /// At the same address, with what it stored.
    pub(crate) fn start_again(&mut self) {
        std::fs::remove_file(self.directory.join("keep")).unwrap();
        (self.shell, _) = run(&self.directory, &self.address);
    }
}

/// A server that answers, and where.
fn run(directory: &std::path::Path, listen: &str) -> (Child, String) {
    let binary = std::env::var("NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned());
    let version = Command::new(&binary).arg("--version").output();
    assert!(
        version.is_ok_and(|version| version.status.success()),
        "{binary} cannot be run: `scripts/setup test` installs a NATS server, `scripts/with-tools cargo test` finds it"
    );
    let store = directory.display();
    let config = format!("listen: {listen}\njetstream {{ store_dir: \"{store}\", sync_interval: always }}\n");
    std::fs::write(directory.join("nats.conf"), config).unwrap();
    let mut shell = Command::new("sh")
        .args(["-c", LEASHED, "sh", &binary])
        .arg(directory)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(shell.stderr.take().unwrap()).lines().map(Result::unwrap);
    (shell, read_address(log))
}

/// Reads the log up to the address, and the rest of it elsewhere: a full pipe would stop the server.
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
