//! A full disk: appends wait, everything else works, and the server recovers by itself when there is space again.

use protocol::ErrorCode;
use testkit::checker;
use testkit::excuse::Excuse;
use testkit::http;
use testkit::truth::Truth;

use crate::people::person;
use crate::{KEEPS, PATIENCE, program, until};
use testkit::user::{Act, Person};

/// Command line that starts the program with SIGXFSZ ignored. A write beyond the limit on a file's size
/// (`RLIMIT_FSIZE`) then fails with EFBIG, as one on a full disk fails with ENOSPC. By default the signal would kill
/// the process.
const IGNORING: &[&str] = &["sh", "-c", "trap '' XFSZ; exec \"$0\""];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_disk_defers_appends_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = program(directory.path()).through(IGNORING);
    server.start().await;
    let (mut ana, seat) = person(server.address, "Ana", None).await;
    let (mut ben, _) = person(server.address, "Ben", Some(seat.code)).await;
    ana.act(Act::Send("before".to_owned()));
    assert!(ana.until(PATIENCE, |view| view.acked == 1).await);

    let wal = std::fs::metadata(server.store.with_extension("db-wal")).unwrap().len();
    server.limit_files(Some(wal));
    ana.act(Act::Send("while it is full".to_owned()));
    ben.act(Act::Send("me too".to_owned()));
    for person in [&mut ana, &mut ben] {
        assert!(
            person.until(PATIENCE, |view| view.deferred > 1).await,
            "the append is not deferred: {:?}",
            person.view()
        );
        assert_eq!((person.view().live, person.view().unsent), (true, 1));
    }

    // Reading, connecting and presence still work.
    let page = http::snapshot(server.address, &seat).await.unwrap().expect("a page");
    assert_eq!(page.events.len(), 3, "two `joined`, and the message before");
    let mut tab = Person::open("Ana's second tab".to_owned(), seat.clone(), server.address, 9, &Excuse::default());
    let head = page.position.seq;
    assert!(tab.until(PATIENCE, |view| view.live && view.head == head).await, "{:?}", tab.view());
    ben.act(Act::Type);
    assert!(ana.until(PATIENCE, |view| view.typing == 1).await, "Ana does not see Ben typing");
    let refused = http::enter(server.address, "Cleo", Some(seat.code), 0).await.unwrap_err();
    assert!(refused.to_string().contains("storage"), "{refused}");

    server.limit_files(None);
    assert!(ana.until(PATIENCE, |view| view.acked == 2).await, "{:?}", ana.view());
    assert!(ben.until(PATIENCE, |view| view.acked == 1).await, "{:?}", ben.view());
    let (cleo, _) = person(server.address, "Cleo", Some(seat.code)).await;
    let people = [ana, ben, tab, cleo];
    let head = testkit::truth::head(&server.store, seat.code).unwrap();
    until("every page shows every event", || people.iter().all(|person| person.rests_at(head))).await;
    let mut histories = Vec::new();
    for person in people {
        assert_eq!(person.view().dials, 1, "no connection was lost");
        histories.push(person.finish().await);
    }
    assert_eq!(server.terminate(PATIENCE).await.code(), Some(0));
    let defers = vec![ErrorCode::Storage];
    let truth = Truth { keeps: KEEPS, defers, ..Truth::read(&server.store, seat.code).unwrap() };
    assert_eq!(checker::check(&truth, &histories), []);
}
