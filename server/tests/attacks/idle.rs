//! Ten thousand idle sockets of one address. The rooms beside them have another one.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::browser::{Browser, Person};
use testkit::within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::beside::Beside;
use crate::raw::{FIN, HANDSHAKE, HELLO, TEXT, frame, handshake};
use crate::{FLOOD, Target};

const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SOCKETS: usize = 10_000;
/// Sockets that an address may have open by default (README.md, `SOCKETS_PER_ADDRESS`), and a member.
const DEFAULT: usize = 200;
const TABS: usize = 8;
/// Descriptors of this process and of the server that are not for these sockets.
const OTHERS: u64 = 2_000;
/// Connections that are being opened at a time.
const AT_ONCE: usize = 32;

/// Opens a socket from the attacker's address and says hello. Fails with the status if there is no upgrade.
async fn open(person: Person) -> Result<TcpStream, u16> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((ATTACKER, 0))).unwrap();
    let mut stream = within(socket.connect(person.browser.address)).await.unwrap();
    let hello = [handshake(&person, &HANDSHAKE).as_bytes(), b"\r\n\r\n", &frame(FIN | TEXT, HELLO.as_bytes())].concat();
    stream.write_all(&hello).await.unwrap();
    let answer = read_until(&mut stream, |answer| answer.contains(r#""type":"events""#) || !is_upgraded(answer)).await;
    if is_upgraded(&answer) { Ok(stream) } else { Err(answer[9..12].parse().unwrap()) }
}

fn is_upgraded(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 101 ")
}

async fn read_until(stream: &mut TcpStream, is_enough: impl Fn(&str) -> bool) -> String {
    let mut answer = Vec::new();
    loop {
        assert_ne!(within(stream.read_buf(&mut answer)).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
        let text = String::from_utf8_lossy(&answer);
        if is_enough(&text) {
            return text.into_owned();
        }
    }
}

/// Opens as many sockets as people are given, some at a time.
async fn open_all(people: impl Iterator<Item = Person>) -> Vec<Result<TcpStream, u16>> {
    let (mut opening, mut opened) = (JoinSet::new(), Vec::new());
    for person in people {
        if opening.len() >= AT_ONCE {
            opened.extend(opening.join_next().await.map(Result::unwrap));
        }
        opening.spawn(open(person));
    }
    opened.extend(opening.join_all().await);
    opened
}

/// Takes a seat in this many rooms of one's own, all with one cookie.
async fn seats(server: &Target, count: usize) -> Vec<Person> {
    let (mut browser, mut seats) = (Browser::new(server), Vec::new());
    for _ in 0..count {
        let (code, me) = browser.enter(&[("name", "Eve")]).await;
        seats.push(Person { browser: browser.clone(), code, me });
    }
    seats
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn address_has_200_sockets_by_default_and_those_above_are_answered_with_429() {
    let server = Target::with(&[("SOCKETS_PER_ADDRESS", &DEFAULT.to_string())], &[]).await;
    let mut beside = Beside::enter(&server).await;
    let seats = seats(&server, DEFAULT / TABS).await;
    let attack = async {
        let open = open_all(seats.iter().cycle().take(DEFAULT).cloned()).await;
        let more = open_all(seats.iter().cycle().take(SOCKETS - DEFAULT).cloned()).await;
        (open, more)
    };
    let (open, more) = beside.during("10 000 sockets of one address, default limits", attack).await;
    assert!(open.iter().all(Result::is_ok));
    assert!(more.iter().all(|socket| matches!(socket, Err(429))));
    assert_eq!(server.metric("flasky_sockets").await, beside.sockets() + DEFAULT as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_sockets_are_held_where_the_limits_allow_them() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let free = limit.maximum.map_or(SOCKETS, |most| most.saturating_sub(OTHERS) as usize);
    let count = SOCKETS.min(free / TABS * TABS);
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let seats = seats(&server, count / TABS).await;
    let (before, sockets) = (server.mebibytes(), beside.sockets() + count as u64);
    let attack = async {
        let (begun, open) = (Instant::now(), open_all(seats.iter().cycle().take(count).cloned()).await);
        let mut open: Vec<_> = open.into_iter().map(|socket| socket.expect("an upgrade")).collect();
        let (took, more) = (begun.elapsed(), server.mebibytes() - before);
        println!("{count} idle sockets of one address, opened in {took:.1?}: {more:.0} MiB");
        assert_eq!(server.metric("flasky_sockets").await, sockets);
        sleep(FLOOD).await;
        for socket in open.iter_mut().step_by(100) {
            socket.write_all(&frame(FIN | TEXT, br#"{"type":"ping","n":7}"#)).await.unwrap();
            read_until(socket, |said| said.contains(r#"{"type":"pong","n":7}"#)).await;
        }
    };
    beside.during("10 000 idle sockets of one address, limits raised", attack).await;
}
