//! Edits, deletions, replies and reactions.

use protocol::{ErrorCode, EventId, EventKind, Proposal, codec};
use server::entropy;

use crate::support::Server;
use testkit::browser::{Person, body};

fn edit(target: EventId, body: &str) -> Proposal {
    Proposal::Edited { target, body: body.to_owned() }
}

fn react(target: EventId, emoji: &str) -> Proposal {
    Proposal::Reacted { target, emoji: emoji.to_owned(), on: true }
}

#[tokio::test]
async fn edited_and_deleted_text_is_never_sent_again() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let away = bo.connect().await.position();
    let said = at_ana.said("the treasure is under the old oak").await;
    assert_eq!(at_bo.event().await, said);

    let edited = at_ana.asked(edit(said.id, "the treasure is behind the mill")).await.unwrap();
    assert_eq!(at_bo.event().await, edited);
    let EventKind::Edited { target, body: Some(new) } = &edited.kind else { panic!("{edited:?}") };
    assert_eq!((*target, new.as_str(), edited.by), (said.id, "the treasure is behind the mill", ana.me));
    let back = bo.resume(away).await;
    assert_eq!(body(&back.replay[0]), "the treasure is behind the mill");
    assert!(matches!(back.replay[0].kind, EventKind::Message { edited: true, .. }));

    let deleted = at_ana.asked(Proposal::Deleted { target: said.id }).await.unwrap();
    assert_eq!(at_bo.event().await, deleted);
    for (who, replay) in [("behind", bo.resume(away).await.replay), ("new", bo.connect().await.replay)] {
        assert_eq!(replay.last(), Some(&deleted), "{who}");
        assert!(!codec::encode(&replay).contains("treasure"), "{who}");
    }
    // A retry of the message or of its edit returns their present state, without the old text.
    for (id, proposal) in [
        (said.id, Proposal::Message { body: "the treasure is under the old oak".to_owned(), reply_to: None }),
        (edited.id, edit(said.id, "the treasure is behind the mill")),
    ] {
        at_ana.propose(id, proposal).await;
        assert!(!codec::encode(&at_ana.answer(id).await.unwrap()).contains("treasure"));
    }
    assert!(!ana.browser.get(&ana.page()).await.body.contains("treasure"));
}

#[tokio::test]
async fn invalid_change_is_rejected_with_its_code() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let (hers, gone) = (at_ana.said("hers").await, at_ana.said("gone").await);
    at_ana.asked(Proposal::Deleted { target: gone.id }).await.unwrap();
    for _ in 0..3 {
        at_bo.event().await;
    }
    for (proposal, code) in [
        (edit(hers.id, "his"), ErrorCode::NotAuthor),
        (Proposal::Deleted { target: hers.id }, ErrorCode::NotAuthor),
        (edit(gone.id, "back"), ErrorCode::NoTarget),
        (edit(entropy::event_id(), "what?"), ErrorCode::NoTarget),
        (Proposal::Deleted { target: entropy::event_id() }, ErrorCode::NoTarget),
        (react(gone.id, "\u{1f44d}"), ErrorCode::NoTarget),
        (react(hers.id, "ok"), ErrorCode::BadText),
        (edit(hers.id, " "), ErrorCode::Empty),
    ] {
        assert_eq!(at_bo.asked(proposal.clone()).await.err(), Some(code), "{proposal:?}");
    }
    at_bo.is_well(1).await;
    at_ana.is_well(1).await;
}

#[tokio::test]
async fn reply_and_reaction_name_their_message() {
    let server = Server::start(&[]).await;
    let ana = Person::create(&server, "Ana").await;
    let bo = Person::join(&server, ana.code, "Bo").await;
    let (mut at_ana, mut at_bo) = (ana.connect().await, bo.connect().await);
    let asked = at_ana.said("Tea?").await;
    at_bo.event().await;
    let proposal = Proposal::Message { body: "Yes!".to_owned(), reply_to: Some(asked.id) };
    let answer = at_bo.asked(proposal).await.unwrap();
    assert_eq!(at_ana.event().await, answer);
    assert!(matches!(answer.kind, EventKind::Message { reply_to: Some(to), .. } if to == asked.id));
    let liked = at_ana.asked(react(answer.id, "\u{1f44d}")).await.unwrap();
    assert_eq!(at_bo.event().await, liked);
    let off = Proposal::Reacted { target: answer.id, emoji: "\u{1f44d}".to_owned(), on: false };
    let unliked = at_ana.asked(off).await.unwrap();
    assert_eq!(bo.connect().await.replay[2..], [asked, answer, liked, unliked]);
}
