//! The document around the app. In the server only.

mod host;
mod privacy;

use std::sync::LazyLock;

use leptos::config::LeptosOptions;
use leptos::hydration::AutoReload;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;
use leptos_router::location::RequestUrl;
use protocol::SUBPROTOCOL;

use crate::app::App;
use crate::components::icon::{Logo, Sprite};
use crate::components::language_form::LanguageForm;
use crate::language::Language;
use crate::text;

pub use host::host_page;
pub use privacy::{Privacy, privacy_page};

/// Addresses of the browser half, which change with what is behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    /// The script that starts the WASM.
    pub script: String,
    /// The same at another address, for a second instance. What it imports has other addresses then, too: a query would
    /// give the parts of the program that come later to the first instance.
    pub again: String,
    /// The WASM.
    pub wasm: String,
    /// The files of the chunk that pages outside of a room need; none where the program is not split.
    pub outside: Vec<String>,
    /// The styles.
    pub style: String,
    /// Name of this build, as the server's `welcome` has it: a page of another one offers to be loaded anew.
    pub build: String,
}

/// Reasons for an answer without a document.
#[derive(Clone, Copy, Debug)]
pub enum Refused<'a> {
    /// A form is too large.
    FormTooLarge,
    /// A form took too long to arrive.
    FormTooSlow,
    /// A form cannot be read.
    FormUnreadable,
    /// A form is of a page at another address than the server's, which is this one where it is known.
    Origin(Option<&'a str>),
    /// The server has too much to do.
    Busy,
}

impl Refused<'_> {
    /// The sentence that the reader gets, in their language.
    #[must_use]
    pub fn words(self, language: Language) -> String {
        language.run(|| match self {
            Self::FormTooLarge => text::form_too_large().to_owned(),
            Self::FormTooSlow => text::form_too_slow().to_owned(),
            Self::FormUnreadable => text::form_unreadable().to_owned(),
            Self::Origin(None) => text::wrong_origin().to_owned(),
            Self::Origin(Some(address)) => text::wrong_origin_go(address),
            Self::Busy => text::server_busy().to_owned(),
        })
    }
}

/// The page of somebody who has tried too much at once, with the time to wait. No script runs on it.
#[must_use]
pub fn limited_document(language: Language, seconds: usize, style: &str) -> String {
    let page = || {
        view! {
            <html lang=language.tag() dir=language.direction()>
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="light dark"/>
                    <title>{text::page_title(text::limited())}</title>
                    <link rel="stylesheet" href=style.to_owned()/>
                </head>
                <body>
                    <div class="home">
                        <main>
                            <div class="pitch">
                                <h1>{text::limited()}</h1>
                                <p>{text::limited_more(seconds)}</p>
                            </div>
                            // The page itself.
                            <a class="button primary" href="">{text::try_again()}</a>
                            <a class="button" href="/">{text::start_new()}</a>
                        </main>
                    </div>
                </body>
            </html>
        }
        .to_html()
    };
    format!("<!DOCTYPE html>{}", Owner::new().with(|| language.run(page)))
}

/// Script to run before the first paint.
static HEAD: LazyLock<String> = LazyLock::new(|| without_comments(include_str!("head.js")));
/// Script that starts the browser's half.
static BOOT: LazyLock<String> = LazyLock::new(|| without_comments(include_str!("boot.js")));

/// A script as every page carries it.
fn without_comments(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The document around the app.
///
/// The boot script is our own and not leptos' `HydrationScripts`, which writes the nonce into `crossorigin` (leptos
/// #4843: a dead page in Firefox) and fails without a word. Both files are asked for at once, after the first paint, and
/// by script: a preload tag would also fetch them where no script runs.
///
/// `origin` is the address that people use, where the server knows it. With `report`, a room's page without script leads
/// to the address to which it is reported.
pub fn shell(options: LeptosOptions, assets: Assets, origin: Option<String>, report: bool) -> impl IntoView {
    let Assets { script, again, wasm, outside, style, build } = assets;
    let boot = format!("{}\nboot('{wasm}', '{script}', '{again}', {outside:?}, '{SUBPROTOCOL}');", *BOOT);
    let path = use_context::<RequestUrl>().and_then(|url| Some(url.parse().ok()?.path().to_owned()));
    let report = (report && path.as_ref().is_some_and(|path| path.starts_with("/room/"))).then(privacy::report_link);
    let more = view! {
        {origin.as_deref().map(link_card)}
        <script nonce=use_nonce()>{HEAD.as_str()}</script>
        // Painted when it is here whole: half a page would move when the rest comes.
        <link rel="expect" href="#boot-failed" blocking="render"/>
        <AutoReload options/>
        <script type="module" nonce=use_nonce()>{boot}</script>
    };
    view! {
        <!DOCTYPE html>
        <html lang=Language::current().tag() dir=Language::current().direction() data-path=path>
            {head(style, more)}
            <body>
                <div id="app" data-build=build><App/></div>
                <Sprite/>
                // Outside of the app, which has to be as the server wrote it until the program takes it over.
                <p id="connecting" class="visually-hidden" role="status"></p>
                <p id="boot-failed" class="boot-failed" role="alert" hidden>
                    {text::boot_failed()}" "<a href="" rel="external">{text::try_again()}</a>
                </p>
                {report}
            </body>
        </html>
    }
}

/// The head of a document: what all have, and more.
fn head(style: String, more: impl IntoView) -> impl IntoView {
    view! {
        <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content, viewport-fit=cover"/>
            <meta name="description" content=text::description()/>
            <meta name="color-scheme" content="light dark"/>
            // The colours of `--surface`, for the browser's own bars.
            <meta name="theme-color" data-scheme="light" media="(prefers-color-scheme: light)" content="#ffffff"/>
            <meta name="theme-color" data-scheme="dark" media="(prefers-color-scheme: dark)" content="#1a1526"/>
            {more}
            <link rel="stylesheet" href=style/>
            <link id="icon" rel="icon" href="/favicon.svg" type="image/svg+xml"/>
            <link rel="apple-touch-icon" href="/apple-touch-icon.png"/>
            <link rel="manifest" href="/manifest.webmanifest"/>
            <MetaTags/>
        </head>
    }
}

/// The top of a document without the program. `from` is its address.
fn top(from: String) -> impl IntoView {
    view! {
        <header class="top">
            <a class="mark" href="/"><Logo/>{text::PRODUCT}</a>
            <LanguageForm from load=Callback::new(|_| ())/>
        </header>
    }
}

/// Preview that other programs show beside a link (ogp.me). The same on every page, so that it tells nothing about rooms. The
/// address of a picture has to be a whole one.
fn link_card(origin: &str) -> impl IntoView {
    let property =
        |(name, content): (&'static str, &str)| leptos::html::meta().attr("property", name).content(content.to_owned());
    let picture = format!("{origin}/og.png");
    let properties = [
        ("og:type", "website"),
        ("og:site_name", text::PRODUCT),
        ("og:title", text::card_title()),
        ("og:description", text::description()),
        ("og:image", &picture),
        ("og:image:width", "1200"),
        ("og:image:height", "630"),
        ("og:image:alt", text::PRODUCT),
    ];
    view! {
        {properties.map(property).collect_view()}
        <meta name="twitter:card" content="summary_large_image"/>
    }
}
