//! Delay before clients reconnect after a restart: short, and spread.

use std::sync::OnceLock;

use protocol::CloseCode;

use crate::telemetry::metrics::Metrics;

/// Minimum delay, in milliseconds.
const MIN_WAIT_MS: u64 = 500;
/// Number of clients that reconnect per millisecond: half of those that a server on two cores welcomes in that time.
const CLIENTS_PER_MS: u64 = 2;

/// Delay that every client is given, decided for the first one: then all are still connected and counted.
#[derive(Debug, Default)]
pub struct ReconnectDelay(OnceLock<u64>);

impl ReconnectDelay {
    /// Milliseconds to wait after this close, where it says so. Clients spread themselves over as long again.
    pub(super) fn after(&self, code: CloseCode, metrics: &Metrics) -> Option<u64> {
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
    fn many_take_longer_than_few_and_all_are_told_the_same() {
        let (metrics, reconnect_delay) = (Metrics::default(), ReconnectDelay::default());
        assert_eq!((wait(1), wait(1_000), wait(10_000)), (500, 500, 5_000));
        let open: Vec<_> = (0..3_000).map(|_| metrics.socket()).collect();
        assert_eq!(reconnect_delay.after(CloseCode::NoPong, &metrics), None);
        assert_eq!(reconnect_delay.after(CloseCode::Restarting, &metrics), Some(1_500));
        drop(open);
        assert_eq!(reconnect_delay.after(CloseCode::Restarting, &metrics), Some(1_500));
    }
}
