//! What people see: the document, the routes, and the pages.

#![allow(unreachable_pub, reason = "the component macro makes public items of private ones")]

use leptos::config::LeptosOptions;
use leptos::hydration::AutoReload;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, Stylesheet, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::live::browser;

mod enter_form;
mod home_page;
mod kit;
mod missing_page;
mod room;
mod room_page;
mod text;

use home_page::HomePage;
use missing_page::MissingPage;
use room_page::RoomPage;

/// The document around the app.
///
/// The boot script is our own and not leptos' `HydrationScripts`, which writes the nonce into `crossorigin` (a dead
/// page in Firefox) and fails without a word.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let pkg = format!("/{}/{}", options.site_pkg_dir, options.output_name);
    let (script, wasm) = (format!("{pkg}.js"), format!("{pkg}.wasm"));
    // Both files are asked for at once, and by script: a preload tag would also fetch them where no script runs.
    let boot = format!(
        "const wasm = fetch('{wasm}');\
         import('{script}').then(async m => {{ await m.default({{ module_or_path: wasm }}); m.hydrate(); }})\
         .catch(() => {{ document.getElementById('boot-failed').hidden = false; }});"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <AutoReload options/>
                <script type="module" nonce=use_nonce()>{boot}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
                <p id="boot-failed" class="boot-failed" role="alert" hidden>{text::BOOT_FAILED}</p>
            </body>
        </html>
    }
}

/// The routes. Both pages are rendered whole (`SsrMode::Async`): without script nothing may wait in a template.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Effect::new(|_| browser::mark_document("data-hydrated", true));
    view! {
        <Stylesheet id="leptos" href="/pkg/flasky.css"/>
        <Title formatter=|page: String| if page.is_empty() { text::PRODUCT.to_owned() } else { format!("{page}, {}", text::PRODUCT) }/>
        <Router>
            <Routes fallback=|| view! { <MissingPage heading=text::NO_PAGE/> }>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/room/:code") view=RoomPage ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
