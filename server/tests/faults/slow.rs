//! People who do not read what they are told, and those who must not notice.

use std::time::{Duration, Instant};

use app::protocol::{RoomCode, Seq};

use crate::people::{Crowd, is_bye, person, read_on, within};
use crate::proof::checker;
use crate::proof::client::{Act, Person};
use crate::proof::history::History;
use crate::proof::light::Light;
use crate::proof::node::Program;
use crate::proof::store::{self, Truth};
use crate::proof::{http, kernel};
use crate::{KEEPS, PATIENCE, program, until};

/// How long a peer may take no byte (PROTOCOL.md, Codes).
const GIVEN_UP: Duration = Duration::from_secs(10);

/// Takes little while its owner does not read, and is not slow when they do.
const BUFFER: u32 = 16_384;

/// Two people at pages, a crowd, and whoever is slow.
struct Scene {
    _directory: tempfile::TempDir,
    server: Program,
    code: RoomCode,
    people: [Person; 2],
    crowd: Crowd,
}

impl Scene {
    async fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = program(directory.path());
        server.start().await;
        let (ana, seat) = person(server.address, "Ana", None).await;
        let (ben, _) = person(server.address, "Ben", Some(seat.code)).await;
        let crowd = Crowd::enter(server.address, seat.code).await;
        Self { _directory: directory, server, code: seat.code, people: [ana, ben], crowd }
    }

    /// Somebody whose kernel takes little.
    async fn slow(&self, name: &str) -> Light {
        let seat = http::enter(self.server.address, name, Some(self.code), 0).await.unwrap();
        Light::connect(self.server.address, &seat, Some(BUFFER)).await
    }

    fn head(&self) -> Seq {
        store::head(&self.server.store, self.code).unwrap()
    }

    /// Reads up to the room's end.
    async fn catch_up(&self, light: &mut Light) {
        let head = format!(r#"{{"seq":{},"#, self.head().0);
        let reads = async { while !light.hear().await.expect("a connection that holds").contains(&head) {} };
        within(PATIENCE, reads).await;
    }

    /// The people at their pages have everything, on the connections they began with.
    async fn nobody_noticed(mut self) {
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
async fn who_is_overtaken_three_times_is_told_so_and_nobody_else_notices() {
    let mut scene = Scene::set().await;
    let mut slow = scene.slow("Slow").await;
    for _ in 0..2 {
        scene.crowd.flood().await;
        scene.catch_up(&mut slow).await;
    }
    scene.crowd.flood().await;
    let end = within(PATIENCE, read_on(slow)).await;
    assert!(is_bye(&end, 4001), "{end:?}");
    scene.nobody_noticed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_for_ten_seconds_is_given_up_and_nobody_else_notices() {
    let mut scene = Scene::set().await;
    let begun = Instant::now();
    let (dead, mut slow) = (scene.slow("Dead").await, scene.slow("Slow").await);
    scene.crowd.flood().await;
    let port = scene.server.address.port();
    assert!(kernel::unsent(port, dead.port()) > 0 && kernel::unsent(port, slow.port()) > 0, "nobody is stuck");

    // Others talk meanwhile, and one who pauses for less than that is still there.
    let mut said = 0;
    while begun.elapsed() < GIVEN_UP / 2 {
        let [ana, ben] = &mut scene.people;
        for (name, person, n) in [("Ana", ana, said), ("Ben", ben, said)] {
            person.act(Act::Send(format!("{name} is still here, {n}")));
            let begun = Instant::now();
            assert!(person.until(PATIENCE, |view| view.acked == n + 1).await, "{:?}", person.view());
            assert!(begun.elapsed() < GIVEN_UP / 2, "one who does not read holds up the others");
        }
        said += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.catch_up(&mut slow).await;

    assert!(kernel::is_open(port, dead.port()));
    until("the dead connection is given up", || !kernel::is_open(port, dead.port())).await;
    assert!(begun.elapsed() >= GIVEN_UP, "given up after {:?}", begun.elapsed());
    scene.people[0].act(Act::Send("and after".to_owned()));
    assert!(scene.people[0].until(PATIENCE, |view| view.acked == said + 1).await);
    scene.catch_up(&mut slow).await;
    scene.nobody_noticed().await;
}
