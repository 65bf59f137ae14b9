//! Messages at their maximum length that are dear to parse, to draw or to lay out.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use testkit::browser::Person;
use testkit::event_id;
use tokio::task::JoinSet;

use crate::beside::Beside;
use crate::{FLOOD, Target, join};

/// Maximum number of characters in a message (PROTOCOL.md, `limits.body`).
const LENGTH: usize = 4_000;
/// Messages in a page.
const PAGE: usize = 100;
/// Messages that a member may send at once.
const AT_ONCE: usize = 10;
/// People who load the page again and again.
const READERS: usize = 4;
/// Maximum time of a page, after which it is answered with 503 (PROTOCOL.md, Getting in).
const DEADLINE: Duration = Duration::from_secs(10);
/// Maximum size of a page in bytes. A room keeps 1 MiB of messages, which are there twice: drawn, with their elements, and
/// for the program of the page.
const BYTES: usize = 3 * 1024 * 1024;

/// Texts that are repeated up to the maximum length.
const REPEATED: [&str; 25] = [
    "> ",
    ">",
    "> - ",
    "- ",
    "1. ",
    "*",
    "**a ",
    "*a **b ~~c ",
    "_",
    "~~",
    "[",
    "](",
    "[](a:b)",
    "![a](b",
    "`",
    "``a ",
    "```\n",
    "<",
    "@",
    "\\*",
    "https://a.b ",
    "a\u{300}\u{301}\u{302}\u{303}\u{316}\u{317}\u{489}",
    "\u{202e}a\u{2066}",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦",
    "👍\u{1f3fd}\u{200d}",
];

fn bombs() -> Vec<String> {
    let mut bombs: Vec<String> = REPEATED.iter().map(|text| text.chars().cycle().take(LENGTH).collect()).collect();
    // Each line deeper than the one before.
    bombs.extend(["> ", "  - "].map(|mark| {
        let lines: String = (1..LENGTH)
            .map(|depth| mark.repeat(depth) + "a\n")
            .scan(0, |length, line| {
                *length += line.len();
                (*length <= LENGTH).then_some(line)
            })
            .collect();
        lines
    }));
    bombs.push("a".to_owned() + &"\u{300}".repeat(LENGTH - 1));
    bombs
}

/// Says something by a form without script, which leads back to the page.
async fn post(person: &mut Person, body: &str) {
    let (code, id) = (person.code.to_string(), event_id().to_string());
    let answer = person.browser.submit("/api/post_message", &[("code", &code), ("id", &id), ("body", body)]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, &*person.page()), "{body:.20}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn page_of_unicode_and_markup_bombs_is_rendered_within_its_time() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let mut eve = Person::create(&server, "Eve").await;
    let members = join(&server, eve.code, PAGE / AT_ONCE).await;
    let attack = async {
        let mut bombs = bombs().into_iter().cycle();
        for mut member in members {
            let mut socket = member.connect().await;
            for (n, bomb) in bombs.by_ref().take(AT_ONCE).enumerate() {
                if n % 2 == 0 {
                    post(&mut member, &bomb).await;
                } else {
                    let id = socket.say(&bomb).await;
                    socket.answer(id).await.unwrap_or_else(|refused| panic!("{refused:?}: {bomb:.20}"));
                }
            }
        }
        let (begun, mut readers) = (Instant::now(), JoinSet::new());
        for _ in 0..READERS {
            let mut eve = eve.clone();
            readers.spawn(async move {
                let (mut slowest, mut bytes, mut pages) = (Duration::ZERO, 0, 0);
                while pages == 0 || begun.elapsed() < FLOOD {
                    let asked = Instant::now();
                    let page = eve.browser.get(&eve.page()).await;
                    assert_eq!(page.status, StatusCode::OK, "{:.200}", page.body);
                    (slowest, bytes, pages) = (slowest.max(asked.elapsed()), page.body.len(), pages + 1);
                }
                (slowest, bytes, pages)
            });
        }
        readers.join_all().await
    };
    let read = beside.during("Unicode and markup bombs", attack).await;
    let (slowest, bytes) = (read.iter().map(|page| page.0).max().unwrap(), read[0].1);
    let pages: usize = read.iter().map(|page| page.2).sum();
    println!("bombs: {pages} pages of {bytes} bytes, {slowest:?} at most");
    assert!(slowest < DEADLINE && bytes < BYTES, "{slowest:?}, {bytes} bytes");
    assert!(eve.browser.get(&eve.page()).await.body.contains("</html>"));
}
