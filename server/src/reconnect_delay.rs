//! Delay before clients reconnect after a restart: 0.5 to 1 s; above 1 000 connections it grows, so that about 2 000
//! clients reconnect per second.

use std::sync::OnceLock;

use protocol::CloseCode;

use crate::telemetry::metrics::Metrics;

/// Minimum delay in milliseconds.
const MIN_WAIT_MS: u64 = 500;
/// Number of clients that reconnect per millisecond: half of those that a server on two cores can welcome.
const CLIENTS_PER_MS: u64 = 2;

/// Delay that every client is sent. Computed for the first one, while all are still connected and counted.
#[derive(Debug, Default)]
pub struct ReconnectDelay(OnceLock<u64>);

impl ReconnectDelay {
    /// Returns the milliseconds to wait before reconnecting, after a close for a restart. Clients add a random time of
    /// up to as long again.
    pub(crate) fn after(&self, code: CloseCode, metrics: &Metrics) -> Option<u64> {
        (code == CloseCode::Restarting).then(|| *self.0.get_or_init(|| wait(metrics.sockets())))
    }
}

fn wait(sockets: u64) -> u64 {
    MIN_WAIT_MS.max(sockets / CLIENTS_PER_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconnect_delay_grows_with_connections_and_is_the_same_for_all() {
        let (metrics, reconnect_delay) = (Metrics::default(), ReconnectDelay::default());
        assert_eq!((wait(1), wait(1_000), wait(10_000)), (500, 500, 5_000));
        let open: Vec<_> = (0..3_000).map(|_| metrics.socket()).collect();
        assert_eq!(reconnect_delay.after(CloseCode::NoPong, &metrics), None);
        assert_eq!(reconnect_delay.after(CloseCode::Restarting, &metrics), Some(1_500));
        drop(open);
        assert_eq!(reconnect_delay.after(CloseCode::Restarting, &metrics), Some(1_500));
    }
}
