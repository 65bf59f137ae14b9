//! Signals and proposals without end, from one member on all of its connections.

use std::time::Instant;

use protocol::{ClientFrame, Delivered, ErrorCode, MemberId, Proposal, ServerFrame, codec};
use testkit::event_id;
use tokio::time::{sleep, timeout};

use crate::beside::Beside;
use crate::raw::{FIN, Raw, TEXT, frame};
use crate::{FLOOD, PATIENCE, Target, join};

/// Connections of the member: all that it may have.
const TABS: usize = 8;
/// Signals and proposals on each, many times what is read of them.
const EACH: usize = 1_000;
/// Messages and signals that a member may send at once, and a second (PROTOCOL.md, Limits and `signal`).
const MESSAGES: (f64, f64) = (10.0, 5.0);
const SIGNALS: (f64, f64) = (3.0, 1.0);

/// Messages and signals of a member that another one has received.
#[derive(Default)]
struct Heard {
    messages: usize,
    signals: usize,
}

impl Heard {
    fn count(&mut self, frame: ServerFrame, of: MemberId) {
        match frame {
            ServerFrame::Events { events, .. } => {
                let is_theirs = |delivered: &&Delivered| matches!(delivered, Delivered::Event(event) if event.by == of);
                self.messages += events.iter().filter(is_theirs).count();
            }
            ServerFrame::Signal { member, typing: Some(_), .. } if member == of => self.signals += 1,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_and_proposals_above_the_rate_reach_nobody_and_messages_of_others_do_not_wait() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let [eve, listener] = &join(&server, beside.code(), 2).await[..] else { panic!("two people") };
    let mut ear = Raw::greet(listener).await;
    let (mut heard, begun) = (Heard::default(), Instant::now());
    let attack = async {
        let mut tabs = Vec::new();
        for _ in 0..TABS {
            tabs.push(Raw::greet(eve).await);
        }
        for tab in &mut tabs {
            let both = (0..EACH).flat_map(|_| {
                let event = Proposal::Message { body: "x".repeat(100), reply_to: None };
                [ClientFrame::Append { id: event_id(), event }, ClientFrame::Signal { typing: true }]
            });
            let bytes: Vec<_> = both.flat_map(|sent| frame(FIN | TEXT, codec::encode(&sent).as_bytes())).collect();
            tab.push(&bytes).await;
        }
        let end = sleep(FLOOD);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return tabs,
                next = ear.next() => {
                    let next = next.expect("an open connection");
                    if next.opcode == TEXT {
                        heard.count(codec::decode(str::from_utf8(&next.payload).unwrap()).unwrap(), eve.me);
                    }
                }
            }
        }
    };
    let mut tabs = beside.during("signals and proposals without end", attack).await;
    let most = |(at_once, per_second): (f64, f64)| at_once + per_second * begun.elapsed().as_secs_f64() + 1.0;
    println!("heard of {}: {} messages, {} signals", TABS * EACH, heard.messages, heard.signals);
    assert!((MESSAGES.0..=most(MESSAGES)).contains(&(heard.messages as f64)), "{} messages", heard.messages);
    assert!((1.0..=most(SIGNALS)).contains(&(heard.signals as f64)), "{} signals", heard.signals);
    let refused = async {
        loop {
            if let Ok(ServerFrame::Rejected { error, retry_ms, .. }) = codec::decode(&tabs[0].said().await) {
                return (error, retry_ms.is_some());
            }
        }
    };
    assert_eq!(timeout(PATIENCE, refused).await.expect("a refusal"), (ErrorCode::Rate, true));
}
