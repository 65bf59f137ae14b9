//! A NATS server of the tests' own: one per test binary, started by the first test that needs it, gone with the process.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Where it listens.
pub(crate) fn address() -> &'static str {
    static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
    &SERVER.address
}

struct Server {
    address: String,
    /// The server ends when this is closed, however this process ends.
    _leash: Mutex<ChildStdin>,
}

/// Ends the server, and removes what it stored, when its input ends: with the process that holds the other end.
const LEASHED: &str = r#"
"$1" --config "$2/nats.conf" >&2 &
server=$!
cat >/dev/null
kill -9 $server
wait $server
rm -rf "$2"
"#;

impl Server {
    fn start() -> Self {
        let binary = std::env::var("NATS_SERVER").unwrap_or_else(|_| "nats-server".to_owned());
        let version = Command::new(&binary).arg("--version").output();
        assert!(
            version.is_ok_and(|version| version.status.success()),
            "no NATS server: {binary} cannot be run. `scripts/setup test` installs it, `scripts/with-tools cargo test` finds it"
        );
        let directory = tempfile::tempdir().unwrap().keep();
        let config = format!(
            "listen: 127.0.0.1:-1\nports_file_dir: \"{0}\"\njetstream {{ store_dir: \"{0}\", sync_interval: always }}\n",
            directory.display()
        );
        std::fs::write(directory.join("nats.conf"), config).unwrap();
        let mut shell = Command::new("sh")
            .args(["-c", LEASHED, "sh", &binary])
            .arg(&directory)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(shell.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = read_address(log);
        Self { address, _leash: Mutex::new(shell.stdin.take().unwrap()) }
    }
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
