//! Network that a request comes from, by which limits per address count.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Extensions, HeaderMap, HeaderName, header};

/// Header that most proxies add the address of their peer to.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Request extension with the address of the other end of the TCP connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Key of limits per address. An IPv6 network is the /64 that a household or a machine is given (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// One IPv4 address, also where it is written as IPv6 (`::ffff:192.0.2.1`).
    V4(u32),
    /// First 64 bits of an IPv6 address.
    V6(u64),
    /// Senders whose address a trusted proxy did not give: all share one bucket.
    Unknown,
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// Rule by which the network of a request is found.
#[derive(Debug)]
pub struct ClientAddresses {
    trusted_proxies: usize,
    has_warned: AtomicBool,
}

impl ClientAddresses {
    /// Creates the rule for this number of proxies in front of the server.
    #[must_use]
    pub fn new(trusted_proxies: usize) -> Self {
        Self { trusted_proxies, has_warned: AtomicBool::new(false) }
    }

    /// Returns the network of a request, or `None` where limits per address would count everybody as one: a loopback or
    /// private peer forwards a request, and no trusted proxy is set. The first time, a warning is logged.
    pub fn network(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Network> {
        let Some(Peer(peer)) = extensions.get::<Peer>().copied() else { return Some(Network::Unknown) };
        if self.trusted_proxies > 0 {
            return Some(forwarded_for(headers, self.trusted_proxies).map_or(Network::Unknown, Network::from));
        }
        let is_forwarded = headers.contains_key(header::FORWARDED) || headers.contains_key(X_FORWARDED_FOR);
        if !is_forwarded || !is_private(peer) {
            return Some(peer.into());
        }
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a proxy forwards requests and TRUSTED_PROXIES is 0: limits per address are off. Set TRUSTED_PROXIES to \
                 the number of proxies in front of this server"
            );
        }
        None
    }
}

/// Returns the address that the outermost of `hops` trusted proxies saw. Each adds one entry at the right, so entries
/// further left, which anybody can forge, are not looked at. A header that the proxies pass on and do not write can be
/// forged whole: where both are there they must agree.
fn forwarded_for(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let of = |name: &HeaderName, parse: fn(&str) -> Option<IpAddr>| {
        let lines = headers.get_all(name).into_iter().rev();
        // An entry that a trusted proxy wrote holds no comma. So quotes do not matter, of which a forged entry may have one
        // too many.
        let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let entry = entries.nth(hops - 1)?;
        parse(str::from_utf8(entry).ok()?.trim())
    };
    let is_there = |name: &HeaderName| headers.contains_key(name);
    match (is_there(&header::FORWARDED), is_there(&X_FORWARDED_FOR)) {
        (false, false) => None,
        (true, false) => of(&header::FORWARDED, forwarded_element),
        (false, true) => of(&X_FORWARDED_FOR, node),
        (true, true) => {
            let seen = of(&X_FORWARDED_FOR, node);
            seen.filter(|_| of(&header::FORWARDED, forwarded_element) == seen)
        }
    }
}

/// Parses the `for` of one element of `Forwarded` (RFC 7239 section 4).
fn forwarded_element(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    node(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// Parses an address, with or without a port (RFC 7239 section 6). `unknown` and obfuscated names are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let is_port = port.is_empty() || port.starts_with(':');
        return address.parse().ok().filter(|address: &IpAddr| is_port && address.is_ipv6());
    }
    let without_port = text.split_once(':').filter(|(_, port)| !port.contains(':')).map(|(address, _)| address);
    without_port.unwrap_or(text).parse().ok()
}

/// Returns true for loopback, private, link-local and shared (RFC 6598, which platforms use inside) addresses.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0xc0 == 64;
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn network(peer: &str, hops: usize, lines: &[(&'static str, &str)]) -> Option<Network> {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        ClientAddresses::new(hops).network(&extensions, &headers)
    }

    fn of(address: &str) -> Option<Network> {
        Some(address.parse::<IpAddr>().unwrap().into())
    }

    #[test]
    fn ipv6_counts_by_64_bits_and_mapped_ipv4_as_ipv4() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn proxies_are_counted_from_the_right() {
        const XFF: &str = "x-forwarded-for";
        const FWD: &str = "forwarded";
        for (hops, lines, expected) in [
            (1, &[(XFF, "192.0.2.1")][..], "192.0.2.1"),
            (1, &[(XFF, "6.6.6.6, 192.0.2.1")], "192.0.2.1"),
            (2, &[(XFF, "6.6.6.6, 192.0.2.1, 10.0.0.1")], "192.0.2.1"),
            (2, &[(XFF, "6.6.6.6, 192.0.2.1"), (XFF, "10.0.0.1")], "192.0.2.1"),
            (1, &[(XFF, "192.0.2.1:4711")], "192.0.2.1"),
            (1, &[(XFF, "2001:db8::1")], "2001:db8::1"),
            (1, &[(XFF, "[2001:db8::1]:4711")], "2001:db8::1"),
            (1, &[(FWD, "for=192.0.2.1")], "192.0.2.1"),
            (1, &[(FWD, "for=6.6.6.6, proto=https;For=\"[2001:db8::1]:4711\";by=10.0.0.1")], "2001:db8::1"),
            (1, &[(FWD, "for=\"6.6.6.6, for=192.0.2.1")], "192.0.2.1"),
            (2, &[(FWD, "for=\"192.0.2.1:47\", for=10.0.0.1")], "192.0.2.1"),
            (1, &[(FWD, "for=192.0.2.1"), (XFF, "192.0.2.1")], "192.0.2.1"),
        ] {
            assert_eq!(network("10.0.0.9", hops, lines), of(expected), "{hops} {lines:?}");
        }
        for (hops, lines) in [
            (1, &[][..]),
            (2, &[(XFF, "192.0.2.1")]),
            (1, &[(XFF, "")]),
            (1, &[(XFF, "192.0.2.1, unknown")]),
            (1, &[(XFF, "192.0.2.1, [192.0.2.1]")]),
            (1, &[(XFF, "192.0.2.1, \u{e4}")]),
            (1, &[(FWD, "for=_hidden")]),
            (1, &[(FWD, "proto=https")]),
            // One of them is passed on as the client sent it.
            (1, &[(FWD, "for=6.6.6.6"), (XFF, "192.0.2.1")]),
        ] {
            assert_eq!(network("10.0.0.9", hops, lines), Some(Network::Unknown), "{hops} {lines:?}");
        }
    }

    #[test]
    fn forwarding_header_turns_limits_off_only_behind_a_private_peer_without_trusted_proxies() {
        let forwarded = [("x-forwarded-for", "192.0.2.1")];
        for peer in
            ["127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "100.64.0.1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"]
        {
            assert_eq!(network(peer, 0, &forwarded), None, "{peer}");
            assert_eq!(network(peer, 0, &[("forwarded", "for=192.0.2.1")]), None, "{peer}");
            assert_eq!(network(peer, 0, &[]), of(peer), "{peer}");
        }
        for peer in ["198.51.100.1", "2001:db8::1"] {
            assert_eq!(network(peer, 0, &forwarded), of(peer), "a stranger's header counts nothing");
        }
    }

    proptest! {
        #[test]
        fn forged_entries_at_the_left_never_change_the_network(
            forged in "[ -~]{0,40}", line in "[ -~]{0,40}", hops in 1usize..4, own_line: bool, is_forwarded: bool,
        ) {
            let name = if is_forwarded { "forwarded" } else { "x-forwarded-for" };
            let written = ["192.0.2.1", "10.0.0.1", "10.0.0.2"][..hops]
                .iter().map(|address| if is_forwarded { format!("for={address}") } else { (*address).to_owned() })
                .collect::<Vec<_>>().join(", ");
            let lines = if own_line {
                vec![(name, line.as_str()), (name, forged.as_str()), (name, written.as_str())]
            } else {
                vec![(name, line.as_str())]
            };
            let joined = format!("{forged}, {written}");
            let lines = if own_line { lines } else { [lines, vec![(name, joined.as_str())]].concat() };
            prop_assert_eq!(network("10.0.0.9", hops, &lines), of("192.0.2.1"));
        }
    }
}
