//! The command line: names of the variables, and errors without secrets.

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};

/// Chooses the variable of each setting: `FLASKY_X` if that is set, else the name without the prefix, which for the log
/// is `RUST_LOG`.
pub(super) fn with_variables(command: clap::Command) -> clap::Command {
    command.mut_args(|setting| {
        let prefixed = setting.get_env().and_then(|name| name.to_str()).map(ToOwned::to_owned);
        let Some((prefixed, name)) = prefixed.as_deref().and_then(|name| Some((name, name.strip_prefix("FLASKY_")?)))
        else {
            return setting;
        };
        let plain = if name == "LOG" { "RUST_LOG" } else { name };
        match [prefixed, plain].into_iter().find(|name| is_set(name)) {
            Some(name) => setting.env(name.to_owned()),
            // Empty, or the address of a service: clap must not read it.
            None if std::env::var_os(plain).is_some() || std::env::var_os(prefixed).is_some() => {
                setting.env(Resettable::Reset)
            }
            None => setting,
        }
    })
}

/// Returns true if the variable is a setting of this program. An empty one is not: `${NAME:-}` in a compose file leaves
/// it so. Nor is a `FLASKY_PORT` such as `tcp://10.0.0.1:3000`: Kubernetes and Docker set it beside a service that is
/// named `flasky`.
fn is_set(name: &str) -> bool {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return false };
    let is_address = value.to_str().is_some_and(|value| value.starts_with("tcp://") || value.starts_with("udp://"));
    name != "FLASKY_PORT" || !is_address
}

/// Removes the value of a setting that may hold a password from an error of this command, in which clap repeats it.
pub(super) fn redacted(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    if let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) {
        let hides = |known: &clap::Arg| known.is_hide_env_values_set() && known.to_string() == *named;
        if command.get_arguments().any(hides) {
            error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, FromArgMatches as _};

    use super::super::Config;
    use super::*;

    /// An error repeats the value of a port, but neither a secret nor the URL of a store.
    #[test]
    fn errors_do_not_contain_secrets() {
        let error = |flag: &str| {
            let mut command = Config::command();
            let read = command.try_get_matches_from_mut(["flasky", "--host=127.0.0.1", flag]);
            let error = read.and_then(|matches| Config::from_arg_matches(&matches)).err().expect(flag);
            redacted(error.format(&mut command), &command).to_string()
        };
        for flag in ["--secret=too-short-and-secret", "--store=a-secret-without-a-scheme"] {
            let words = error(flag);
            assert!(!words.contains("and-secret") && !words.contains("a-secret"), "{words}");
        }
        assert!(error("--port=seventy").contains("seventy"));
    }
}
