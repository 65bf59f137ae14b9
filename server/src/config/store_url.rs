//! URL of the store, and the form in which it may be shown.

use std::fmt;

/// URL of the store: a scheme, and what the store of that scheme understands. Shown without passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// Returns the whole URL, passwords included, for opening the store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true for a store that several servers may use at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.starts_with("nats://")
    }
}

/// SQLite, with a file in the working directory.
impl Default for StoreUrl {
    fn default() -> Self {
        Self("sqlite://flasky.db".to_owned())
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = &'static str;

    /// Reads `sqlite:PATH` too, which platforms and tools write.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once(':') else { return Err("write it as sqlite://PATH") };
        match rest.strip_prefix("//").unwrap_or(rest) {
            "" => Err("it names no place: write it as sqlite://PATH"),
            rest => Ok(Self(format!("{scheme}://{rest}"))),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path holds no password.
        if self.0.starts_with("sqlite://") {
            return f.write_str(&self.0);
        }
        // User and password precede the last `@`, parameters follow the first `?`. If the `@` follows the `?`, either
        // may be part of the other's text, and only the scheme is shown.
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let settings = rest.find('?').unwrap_or(rest.len());
        match rest.rfind('@') {
            Some(user) if user > settings => write!(f, "{scheme}://…")?,
            Some(user) => write!(f, "{scheme}://…@{}", &rest[user + 1..settings])?,
            None => write!(f, "{scheme}://{}", &rest[..settings])?,
        }
        f.write_str(if settings < rest.len() { "?…" } else { "" })
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_url_may_omit_the_slashes_but_not_scheme_and_path() {
        for (typed, read) in [
            ("sqlite://flasky.db", "sqlite://flasky.db"),
            ("sqlite:flasky.db", "sqlite://flasky.db"),
            ("sqlite:///var/lib/flasky/flasky.db", "sqlite:///var/lib/flasky/flasky.db"),
            ("sqlite:/var/lib/flasky/flasky.db", "sqlite:///var/lib/flasky/flasky.db"),
        ] {
            assert_eq!(typed.parse::<StoreUrl>().unwrap().as_str(), read);
        }
        for wrong in ["flasky.db", "sqlite:", "sqlite://", ""] {
            assert!(wrong.parse::<StoreUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn store_url_is_shown_without_passwords() {
        for (url, shown) in [
            ("sqlite:///a@b/flasky.db", "sqlite:///a@b/flasky.db"),
            ("nats://one:4222,two:4222/chat", "nats://one:4222,two:4222/chat"),
            ("nats://me:secret@one:4222,two:4222", "nats://…@one:4222,two:4222"),
            ("nats://me:se@c,r/et@one?token=secret", "nats://…@one?…"),
            ("nats://one,me:secret@two", "nats://…@two"),
            ("nats://me:se?cret@one", "nats://…?…"),
            ("nats://one?token=se@cret", "nats://…?…"),
            ("postgres://me:secret@db/rooms", "postgres://…@db/rooms"),
        ] {
            let url: StoreUrl = url.parse().unwrap();
            assert_eq!((url.to_string().as_str(), format!("{url:?}").as_str()), (shown, shown));
        }
    }
}
