//! The real program, which tests start, stop and kill.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
#[cfg(target_os = "linux")]
use rustix::process::{Resource, Rlimit, prlimit};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::browser::Site;

/// Public URL of all servers. Users connect to other ports than the servers', and cookies depend on this URL only.
pub const PUBLIC_URL: &str = "http://chat.example";

/// Settings under which the limits per address bound no test: all users have the address 127.0.0.1.
pub const GENEROUS: [(&str, &str); 7] = [
    ("WRONG_CODES", "1000000,1000000"),
    ("NEW_ROOMS", "1000000,1000000"),
    ("JOINS", "1000000,1000000"),
    ("FORMS", "1000000,1000000"),
    ("SOCKETS_PER_ADDRESS", "1000000"),
    ("SOCKETS", "10000000"),
    ("ROOMS", "10000000"),
];

/// The flags of [`GENEROUS`].
pub fn generous_flags() -> impl Iterator<Item = String> {
    GENEROUS.into_iter().map(|(name, value)| format!("--{}={value}", name.to_lowercase().replace('_', "-")))
}

/// Time limit of a server's start, and of its end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The real program, in a process of its own.
pub struct Program {
    binary: PathBuf,
    pub store: PathBuf,
    pub address: SocketAddr,
    environment: Vec<(&'static str, String)>,
    /// Command that starts the program; empty if it is started directly.
    launcher: &'static [&'static str],
    child: Option<Child>,
}

impl Program {
    /// A program that is not started yet.
    pub fn new(binary: PathBuf, store: PathBuf, environment: Vec<(&'static str, String)>) -> Self {
        Self { binary, store, address: free_address(), environment, launcher: &[], child: None }
    }

    /// Sets the command that starts the program and must `exec` it.
    pub fn through(mut self, launcher: &'static [&'static str]) -> Self {
        self.launcher = launcher;
        self
    }

    /// Starts the program and waits until it accepts connections. Returns the time that took.
    pub async fn start(&mut self) -> Duration {
        self.start_as(&mut self.command()).await
    }

    /// Starts the program like [`Program::start`]. The returned task gives its standard error once it has ended.
    pub async fn start_listened(&mut self) -> JoinHandle<std::io::Result<String>> {
        self.start_as(self.command().stderr(Stdio::piped())).await;
        let mut stderr = self.child.as_mut().and_then(|child| child.stderr.take()).expect("its stderr");
        tokio::task::spawn_blocking(move || std::io::read_to_string(&mut stderr))
    }

    /// Starts the program like [`Program::start`], with this as its standard error.
    pub async fn start_writing_to(&mut self, stderr: impl Into<Stdio>) {
        self.start_as(self.command().stderr(stderr)).await;
    }

    async fn start_as(&mut self, command: &mut Command) -> Duration {
        let begun = Instant::now();
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {}: {error}", self.binary.display()));
        let child = self.child.insert(child);
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended by itself: {status}");
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not listen");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        begun.elapsed()
    }

    fn command(&self) -> Command {
        let mut line = self.launcher.iter().map(OsStr::new).chain([self.binary.as_os_str()]);
        let mut command = Command::new(line.next().expect("a program"));
        command
            .args(line)
            .env("PUBLIC_URL", PUBLIC_URL)
            .env("STORE", format!("sqlite://{}", self.store.display()))
            .env("HOST", "127.0.0.1")
            .env("PORT", self.address.port().to_string())
            .env("RUST_LOG", "error")
            .envs(GENEROUS)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Starts the program and waits until it has ended by itself. Returns its exit code and standard error.
    pub async fn refuses(&mut self) -> (Option<i32>, String) {
        let mut child = self.command().stderr(Stdio::piped()).spawn().expect("a program to start");
        let mut stderr = child.stderr.take().expect("its stderr");
        self.child = Some(child);
        let words = tokio::task::spawn_blocking(move || std::io::read_to_string(&mut stderr));
        let code = self.ended(PATIENCE).await.code();
        (code, words.await.expect("no panic").expect("words"))
    }

    /// Sends SIGTERM and waits for the end. Panics if it takes longer than `time`.
    pub async fn terminate(&mut self, time: Duration) -> ExitStatus {
        kill_process(self.process(), Signal::TERM).expect("a process to end");
        self.ended(time).await
    }

    /// Limits the size of files in bytes: a write beyond it fails. `None` removes the limit.
    #[cfg(target_os = "linux")]
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(self.process()), Resource::Fsize, limit).expect("a process to limit");
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.pid().cast_signed()).expect("a server that runs")
    }

    /// Waits until the program has ended. Panics if it takes longer than `time`.
    pub async fn ended(&mut self, time: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            let child = self.child.as_mut().expect("a server that runs");
            if let Some(status) = child.try_wait().unwrap() {
                self.child = None;
                return status;
            }
            assert!(begun.elapsed() < time, "the server has not ended after {time:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a server to kill");
            child.wait().expect("a killed server");
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }
}

impl Site for Program {
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free address whose port is below the range that the system gives to outgoing connections. Otherwise a client that
/// connects to a dead server could be given the server's port, and be connected to itself. No port is given twice: a
/// server that is down keeps its own.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run at the same time begin at different ports.
    let from = 20_000 + (std::process::id() % 600) as u16 * 20;
    std::iter::repeat_with(|| from + NEXT.fetch_add(1, Ordering::Relaxed))
        .take(5_000)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .find(|address| StdListener::bind(address).is_ok())
        .expect("a free port")
}
