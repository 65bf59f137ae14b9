//! Clients that do not read what the server sends, and other members, who must not be affected.

use std::time::{Duration, Instant};

use protocol::{RoomCode, Seq};
use testkit::checker;
use testkit::dice::Dice;
use testkit::history::History;
use testkit::node::Program;
use testkit::{http, kernel};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::people::{Crowd, is_bye, person, read_on, within};
use crate::{KEEPS, PATIENCE, program, until, until_within};
use testkit::ids::mint;
use testkit::raw_client::{RawClient, TINY};
use testkit::truth::{self, Truth};
use testkit::user::{Act, Person};

/// Maximum time for which a peer may take no byte of a frame (PROTOCOL.md, Codes).
const GIVEN_UP: Duration = Duration::from_secs(10);

/// Maximum time for which a peer may take nothing of an HTTP answer (PROTOCOL.md, Getting in).
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Time without a failed accept after which the recovery is logged.
const RECOVERED: Duration = Duration::from_secs(10);

/// Bytes of a receive buffer that is soon full while the client does not read, and does not slow down one that reads.
const BUFFER: u32 = 16_384;

/// A server with two members at pages and a crowd of writers. Each test adds slow readers.
struct Scene {
    _directory: tempfile::TempDir,
    server: Program,
    code: RoomCode,
    people: [Person; 2],
    crowd: Crowd,
}

impl Scene {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = program(directory.path());
        server.start().await;
        let (ana, seat) = person(server.address, "Ana", None).await;
        let (ben, _) = person(server.address, "Ben", Some(seat.code)).await;
        let crowd = Crowd::enter(server.address, seat.code).await;
        Self { _directory: directory, server, code: seat.code, people: [ana, ben], crowd }
    }

    /// Connects a member with a small receive buffer.
    async fn slow(&self, name: &str) -> RawClient {
        let seat = http::enter(self.server.address, name, Some(self.code), 0).await.unwrap();
        RawClient::connect(self.server.address, &seat, Some(BUFFER)).await
    }

    fn head(&self) -> Seq {
        truth::head(&self.server.store, self.code).unwrap()
    }

    /// Reads up to the head of the room's log.
    async fn catch_up(&self, raw: &mut RawClient) {
        let head = format!(r#"{{"seq":{},"#, self.head().0);
        let reads = async { while !raw.next_text().await.expect("an open connection").contains(&head) {} };
        within(PATIENCE, reads).await;
    }

    /// Fails unless the members at pages show every event on their first connections, and the log agrees with what they
    /// and the crowd sent and saw.
    async fn assert_others_are_not_affected(mut self) {
        let head = self.head();
        let mut histories: Vec<History> = Vec::new();
        for mut person in self.people {
            assert!(person.until(PATIENCE, |view| view.live && view.head == head).await, "{:?}", person.view());
            assert_eq!(person.view().dials, 1);
            histories.push(person.finish().await);
        }
        histories.extend(self.crowd.histories());
        self.server.kill();
        let truth = Truth { keeps: KEEPS, ..Truth::read(&self.server.store, self.code).unwrap() };
        assert_eq!(checker::check(&truth, &histories), []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_overtaken_three_times_closes_with_4001_and_others_are_not_affected() {
    let mut scene = Scene::start().await;
    let mut slow = scene.slow("Slow").await;
    for _ in 0..2 {
        scene.crowd.flood().await;
        scene.catch_up(&mut slow).await;
    }
    scene.crowd.flood().await;
    let end = within(PATIENCE, read_on(slow)).await;
    assert!(is_bye(&end, 4001), "{end:?}");
    scene.assert_others_are_not_affected().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_http_answer_is_cut_after_twenty_seconds() {
    const READERS: usize = 4;
    let directory = tempfile::tempdir().unwrap();
    let mut server = program(directory.path());
    server.start().await;
    let seat = http::enter(server.address, "Ana", None, 2).await.unwrap();
    let (mut raw, mut dice) = (RawClient::connect(server.address, &seat, None).await, Dice::new(1));
    // The page has more bytes than the kernel buffers.
    for _ in 0..100 {
        let id = mint(&mut dice);
        raw.append(id, "🧪".repeat(4_000)).await;
        while !raw.next_text().await.expect("an open connection").contains(&id.to_string()) {}
    }
    let (address, code, cookie) = (server.address, seat.code, &seat.cookie);
    let request =
        format!("GET /room/{code} HTTP/1.0\r\nHost: {address}\r\nCookie: {cookie}\r\nAccept: text/html\r\n\r\n");
    let open = kernel::descriptors(server.pid());
    let begun = Instant::now();
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(TINY).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        readers.push(stream);
    }
    until("all connections are accepted", || kernel::descriptors(server.pid()) == open + READERS).await;
    until_within(PATIENCE * 3, "all connections are cut", || kernel::descriptors(server.pid()) == open).await;
    assert!(begun.elapsed() >= WRITE_TIMEOUT, "cut after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lack_of_descriptors_and_its_end_are_each_logged_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Program::new(
        env!("CARGO_BIN_EXE_server").into(),
        directory.path().join("flasky.db"),
        vec![("RUST_LOG", "info".to_owned())],
    )
    .through(&["sh", "-c", r#"ulimit -n 64; exec "$0""#]);
    let log = server.start_listened().await;
    for _ in 0..2 {
        let mut crowd = Vec::new();
        for _ in 0..100 {
            crowd.push(TcpStream::connect(server.address).await.unwrap());
        }
        // Some connections end, and others are accepted in their place.
        for _ in 0..8 {
            crowd.drain(..5);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        drop(crowd);
        tokio::time::sleep(RECOVERED + Duration::from_secs(1)).await;
        assert!(http::is_ready(server.address).await.unwrap());
    }
    assert!(server.terminate(PATIENCE).await.success());
    let log = log.await.unwrap().unwrap();
    assert_eq!(log.matches("cannot accept connections").count(), 2, "{log}");
    assert_eq!(log.matches("accepting connections again").count(), 2, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_unread_for_ten_seconds_is_dropped_and_others_are_not_affected() {
    let mut scene = Scene::start().await;
    let begun = Instant::now();
    let (dead, mut slow) = (scene.slow("Dead").await, scene.slow("Slow").await);
    scene.crowd.flood().await;
    let port = scene.server.address.port();
    assert!(kernel::unsent(port, dead.port()) > 0 && kernel::unsent(port, slow.port()) > 0, "nothing is unsent");

    // The others write meanwhile, and a reader that pauses for less than the limit stays connected.
    let mut said = 0;
    while begun.elapsed() < GIVEN_UP / 2 {
        let [ana, ben] = &mut scene.people;
        for (name, person, n) in [("Ana", ana, said), ("Ben", ben, said)] {
            person.act(Act::Send(format!("{name} is still here, {n}")));
            let begun = Instant::now();
            assert!(person.until(PATIENCE, |view| view.acked == n + 1).await, "{:?}", person.view());
            assert!(begun.elapsed() < GIVEN_UP / 2, "a client that does not read delays the others");
        }
        said += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.catch_up(&mut slow).await;

    assert!(kernel::is_open(port, dead.port()));
    until("the dead connection is dropped", || !kernel::is_open(port, dead.port())).await;
    assert!(begun.elapsed() >= GIVEN_UP, "dropped after {:?}", begun.elapsed());
    scene.people[0].act(Act::Send("and after".to_owned()));
    assert!(scene.people[0].until(PATIENCE, |view| view.acked == said + 1).await);
    scene.catch_up(&mut slow).await;
    scene.assert_others_are_not_affected().await;
}
