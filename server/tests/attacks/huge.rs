//! Frames that are too large, or say that they will be.

use std::time::Instant;

use tokio::task::JoinSet;

use crate::beside::Beside;
use crate::raw::{BINARY, FIN, Raw, TEXT, frame};
use crate::{FLOOD, Target, join};

/// Members of a room beside the others, who send the frames.
const MEMBERS: usize = 20;
/// Connections of each that announce the largest frame and send nothing of it: half of those that a member may have.
const ANNOUNCED: usize = 4;
/// Maximum size of a text message in bytes, and of what is read of a longer one (PROTOCOL.md, Close codes).
const MESSAGE: usize = 64 * 1024;
const READ: usize = 128 * 1024;
/// MiB that all of them may add to the server's memory.
const HELD: f64 = 32.0;

/// Encodes the header of a frame of this many bytes.
fn announced(first: u8, bytes: u64) -> Vec<u8> {
    [&[first, 0x80 | 127], &bytes.to_be_bytes()[..], &[0; 4]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_frames_are_closed_and_take_no_memory() {
    let server = Target::start().await;
    let mut beside = Beside::enter(&server).await;
    let members = join(&server, beside.code(), MEMBERS).await;
    let frames = [
        (announced(FIN | TEXT, 1 << 40), 1009),
        (announced(FIN | BINARY, 1 << 40), 1009),
        (announced(TEXT, 1 << 40), 1009),
        (announced(FIN | TEXT, u64::MAX >> 1), 1009),
        (frame(FIN | TEXT, &vec![b'x'; READ + 1]), 1009),
        (frame(FIN | TEXT, &vec![b'x'; MESSAGE + 1]), 4507),
    ];
    let before = server.mebibytes();
    let attack = async {
        let (begun, mut senders) = (Instant::now(), JoinSet::new());
        for member in members {
            let frames = frames.clone();
            senders.spawn(async move {
                let (mut waiting, mut sent) = (Vec::new(), 0);
                for _ in 0..ANNOUNCED {
                    let mut raw = Raw::greet(&member).await;
                    raw.write(&announced(FIN | TEXT, READ as u64)).await;
                    waiting.push(raw);
                }
                for (bytes, code) in frames.iter().cycle() {
                    if begun.elapsed() > FLOOD && sent >= frames.len() {
                        break;
                    }
                    let mut raw = Raw::greet(&member).await;
                    raw.push(bytes).await;
                    assert_eq!(raw.code().await, Some(*code), "{} bytes", bytes.len());
                    sent += 1;
                }
                (waiting, sent)
            });
        }
        senders.join_all().await
    };
    let senders = beside.during("huge frames", attack).await;
    let (more, sent) = (server.mebibytes() - before, senders.iter().map(|(_, sent)| sent).sum::<usize>());
    println!("{sent} huge frames, {} announced: {more:.0} MiB", MEMBERS * ANNOUNCED);
    assert!(more < HELD, "{more:.0} MiB more");
}
