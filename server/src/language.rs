//! Language of a page: the one that its reader chose, or else the first that the browser asks for.

use std::str;

use app::Language;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

/// Name of the cookie with the choice.
const COOKIE: &str = "flasky-language";
/// Time for which a choice is kept.
const KEPT: Duration = Duration::days(365);
/// Headers of a request that its page depends on, for caches.
pub const VARY: &str = "accept-language, cookie";

/// Returns the language for a request.
#[must_use]
pub fn of_request(headers: &HeaderMap) -> Language {
    chosen(headers).or_else(|| accepted(headers)).unwrap_or_default()
}

/// Returns the cookie that keeps a choice.
pub fn cookie(chosen: Language, is_https: bool) -> Cookie<'static> {
    let cookie = Cookie::build((COOKIE, chosen.tag())).http_only(true).same_site(SameSite::Lax);
    cookie.path("/").max_age(KEPT).secure(is_https).build()
}

/// Language of the cookie.
fn chosen(headers: &HeaderMap) -> Option<Language> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let mut values = lines
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"="));
    values.find_map(|value| Language::of_tag(str::from_utf8(value).ok()?))
}

/// Language of `Accept-Language` (RFC 9110 section 12.5.4): of those that are here the one with the highest weight, and
/// the first of several.
fn accepted(headers: &HeaderMap) -> Option<Language> {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
    let ranges = lines.flat_map(|line| line.split(',')).filter_map(|range| {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
        (weight > 0.0).then_some((Language::of_tag(tag.trim())?, weight))
    });
    ranges.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &[&[u8]], cookies: &[&[u8]]) -> HeaderMap {
        let accept = accept.iter().map(|line| (header::ACCEPT_LANGUAGE, *line));
        let cookies = cookies.iter().map(|line| (header::COOKIE, *line));
        let lines = accept.chain(cookies);
        lines.map(|(name, line)| (name, HeaderValue::from_bytes(line).unwrap())).collect()
    }

    #[test]
    fn accepted_language_with_the_highest_weight_is_chosen() {
        for (accept, tag) in [
            ("", "en"),
            ("de", "de"),
            ("DE-at", "de"),
            ("fr, de;q=0.5", "de"),
            ("en;q=0.8, de;q=0.9", "de"),
            ("en, de", "en"),
            ("de;q=0.5, en;q=0.5", "de"),
            ("de;q=0, en;q=0.1", "en"),
            ("de;q=0", "en"),
            ("de;q=NaN, en;q=0.1", "en"),
            ("de ; q=0.3 , en ;q=0.2", "de"),
            ("fr", "en"),
            ("*", "en"),
            ("german", "en"),
            (";;,,q=", "en"),
        ] {
            assert_eq!(of_request(&headers(&[accept.as_bytes()], &[])).tag(), tag, "{accept:?}");
        }
        assert_eq!(of_request(&headers(&[b"fr", b"de"], &[])).tag(), "de", "in two lines");
        assert_eq!(of_request(&headers(&[b"\xff", b"de"], &[])).tag(), "de", "after an unreadable one");
    }

    #[test]
    fn cookie_goes_before_accepted_languages() {
        for (cookie, tag) in [
            (&b"flasky-language=en"[..], "en"),
            (b"theme=1; flasky-language=en", "en"),
            (b"flasky-language=tlh", "de"),
            (b"flasky-language=\xff; flasky-language=en", "en"),
            (b"flasky-languages=en", "de"),
            (b"", "de"),
        ] {
            assert_eq!(of_request(&headers(&[b"de"], &[cookie])).tag(), tag, "{cookie:?}");
        }
    }
}
