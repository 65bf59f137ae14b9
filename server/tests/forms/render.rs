//! Pages that take long to render, and what goes on beside them.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::client::{Browser, Person};
use crate::support::server::{Server, TALKATIVE};

/// Pages that are asked for at once.
const PAGES: usize = 4;

/// Asks for a page, and waits for it for as long as it takes: its first line.
async fn render(person: Person) -> String {
    let mut stream = TcpStream::connect(person.browser.address).await.unwrap();
    let (page, cookie) = (person.page(), person.browser.cookie.unwrap());
    let request = format!("GET {page} HTTP/1.0\r\nHost: localhost\r\nCookie: {cookie}\r\nAccept: text/html\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap().lines().next().unwrap().to_owned()
}

/// A room of default settings whose page costs a lot: every `@` may begin the name of each member.
async fn room_of_mentions(server: &Server) -> Person {
    let names: Vec<_> = (0..50).map(|n| format!("{n:@>31}")).collect();
    let ana = Person::create(server, &names[0]).await;
    for name in &names[1..] {
        Person::join(server, ana.code, name).await;
    }
    let mut socket = ana.connect().await;
    for _ in 0..20 {
        socket.said(&"@".repeat(4_000)).await;
    }
    ana
}

#[tokio::test]
async fn health_and_sockets_answer_while_pages_render() {
    let server = Server::start(&TALKATIVE).await;
    let ana = room_of_mentions(&server).await;
    let mut socket = Person::create(&server, "Bo").await.connect().await;
    let mut worst = Duration::ZERO;
    let begun = Instant::now();
    let mut pages = std::pin::pin!(join_all((0..PAGES).map(|_| tokio::spawn(render(ana.clone())))));
    let answers = loop {
        tokio::select! {
            biased;
            answers = &mut pages => break answers,
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        let asked = Instant::now();
        assert_eq!(Browser::new(&server).get("/healthz").await.body, "alive\n");
        socket.said("still here").await;
        worst = worst.max(asked.elapsed());
    };
    let took = begun.elapsed();
    println!("{PAGES} pages in {took:?}, {answers:?}; /healthz and an echo in {worst:?} at worst");
    assert!(worst * 4 < took, "health and an echo waited {worst:?} beside pages that took {took:?}");
}
