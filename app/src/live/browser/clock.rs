//! Times, and how the reader writes them.

use leptos::prelude::window;

/// Milliseconds since the page began; never goes back.
#[must_use]
pub fn now_ms() -> u64 {
    window().performance().map_or(0, |clock| clock.now() as u64)
}

/// UTC milliseconds since 1970.
#[must_use]
pub fn unix_ms() -> u64 {
    js_sys::Date::now() as u64
}

/// Reader's present offset from UTC, in minutes.
#[must_use]
pub fn zone() -> i32 {
    -js_sys::Date::new_0().get_timezone_offset() as i32
}

thread_local! {
    /// Making one takes longer than a hundred uses of it.
    static CLOCK: js_sys::Intl::DateTimeFormat = format_of(&[("hour", "numeric"), ("minute", "2-digit")]);
    static EXACT: js_sys::Intl::DateTimeFormat = format_of(&[("dateStyle", "full"), ("timeStyle", "medium")]);
    static CALENDAR: js_sys::Intl::DateTimeFormat = format_of(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]);
}

fn format_of(parts: &[(&str, &str)]) -> js_sys::Intl::DateTimeFormat {
    let options = js_sys::Object::new();
    for (part, style) in parts {
        let _ = js_sys::Reflect::set(&options, &(*part).into(), &(*style).into());
    }
    js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &options)
}

fn formatted(format: &js_sys::Intl::DateTimeFormat, unix_ms: u64) -> String {
    let date = js_sys::Date::new(&(unix_ms as f64).into());
    format.format().call1(format, &date).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// A local clock time such as `14:02`, in the reader's language and zone.
#[must_use]
pub fn local_time(unix_ms: u64) -> String {
    CLOCK.with(|clock| formatted(clock, unix_ms))
}

/// A local moment such as `Wednesday, 25 November 2026 at 14:02:31`, in the reader's language and zone.
#[must_use]
pub fn exact_time(unix_ms: u64) -> String {
    EXACT.with(|exact| formatted(exact, unix_ms))
}

/// A local date such as `Wednesday, 25 November`, in the reader's language and zone.
#[must_use]
pub fn local_date(unix_ms: u64) -> String {
    CALENDAR.with(|calendar| formatted(calendar, unix_ms))
}

/// Today, in days since 1970-01-01 in the reader's zone.
#[must_use]
pub fn today() -> i64 {
    (unix_ms() as i64 + i64::from(zone()) * 60_000).div_euclid(86_400_000)
}
