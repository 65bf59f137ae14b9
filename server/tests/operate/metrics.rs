//! `/metrics`: correct values, without personal data.

use hyper::StatusCode;
use protocol::Proposal;
use testkit::within;

use crate::support::{Server, TALKATIVE};
use testkit::browser::{Browser, Person};
use testkit::socket::Handshake;

struct Figures(String);

impl Figures {
    async fn of(server: &Server) -> Self {
        let mut prometheus = Browser { address: server.metrics, cookie: None };
        let answer = prometheus.get("/metrics").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
        Self(answer.body)
    }

    /// Value of the series of this name and these labels, 0 when there is none yet.
    fn get(&self, series: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }
}

#[tokio::test]
async fn metrics_count_events_connections_and_refusals() {
    let server = Server::start(&TALKATIVE).await;
    assert_eq!(Figures::of(&server).await.get("flasky_sockets"), 0.0);
    let ana = Person::create(&server, "Ana-Who-Is-Nowhere").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut tab, mut at_bo) = (ana.connect().await, ana.connect().await, bo.connect().await);
    at_ana.asked(Proposal::Settings("Vault".to_owned().into())).await.unwrap();
    for socket in [&mut tab, &mut at_bo] {
        socket.event().await;
    }
    for n in 0..20 {
        at_ana.said(&format!("treasure {n}")).await;
        for socket in [&mut tab, &mut at_bo] {
            socket.message().await;
        }
    }
    let empty = Proposal::Message { body: "  ".to_owned(), reply_to: None };
    at_bo.asked(empty).await.unwrap_err();
    Browser::new(&server).call("/api/enter", &[("name", "")]).await;
    let position = at_bo.position();
    at_bo.stream.close(None).await.unwrap();
    drop(at_bo);
    let _at_bo = bo.resume(position).await;
    let mut stranger = Handshake { cookie: None, ..bo.handshake() }.open().await.unwrap();
    assert_eq!(stranger.end().await, 4501);

    let figures = Figures::of(&server).await;
    for (series, value) in [
        ("flasky_build_info{version=\"0.1.0\"}", 1.0),
        ("flasky_rooms", 1.0),
        ("flasky_members", 2.0),
        ("flasky_connections_total", 5.0),
        // Two `joined`, 20 messages, and the room's name.
        ("flasky_appends_total{outcome=\"stored\"}", 23.0),
        ("flasky_fan_out_seconds_count", 63.0),
        ("flasky_resumes_total{recovered=\"true\"}", 1.0),
        ("flasky_closes_total{code=\"4501\"}", 1.0),
        ("flasky_rejections_total{error=\"empty\"}", 1.0),
        ("flasky_rejections_total{error=\"name_missing\"}", 1.0),
        ("flasky_store_seconds_count{operation=\"append\"}", 23.0),
        ("flasky_store_failures_total{operation=\"append\"}", 0.0),
    ] {
        assert_eq!(figures.get(series), value, "{series} in\n{}", figures.0);
    }
    // 20 live messages on each of three connections, and the replays.
    assert!(figures.get("flasky_deliveries_total") >= 60.0, "{}", figures.0);
    for secret in [&ana.code.to_string(), "Nowhere", "treasure", "Vault", &ana.me.0.to_string(), &bo.me.0.to_string()] {
        assert!(!figures.0.contains(secret), "{secret} in\n{}", figures.0);
    }
    // Exported before the first failure, because an increase from a missing series cannot be seen.
    assert!(figures.0.contains("flasky_store_failures_total{operation=\"snapshot\"} 0\n"), "{}", figures.0);
    // Every series that the dashboard and the alerts query exists.
    for asker in [include_str!("../../../deploy/grafana.json"), include_str!("../../../deploy/alerts.yml")] {
        let words = asker.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let asked: Vec<&str> = words.filter(|word| word.starts_with("flasky_")).collect();
        assert!(asked.len() > 2, "{asked:?}");
        for name in asked {
            assert!(figures.0.lines().any(|line| line.starts_with(name)), "{name} in\n{}", figures.0);
        }
    }

    let open = async {
        while Figures::of(&server).await.get("flasky_sockets") > 3.0 {
            tokio::task::yield_now().await;
        }
    };
    within(open).await;
}

/// The public listener has no metrics, and the listener for Prometheus nothing else.
#[tokio::test]
async fn metrics_have_a_listener_of_their_own() {
    let server = Server::start(&[]).await;
    assert_eq!(Browser::new(&server).get("/metrics").await.status, StatusCode::NOT_FOUND);
    let mut prometheus = Browser { address: server.metrics, cookie: None };
    assert_eq!(prometheus.get("/").await.status, StatusCode::NOT_FOUND);
}
