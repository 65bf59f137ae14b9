//! Times, in the page's language and the reader's zone.

use std::cell::RefCell;

use js_sys::Intl::DateTimeFormat;
use leptos::prelude::window;

use crate::language::Language;

const DAY_MS: i64 = 86_400_000;

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
pub fn utc_offset() -> i32 {
    -js_sys::Date::new_0().get_timezone_offset() as i32
}

/// Formats of times. Making these takes longer than a hundred uses of them, and they keep the zone that they were
/// made in.
struct Formats {
    clock: DateTimeFormat,
    exact: DateTimeFormat,
    calendar: DateTimeFormat,
}

impl Formats {
    fn new() -> Self {
        Self {
            clock: format_of(&[("hour", "numeric"), ("minute", "2-digit")]),
            exact: format_of(&[("dateStyle", "full"), ("timeStyle", "medium")]),
            calendar: format_of(&[("weekday", "long"), ("day", "numeric"), ("month", "long")]),
        }
    }
}

thread_local! {
    static FORMATS: RefCell<Formats> = RefCell::new(Formats::new());
}

/// Writes times in the reader's present zone from now on.
pub fn renew_formats() {
    FORMATS.set(Formats::new());
}

fn format_of(parts: &[(&str, &str)]) -> DateTimeFormat {
    let options = js_sys::Object::new();
    for (part, style) in parts {
        let _ = js_sys::Reflect::set(&options, &(*part).into(), &(*style).into());
    }
    DateTimeFormat::new(&js_sys::Array::of1(&Language::current().tag().into()), &options)
}

fn formatted(format: &DateTimeFormat, unix_ms: u64) -> String {
    let date = js_sys::Date::new(&(unix_ms as f64).into());
    format.format().call1(format, &date).ok().and_then(|text| text.as_string()).unwrap_or_default()
}

/// A local clock time such as `2:02 PM`, in the page's language and the reader's zone.
#[must_use]
pub fn local_time(unix_ms: u64) -> String {
    FORMATS.with_borrow(|formats| formatted(&formats.clock, unix_ms))
}

/// A local moment such as `Wednesday, November 25, 2026 at 2:02:31 PM`, in the page's language and the reader's zone.
#[must_use]
pub fn exact_time(unix_ms: u64) -> String {
    FORMATS.with_borrow(|formats| formatted(&formats.exact, unix_ms))
}

/// A local date such as `Wednesday, November 25`, in the page's language and the reader's zone.
#[must_use]
pub fn local_date(unix_ms: u64) -> String {
    FORMATS.with_borrow(|formats| formatted(&formats.calendar, unix_ms))
}

/// Today, in days since 1970-01-01 in the reader's zone.
#[must_use]
pub fn today() -> i64 {
    local_ms().div_euclid(DAY_MS)
}

/// Milliseconds until the reader's day ends.
#[must_use]
pub fn until_midnight_ms() -> u64 {
    (DAY_MS - local_ms().rem_euclid(DAY_MS)) as u64
}

/// Time that the reader's clock shows, as milliseconds since 1970.
fn local_ms() -> i64 {
    unix_ms() as i64 + i64::from(utc_offset()) * 60_000
}
