//! The browser's half of the program, inside the server's.
//!
//! A release build carries the files of `target/site` in itself, with their compressed variants; a debug build reads
//! them from there at each request, so that `cargo leptos watch` can change them. One code serves both.

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::io::{self, Cursor, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use app::ui::Assets;
use rust_embed::{EmbeddedFile, RustEmbed};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, DefaultServeDirFallback, File, Metadata, ServeDir};

// `allow_missing`: the server's own tests need no browser. `build.rs` says what the file list depends on.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Site;

/// Serves the files below this folder of the site.
#[must_use]
pub fn serve(folder: &str) -> ServeDir<DefaultServeDirFallback, Embedded> {
    ServeDir::with_backend(folder, Embedded).append_index_html_on_directories(false)
}

/// The files that make a page come to life.
#[must_use]
pub fn find() -> Assets {
    among(Site::iter())
}

/// The release's names carry a hash of what is in the file, those of `cargo leptos watch` do not; where nothing was
/// built, the plain names are answered.
fn among(files: impl Iterator<Item = Cow<'static, str>>) -> Assets {
    let names: Vec<_> = files.filter_map(|file| file.strip_prefix("pkg/").map(str::to_owned)).collect();
    let address = |extension: &str| {
        let found = names.iter().find(|name| {
            let between = name.strip_prefix("flasky.").and_then(|rest| rest.strip_suffix(extension));
            between.is_some_and(|between| between.is_empty() || between.strip_suffix('.').is_some_and(is_hash))
        });
        match found {
            Some(name) => format!("/pkg/{name}"),
            None => format!("/pkg/flasky.{extension}"),
        }
    };
    Assets { script: address("js"), wasm: address("wasm"), style: address("css") }
}

/// Whether what is behind this address never changes.
#[must_use]
pub fn is_immutable(path: &str) -> bool {
    path.strip_prefix("/pkg/flasky.").and_then(|rest| rest.split_once('.')).is_some_and(|(hash, _)| is_hash(hash))
}

/// cargo-leptos' hashes: 16 bytes in unpadded base64.
fn is_hash(text: &str) -> bool {
    text.len() == 22 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What tower-http takes for a file system.
#[derive(Clone, Copy, Debug)]
pub struct Embedded;

impl Backend for Embedded {
    type File = Opened;
    type Metadata = About;
    type OpenFuture = Ready<io::Result<Opened>>;
    type MetadataFuture = Ready<io::Result<About>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        ready(find_file(&path).map(|file| Opened { about: About::of(&file), bytes: Cursor::new(file.data) }))
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        ready(find_file(&path).map(|file| About::of(&file)))
    }
}

fn find_file(path: &Path) -> io::Result<EmbeddedFile> {
    // tower-http begins every path with `./`.
    let path = path.strip_prefix(".").unwrap_or(path);
    path.to_str().and_then(Site::get).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// A file being read.
#[derive(Debug)]
pub struct Opened {
    about: About,
    bytes: Cursor<Cow<'static, [u8]>>,
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncSeek for Opened {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.bytes).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.bytes).poll_complete(context)
    }
}

impl File for Opened {
    type Metadata = About;
    type MetadataFuture<'a> = Ready<io::Result<About>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.about))
    }
}

/// What a file's validators are made of.
#[derive(Clone, Copy, Debug)]
pub struct About {
    length: u64,
    modified: Option<u64>,
}

impl About {
    fn of(file: &EmbeddedFile) -> Self {
        Self { length: file.data.len() as u64, modified: file.metadata.last_modified() }
    }
}

impl Metadata for About {
    fn is_dir(&self) -> bool {
        false
    }

    fn modified(&self) -> io::Result<SystemTime> {
        let seconds = self.modified.ok_or(io::ErrorKind::Unsupported)?;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn len(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_names_are_found_and_kept() {
        assert_eq!(among(std::iter::empty()).wasm, "/pkg/flasky.wasm", "nothing was built");
        let names = [
            "icon.svg",
            "pkg/flasky.ABCDEFGHIJKLMNOPQRSTUV.wasm",
            "pkg/flasky.ABCDEFGHIJKLMNOPQRSTUV.wasm.br",
            "pkg/flasky.js",
            "pkg/flasky.css",
            "pkg/other.css",
        ];
        let found = among(names.into_iter().map(Cow::from));
        assert_eq!((found.script.as_str(), found.style.as_str()), ("/pkg/flasky.js", "/pkg/flasky.css"));
        assert_eq!(found.wasm, "/pkg/flasky.ABCDEFGHIJKLMNOPQRSTUV.wasm");
        assert!(is_immutable(&found.wasm));
        assert!(!is_immutable(&found.script) && !is_immutable("/pkg/flasky.wasm") && !is_immutable("/"));
    }
}
