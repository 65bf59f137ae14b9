//! `/privacy`: a document without the program, so that it costs a browser nothing and needs no script.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::provide_meta_context;

use super::{HEAD, head, top};
use crate::components::icon::Sprite;
use crate::components::title::PageTitle;
use crate::language::Language;
use crate::text;

/// Address of the page.
const PATH: &str = "/privacy";

/// Facts about a running server that the page says.
#[derive(Clone, Debug)]
pub struct Privacy {
    /// Address that people use, where the server knows it.
    pub address: Option<String>,
    /// Address to which people report a room, `mailto:` or `https:`.
    pub report: Option<String>,
    /// True where several servers share the store, which then is elsewhere.
    pub is_shared: bool,
    /// True where the operator reads counts.
    pub has_metrics: bool,
    /// Maximum number of events that a room keeps.
    pub events: usize,
    /// Maximum size of these in bytes.
    pub bytes: usize,
    /// Time that a seat waits after a connection broke.
    pub grace: Duration,
    /// Time that a new seat waits for its page, and a new room for its first seat.
    pub arrival: Duration,
    /// Time that a page without a connection keeps its seat.
    pub page_lease: Duration,
    /// Time that a refused form is kept.
    pub refused_form: Duration,
}

/// Document that says what this server holds, and for how long.
pub fn privacy_page(facts: Privacy, style: String) -> impl IntoView {
    provide_meta_context();
    let [grace, arrival, lease, refused] = [facts.grace, facts.arrival, facts.page_lease, facts.refused_form].map(time);
    let store = if facts.is_shared { text::privacy_store_shared() } else { text::privacy_store_file() };
    let metrics = if facts.has_metrics { text::privacy_metrics_on() } else { text::privacy_metrics_off() };
    let script = view! { <script nonce=leptos::nonce::use_nonce()>{HEAD.as_str()}</script> };
    let sections = [
        (
            text::privacy_rooms(),
            vec![
                text::privacy_room().to_owned(),
                text::privacy_events(facts.events, &size(facts.bytes)),
                text::privacy_seats(&grace, &lease, &arrival),
                store.to_owned(),
                text::privacy_copies().to_owned(),
            ],
        ),
        (text::privacy_browser(), vec![text::privacy_cookie().to_owned(), text::privacy_storage().to_owned()]),
        (text::privacy_memory(), vec![text::privacy_form(&refused), text::privacy_network().to_owned()]),
        (text::privacy_logs(), vec![text::privacy_log().to_owned(), metrics.to_owned()]),
        (text::privacy_others(), vec![text::privacy_nothing_sent().to_owned()]),
    ];
    let paragraph = |words: String| view! { <p>{words}</p> };
    let section = |(heading, words): (&'static str, Vec<String>)| {
        view! { <h2>{heading}</h2>{words.into_iter().map(paragraph).collect_view()} }
    };
    view! {
        <!DOCTYPE html>
        <html lang=Language::current().tag() dir=Language::current().direction()>
            {head(style, script)}
            <body>
                <PageTitle name=text::privacy()/>
                <div class="home">
                    {top(PATH.to_owned())}
                    <main>
                        <div class="pitch">
                            <h1>{text::privacy()}</h1>
                            <p>{text::privacy_more()}</p>
                        </div>
                        <article class="card prose">
                            <h2>{text::privacy_operator()}</h2>
                            {facts.address.map(|address| view! { <p>{text::privacy_address(&address)}</p> })}
                            <p>{text::privacy_reads()}</p>
                            {facts.report.map(report)}
                            {sections.map(section).collect_view()}
                        </article>
                    </main>
                </div>
                <Sprite/>
            </body>
        </html>
    }
}

/// Section about reporting a room to this address.
fn report(address: String) -> impl IntoView {
    let shown = address.strip_prefix("mailto:").unwrap_or(&address);
    let shown = shown.split('?').next().unwrap_or_default().to_owned();
    view! {
        <h2 id="report">{text::privacy_report()}</h2>
        <p>{text::privacy_report_to()}" "<a href=address>{shown}</a></p>
        <p>{text::privacy_report_what()}</p>
    }
}

/// Link to the section about reporting a room, where no script runs. Where it does, the list of keys has one if this is there.
pub(super) fn report_link() -> impl IntoView {
    view! { <noscript id="report-link"><a class="report" href=format!("{PATH}#report")>{text::privacy_report()}</a></noscript> }
}

/// A time in its largest whole unit, in seconds at least.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as usize;
    match seconds {
        0 => text::seconds(1),
        _ if seconds.is_multiple_of(3600) => text::hours(seconds / 3600),
        _ if seconds.is_multiple_of(60) => text::minutes(seconds / 60),
        _ => text::seconds(seconds),
    }
}

/// A number of bytes in its largest whole unit, in KiB at least.
fn size(bytes: usize) -> String {
    let kib = bytes.div_ceil(1024);
    if kib.is_multiple_of(1024) { text::mebibytes(kib / 1024) } else { text::kibibytes(kib) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_the_largest_whole_unit() {
        Language::default().run(|| {
            for (ms, shown) in [
                (100, "1 second"),
                (1_500, "2 seconds"),
                (60_000, "1 minute"),
                (90_000, "90 seconds"),
                (600_000, "10 minutes"),
                (86_400_000, "24 hours"),
            ] {
                assert_eq!(time(Duration::from_millis(ms)), shown);
            }
            for (bytes, shown) in [(65_536, "64 KiB"), (1_048_576, "1 MiB"), (1_500_000, "1,465 KiB")] {
                assert_eq!(size(bytes), shown);
            }
        });
    }
}
