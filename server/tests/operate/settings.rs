//! Settings from environment variables.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use testkit::http;
use testkit::node::Program;

const TIME: Duration = Duration::from_secs(10);

fn flasky(environment: &[(&str, &str)], words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_server"));
    program.env_clear().envs(environment.iter().copied()).args(words).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn prefixed_variables_take_precedence_over_plain_ones() {
    for (environment, shown) in [
        (&[("TABS", "9")][..], "[env: TABS=9]"),
        (&[("TABS", "9"), ("FLASKY_TABS", "3")], "[env: FLASKY_TABS=3]"),
        (&[("RUST_LOG", "warn")], "[env: RUST_LOG=warn]"),
        // Kubernetes and Docker set this variable to an address for a service named `flasky`. It is ignored.
        (&[("FLASKY_PORT", "tcp://10.0.0.1:3000"), ("PORT", "81")], "[env: PORT=81]"),
        (&[("TABS", "9"), ("FLASKY_TABS", "")], "[env: TABS=9]"),
        (&[], "[env: FLASKY_TABS=]"),
        (&[("FLASKY_PORT", "82"), ("PORT", "81")], "[env: FLASKY_PORT=82]"),
        (&[("RUST_LOG", "warn"), ("FLASKY_LOG", "debug")], "[env: FLASKY_LOG=debug]"),
    ] {
        let help = String::from_utf8(flasky(environment, &["--help"]).stdout).unwrap();
        assert!(help.contains(shown), "{environment:?}: {help}");
    }
}

#[test]
fn empty_variable_counts_as_unset() {
    let empty = ["FLASKY_PORT", "PORT", "FLASKY_LOG", "RUST_LOG", "PUBLIC_URL", "STORE", "SECRET", "HOST", "EVENTS"];
    let mut environment: Vec<_> = empty.map(|name| (name, "")).into();
    environment.push(("FLASKY_DATABASE_URL", "sqlite:///no-such-directory/flasky.db"));
    let output = flasky(&environment, &["check"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("no-such-directory"), "{said}");
    // A `udp://` address is ignored, too: the port is the default.
    let output = flasky(&[("FLASKY_PORT", "udp://10.0.0.1:3000"), environment[9]], &["check"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn invalid_setting_exits_with_2_and_is_named_with_its_bounds() {
    for (environment, words) in [
        (&[("GRACE_MS", "0")][..], &["--grace-ms", "100..=86400000"][..]),
        (&[("FLASKY_ARRIVAL_MS", "18446744073709551615")], &["--arrival-ms", "100..=86400000"]),
        (&[("TIMELINE", "0")], &["--timeline", "65536..=1073741824"]),
        (&[("PUBLIC_URL", "https://chat.example.")], &["--public-url", "dot"]),
        (&[("STORE", "nats://ana:password@127.0.0.1:1")], &["PUBLIC_URL"]),
        (&[("SECRET", "too-short-a-password")], &["--secret", "32 characters"]),
        (&[("FLASKY_SECRET", "too-short-a-password")], &["--secret", "32 characters"]),
        (&[("DATABASE_URL", "a-password-and-no-scheme")], &["--database-url", "sqlite://PATH"]),
    ] {
        let output = flasky(environment, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{environment:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{environment:?}: {said}");
        assert!(!said.contains("password"), "{said}");
    }
}

#[tokio::test]
async fn host_name_is_resolved() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("FLASKY_HOST", "localhost"), ("HOST", "no-such-host.invalid")];
    let environment = environment.map(|(name, value)| (name, value.to_owned())).into();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), environment);
    server.start().await;
    http::enter(server.address, "Ana", None, 50).await.unwrap();
    assert_eq!(server.terminate(TIME).await.code(), Some(0));
}

#[tokio::test]
async fn unresolvable_host_name_exits_with_1_and_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("HOST", "no-such-host.invalid".to_owned())].into();
    let mut server = Program::new(env!("CARGO_BIN_EXE_server").into(), directory.path().join("flasky.db"), environment);
    let (code, words) = server.refuses().await;
    assert_eq!(code, Some(1));
    assert!(words.contains("no-such-host.invalid"), "{words}");
}
