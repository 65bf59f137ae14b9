//! Facts that `/privacy` is made from, out of the settings that the server runs with.

use std::time::Duration;

use app::document::Privacy;

use crate::config::{Config, PublicUrl, ReportUrl};
use crate::flash;

/// Collects the facts.
pub(crate) fn of(config: &Config) -> Privacy {
    let limits = config.limits();
    Privacy {
        address: config.public_url.as_ref().map(PublicUrl::origin).map(ToOwned::to_owned),
        report: config.report.as_ref().map(ReportUrl::as_str).map(ToOwned::to_owned),
        is_shared: config.store().is_shared(),
        has_metrics: config.metrics.is_some(),
        events: limits.events,
        bytes: limits.timeline,
        grace: Duration::from_millis(limits.grace_ms),
        arrival: Duration::from_millis(limits.arrival_ms),
        page_lease: Duration::from_millis(limits.page_lease_ms),
        refused_form: flash::LIFETIME,
    }
}
