//! Headers of answers, by the rules of Mozilla's HTTP Observatory, and by what is asked of every answer beyond them.
//!
//! Rules and points are those of github.com/mdn/mdn-http-observatory, algorithm version 6 (`src/grader/charts.js` and
//! `src/analyzer/tests` in August 2026). A rule that a server of one origin cannot meet in several ways has only these.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use hyper::{StatusCode, header};
use testkit::browser::{Browser, Person};
use testkit::http::Answer;

use crate::support::Server;

/// Result of a rule, and its points.
type Verdict = (&'static str, i32);

/// Points that a site has before any rule.
const BASELINE: i32 = 100;
/// Points without bonuses that a site needs to be given any.
const FOR_BONUS: i32 = 90;

/// What the Observatory asks for: the first page, and the same from a page of another site.
struct Scan {
    page: Answer,
    preflight: Answer,
    is_https: bool,
}

/// A rule: its name, its judge, and the verdict that is expected of https and of plain HTTP.
struct Rule {
    name: &'static str,
    judge: fn(&Scan) -> Verdict,
    https: Verdict,
    plain: Verdict,
}

/// A rule whose verdict is the same for both.
const fn rule(name: &'static str, judge: fn(&Scan) -> Verdict, verdict: Verdict) -> Rule {
    Rule { name, judge, https: verdict, plain: verdict }
}

const RULES: [Rule; 12] = [
    rule("content-security-policy", content_security_policy, ("default-src-none-and-nothing-unsafe", 10)),
    Rule { name: "cookies", judge: cookies, https: ("secure-httponly-samesite", 5), plain: ("without-secure", -20) },
    // `require-corp` would be 10 more. It isolates a page so that it may share memory between threads, which none does.
    rule("cross-origin-embedder-policy", cross_origin_embedder_policy, ("not-implemented", 0)),
    rule("cross-origin-opener-policy", cross_origin_opener_policy, ("same-origin", 10)),
    rule("cross-origin-resource-sharing", cross_origin_resource_sharing, ("not-implemented", 0)),
    // Behind https the proxy redirects (DEPLOY.md).
    Rule { name: "redirection", judge: redirection, https: ("to-https", 0), plain: ("missing", -20) },
    rule("referrer-policy", referrer_policy, ("private", 5)),
    Rule {
        name: "strict-transport-security",
        judge: strict_transport_security,
        https: ("six-months-or-more", 0),
        plain: ("no-https", -20),
    },
    rule("subresource-integrity", subresource_integrity, ("scripts-of-this-origin", 0)),
    rule("x-content-type-options", x_content_type_options, ("nosniff", 0)),
    rule("x-frame-options", x_frame_options, ("by-policy", 5)),
    rule("cross-origin-resource-policy", cross_origin_resource_policy, ("same-origin", 10)),
];

/// Sources of each directive of a policy. `None` where a directive is there twice.
fn directives(policy: &str) -> Option<BTreeMap<&str, BTreeSet<&str>>> {
    let mut directives = BTreeMap::new();
    for directive in policy.split(';') {
        let mut words = directive.split_whitespace();
        if let Some(name) = words.next()
            && directives.insert(name, words.collect()).is_some()
        {
            return None;
        }
    }
    Some(directives)
}

fn content_security_policy(scan: &Scan) -> Verdict {
    const BROAD: [&str; 8] = ["*", "ftp:", "http:", "https:", "http://*", "http://*.*", "https://*", "https://*.*"];
    let policy = scan.page.header("content-security-policy");
    let Some(policy) = directives(policy) else { return ("invalid", -25) };
    if policy.is_empty() {
        return ("not-implemented", -25);
    }
    let everything = BTreeSet::from(["*"]);
    let sources = |name| policy.get(name).or_else(|| policy.get("default-src")).unwrap_or(&everything);
    let has = |sources: &BTreeSet<&str>, words: &[&str]| words.iter().any(|word| sources.contains(word));
    let is_broad = |sources| has(sources, &BROAD);
    let is_inline = |sources| has(sources, &["'unsafe-inline'", "data:"]);
    let is_plain = |sources: &BTreeSet<&str>| {
        sources.iter().any(|source| source.starts_with("http:") || source.starts_with("ftp:"))
    };
    let passive = ["img-src", "media-src"];
    let (script, style) = (sources("script-src"), sources("style-src"));
    if is_inline(script) || is_broad(script) || is_broad(sources("object-src")) {
        ("unsafe-inline", -20)
    } else if scan.is_https && policy.iter().any(|(name, sources)| !passive.contains(name) && is_plain(sources)) {
        ("insecure-scheme", -20)
    } else if has(script, &["'unsafe-eval'"]) || has(style, &["'unsafe-eval'"]) {
        ("unsafe-eval", -10)
    } else if scan.is_https && passive.into_iter().any(|name| is_plain(sources(name))) {
        ("insecure-scheme-of-pictures", -10)
    } else if is_inline(style) || is_broad(style) {
        ("unsafe-inline-styles", 0)
    } else if policy.get("default-src") == Some(&BTreeSet::from(["'none'"])) {
        ("default-src-none-and-nothing-unsafe", 10)
    } else {
        ("nothing-unsafe", 5)
    }
}

fn cookies(scan: &Scan) -> Verdict {
    let given = scan.page.headers.get_all(header::SET_COOKIE);
    let attributes: Vec<Vec<String>> = given
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').skip(1).map(|word| word.trim().to_lowercase()).collect())
        .collect();
    let all_have = |words: &[&str]| {
        attributes.iter().all(|cookie| words.iter().any(|word| cookie.iter().any(|found| found == word)))
    };
    if attributes.is_empty() {
        ("not-found", 0)
    } else if !all_have(&["httponly"]) {
        ("session-without-httponly", -30)
    } else if !all_have(&["secure"]) {
        ("without-secure", -20)
    } else if all_have(&["samesite=lax", "samesite=strict"]) {
        ("secure-httponly-samesite", 5)
    } else {
        ("secure-httponly", 0)
    }
}

fn cross_origin_embedder_policy(scan: &Scan) -> Verdict {
    match scan.page.header("cross-origin-embedder-policy") {
        "" => ("not-implemented", 0),
        "require-corp" | "credentialless" => ("implemented", 10),
        "unsafe-none" => ("unsafe-none", 0),
        _ => ("invalid", -5),
    }
}

fn cross_origin_opener_policy(scan: &Scan) -> Verdict {
    match scan.page.header("cross-origin-opener-policy") {
        "" => ("not-implemented", 0),
        "same-origin" => ("same-origin", 10),
        "same-origin-allow-popups" | "noopener-allow-popups" => ("popups", 10),
        "unsafe-none" => ("unsafe-none", 0),
        _ => ("invalid", -5),
    }
}

fn cross_origin_resource_sharing(scan: &Scan) -> Verdict {
    let allowed = scan.preflight.header("access-control-allow-origin");
    let with_cookies = scan.preflight.header("access-control-allow-credentials") == "true";
    match allowed {
        "" => ("not-implemented", 0),
        "*" => ("public", 0),
        STRANGER if with_cookies => ("universal", -50),
        _ => ("restricted", 0),
    }
}

fn redirection(scan: &Scan) -> Verdict {
    if scan.is_https { ("to-https", 0) } else { ("missing", -20) }
}

fn referrer_policy(scan: &Scan) -> Verdict {
    match scan.page.header("referrer-policy") {
        "" => ("not-implemented", 0),
        "no-referrer" | "same-origin" | "strict-origin" | "strict-origin-when-cross-origin" => ("private", 5),
        "origin" | "origin-when-cross-origin" | "unsafe-url" | "no-referrer-when-downgrade" => ("unsafe", -5),
        _ => ("invalid", -5),
    }
}

fn strict_transport_security(scan: &Scan) -> Verdict {
    /// Six months in seconds, as the Observatory has them.
    const SIX_MONTHS: u64 = 15_768_000;
    let value = scan.page.header("strict-transport-security");
    let seconds = value.split(';').find_map(|word| word.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
    match seconds {
        _ if !scan.is_https => ("no-https", -20),
        Some(SIX_MONTHS..) => ("six-months-or-more", 0),
        Some(_) => ("less-than-six-months", -10),
        None if value.is_empty() => ("not-implemented", -20),
        None => ("invalid", -20),
    }
}

fn subresource_integrity(scan: &Scan) -> Verdict {
    let scripts: Vec<_> = scan.page.body.split("<script").skip(1).filter_map(|rest| rest.split('>').next()).collect();
    let foreign = |tag: &&&str| tag.contains("src=\"//") || tag.contains("src=\"http");
    if scripts.is_empty() {
        ("no-scripts", 0)
    } else if scripts.iter().find(foreign).is_some() {
        ("scripts-of-others", -5)
    } else {
        ("scripts-of-this-origin", 0)
    }
}

fn x_content_type_options(scan: &Scan) -> Verdict {
    match scan.page.header("x-content-type-options") {
        "nosniff" => ("nosniff", 0),
        "" => ("not-implemented", -5),
        _ => ("invalid", -5),
    }
}

fn x_frame_options(scan: &Scan) -> Verdict {
    let policy = scan.page.header("content-security-policy");
    if directives(policy).is_some_and(|policy| policy.contains_key("frame-ancestors")) {
        return ("by-policy", 5);
    }
    match scan.page.header("x-frame-options") {
        "DENY" | "SAMEORIGIN" => ("by-header", 5),
        "" => ("not-implemented", -20),
        _ => ("invalid", -20),
    }
}

fn cross_origin_resource_policy(scan: &Scan) -> Verdict {
    match scan.page.header("cross-origin-resource-policy") {
        "" => ("not-implemented", 0),
        "same-origin" => ("same-origin", 10),
        "same-site" => ("same-site", 10),
        "cross-origin" => ("cross-origin", 0),
        _ => ("invalid", -5),
    }
}

/// Another site.
const STRANGER: &str = "https://evil.example";

/// Scans a server, compares each rule's verdict, and returns the score.
async fn score(flags: &[&str], is_https: bool) -> i32 {
    let server = Server::start(flags).await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/").await;
    let asks = [(header::ORIGIN, STRANGER), (header::ACCESS_CONTROL_REQUEST_METHOD, "GET")];
    let preflight = browser.ask("OPTIONS", "/", "text/html", &asks, String::new()).await;
    let scan = Scan { page, preflight, is_https };
    let points = RULES.map(|Rule { name, judge, https, plain }| {
        let verdict = judge(&scan);
        assert_eq!(verdict, if is_https { https } else { plain }, "{name}: {:?}", scan.page.headers);
        verdict.1
    });
    let without_bonuses = BASELINE + points.iter().filter(|points| **points < 0).sum::<i32>();
    if without_bonuses < FOR_BONUS { without_bonuses } else { BASELINE + points.iter().sum::<i32>() }
}

#[tokio::test]
async fn observatory_gives_145_points_behind_https_and_40_on_plain_http() {
    assert_eq!(score(&["--public-url=https://chat.example"], true).await, 145);
    assert_eq!(score(&[], false).await, 40);
}

/// Fails by its name at each rule that every answer has to keep, whatever it is: all but those of cookies and transport.
fn assert_secure(answer: Answer, what: &str) -> Answer {
    assert_ne!(answer.header("permissions-policy"), "", "{what}");
    let policy = answer.header("content-security-policy");
    for part in ["base-uri 'none'", "frame-ancestors 'none'", "form-action '"] {
        assert!(policy.contains(part), "{what}: {policy:?}");
    }
    let preflight = Answer { status: answer.status, headers: answer.headers.clone(), body: String::new() };
    let scan = Scan { page: answer, preflight, is_https: true };
    for Rule { name, judge, https, .. } in RULES {
        if !matches!(name, "cookies" | "redirection" | "strict-transport-security" | "subresource-integrity") {
            assert_eq!(judge(&scan), https, "{name} of {what}");
        }
    }
    scan.page
}

/// Returns the nonce of the page's policy. Fails unless every script has it.
fn nonce(page: &Answer) -> String {
    let policy = page.header("content-security-policy");
    let nonce =
        policy.split("'nonce-").nth(1).unwrap_or_else(|| panic!("no nonce in {policy:?}")).split('\'').next().unwrap();
    let scripts = page.body.matches("<script").count();
    assert!(scripts > 0 && page.body.matches(&format!(r#"nonce="{nonce}""#)).count() >= scripts, "{}", page.body);
    nonce.to_owned()
}

#[tokio::test]
async fn every_answer_that_is_no_page_has_security_headers() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    for (method, path, status) in [
        ("GET", "/healthz", StatusCode::OK),
        ("GET", "/readyz", StatusCode::OK),
        ("GET", "/pkg/nothing.js", StatusCode::NOT_FOUND),
        ("GET", "/pkg", StatusCode::NOT_FOUND),
        ("GET", "/pkg/../flasky.db", StatusCode::NOT_FOUND),
        ("GET", "/pkg/%2e%2e/flasky.db", StatusCode::NOT_FOUND),
        ("GET", "/pkg/..%2fflasky.db", StatusCode::NOT_FOUND),
        ("GET", "/icon.svgz", StatusCode::NOT_FOUND),
        ("GET", "/room/ZZZZ-ZZZZ/", StatusCode::SEE_OTHER),
        ("GET", "/room/ZZZZ-ZZZZ/qr.svg", StatusCode::OK),
        ("GET", "/ws/ZZZZ-ZZZZ", StatusCode::UPGRADE_REQUIRED),
        ("GET", "/api/enter", StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "/api/nothing", StatusCode::NOT_FOUND),
        ("POST", "/api/older_page", StatusCode::BAD_REQUEST),
        ("DELETE", "/", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = ana.browser.ask(method, path, "text/html", &[], String::new()).await;
        assert_eq!(assert_secure(answer, path).status, status, "{method} {path}");
    }
    let foreign = [(header::ORIGIN, STRANGER)];
    let refused = ana.browser.ask("POST", "/api/enter", "text/html", &foreign, String::new()).await;
    assert_eq!(assert_secure(refused, "another site's form").status, StatusCode::FORBIDDEN);
    assert_secure(ana.browser.submit("/api/enter", &[("name", "")]).await, "a redirect");
    assert_secure(ana.browser.call("/api/enter", &[("name", "")]).await, "an answer to a program");
}

#[tokio::test]
async fn every_page_has_security_headers_and_a_fresh_nonce() {
    let server = Server::start(&[]).await;
    let mut ana = Person::create(&server, "Ana").await;
    let inside = ana.page();
    let mut nonces = HashSet::new();
    for (path, status) in [
        ("/", StatusCode::OK),
        ("/privacy", StatusCode::OK),
        (&*inside, StatusCode::OK),
        ("/room/ZZZZ-ZZZZ", StatusCode::NOT_FOUND),
        ("/room/no-such-code", StatusCode::NOT_FOUND),
        ("/room/%ff", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/nowhere/at/all.html?x=%00", StatusCode::NOT_FOUND),
    ] {
        for browser in [&mut ana.browser, &mut Browser::new(&server)] {
            let page = assert_secure(browser.get(path).await, path);
            assert_eq!(page.status, status, "{path}");
            assert!(page.header("content-type").starts_with("text/html"), "{path}");
            assert_eq!(page.header("cache-control"), "no-store", "{path}");
            let robots = if matches!(path, "/" | "/privacy") { "" } else { "noindex" };
            assert_eq!(page.header("x-robots-tag"), robots, "{path}");
            assert!(nonces.insert(nonce(&page)), "a nonce is used once");
        }
    }
}
