//! More connections than the server has descriptors.

use std::time::Duration;

use testkit::kernel::descriptors;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::beside::Beside;
use crate::{BOUND, PATIENCE, Target, until_within};

const LAUNCHER: &[&str] = &["sh", "-c", r#"ulimit -n 96; exec "$0""#];
/// Descriptors of that, and the connections of an attacker: more than are left of it.
const DESCRIPTORS: usize = 96;
const CROWD: usize = 150;
/// Processor time that the server may use in a second without descriptors, more than in one with them. A loop of failing
/// calls would use all of it.
const BUSY: Duration = Duration::from_millis(300);

const WHOLE: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// A request that goes on for as long as it may: ten seconds.
const BEGUN: &str = "GET /healthz HTTP/1.1\r\nHost: lo";

async fn connect(server: &Target, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.program.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Returns true if the connection is answered in this time.
async fn is_answered(stream: &mut TcpStream, time: Duration) -> bool {
    timeout(time, stream.read(&mut [0; 1])).await.is_ok_and(|read| matches!(read, Ok(1)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accept_goes_on_when_a_descriptor_is_free_and_uses_no_processor_until_then() {
    let server = Target::with(&[], LAUNCHER).await;
    let mut beside = Beside::enter(&server).await;
    let used_in_a_second = async || {
        let before = server.cpu_time();
        sleep(Duration::from_secs(1)).await;
        server.cpu_time() - before
    };
    let attack = async {
        let before = used_in_a_second().await;
        let mut crowd = Vec::new();
        for _ in 0..CROWD {
            crowd.push(connect(&server, BEGUN).await);
        }
        let is_full = async || descriptors(server.program.pid()) >= DESCRIPTORS;
        until_within(PATIENCE, "no descriptor is left", is_full).await;
        let used = used_in_a_second().await;
        println!("descriptors: {used:?} of processor in a second without any, {before:?} with");
        assert!(used < before + BUSY, "{used:?} of processor in a second, {before:?} before");
        let mut late = connect(&server, WHOLE).await;
        assert!(!is_answered(&mut late, Duration::from_millis(500)).await, "a descriptor was left");
        drop(crowd);
        // Behind those of the crowd that were never accepted. Less than their ten seconds, after which any server has room.
        assert!(is_answered(&mut late, Duration::from_secs(5)).await, "not accepted when descriptors were free");
    };
    beside.during("no descriptors", attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_wait_for_a_request_make_room_when_descriptors_run_out() {
    let server = Target::with(&[], LAUNCHER).await;
    let mut beside = Beside::enter(&server).await;
    let attack = async {
        let mut crowd = Vec::new();
        for n in 0..CROWD {
            let mut idle = connect(&server, if n % 2 == 0 { WHOLE } else { "" }).await;
            if n % 2 == 0 {
                assert!(is_answered(&mut idle, BOUND).await, "connection {n}");
            }
            crowd.push(idle);
        }
        assert!(is_answered(&mut connect(&server, WHOLE).await, BOUND).await);
    };
    beside.during("idle connections, no descriptors", attack).await;
}
