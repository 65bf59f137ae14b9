//! Parser for `nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/NAME]`.

use std::fmt;

use ::store::StoreError;
use async_nats::ServerAddr;

/// Name of the store if the URL contains none.
const STORE: &str = "flasky";

/// Servers, credentials and name of a store.
pub(super) struct Address {
    pub(super) servers: Vec<ServerAddr>,
    pub(super) credentials: Option<(String, String)>,
    /// Prefix of the names of all streams and subjects: letters, digits, `-` and `_`.
    pub(super) store: String,
}

/// Shows the store's name only, so that no credentials are logged.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Address {
    /// Parses the URL without its `nats://`. Errors never contain the input.
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let (credentials, rest) = match text.rsplit_once('@') {
            Some((credentials, rest)) => {
                let (user, password) = credentials.split_once(':').ok_or_else(|| invalid("USER:PASSWORD"))?;
                (Some((user.to_owned(), password.to_owned())), rest)
            }
            None => (None, text),
        };
        // Each host may have its own scheme, as NATS' tools write it.
        let rest = rest.replace(",nats://", ",");
        let (hosts, store) = rest.split_once('/').unwrap_or((&rest, STORE));
        let store = if store.is_empty() { STORE } else { store };
        if store.len() > 64 || !store.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(invalid("the store's name"));
        }
        let servers = hosts.split(',').map(|host| match host {
            "" => Err(invalid("a host")),
            host => host.parse().map_err(|_| invalid("a host")),
        });
        Ok(Self { servers: servers.collect::<Result<_, _>>()?, credentials, store: store.to_owned() })
    }
}

fn invalid(what: &str) -> StoreError {
    let form = "nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/NAME]";
    StoreError::unavailable(format!("{what} of the store cannot be read: write it as {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_parsed_and_debug_hides_the_password() {
        let address = Address::parse("user:p@ss@one:4222,nats://two,[::1]:4333/chat-2").unwrap();
        assert_eq!(address.credentials, Some(("user".into(), "p@ss".into())));
        assert_eq!((address.servers.len(), address.store.as_str()), (3, "chat-2"));
        assert!(!format!("{address:?}").contains("p@ss"));
        assert_eq!(Address::parse("localhost").unwrap().store, "flasky");
        for wrong in ["localhost/a.b", "localhost/a b", "user@localhost", "", "one,,two"] {
            let error = Address::parse(wrong).unwrap_err();
            assert!(matches!(error, StoreError::Unavailable(_)), "{wrong}");
        }
    }
}
