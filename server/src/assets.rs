//! Files for the browser, embedded in the server.
//!
//! A release build embeds the files of `target/site` and their compressed variants; a debug build reads them from there
//! at each request, so that `cargo leptos watch` can change them. The same code serves both.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io::{self, Cursor, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use app::document::Assets;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::fs::{Backend, DefaultServeDirFallback, File, Metadata, ServeDir};

// `allow_missing`: the server's tests need no files for the browser. `build.rs` declares what the file list depends on.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Site;

/// Returns a service of the files below this folder of the site.
#[must_use]
pub fn serve(folder: &str) -> ServeDir<DefaultServeDirFallback, Embedded> {
    ServeDir::with_backend(folder, Embedded).append_index_html_on_directories(false)
}

/// Path of the files for the browser. In a release it contains one hash of all their contents, because they work only
/// with each other; so browsers may cache them permanently.
pub static BASE_PATH: LazyLock<String> = LazyLock::new(|| {
    if cfg!(debug_assertions) {
        // During development, files change while the server runs.
        return "/pkg".to_owned();
    }
    let mut names: Vec<_> = Site::iter().filter(|name| name.starts_with("pkg/")).collect();
    names.sort_unstable();
    let mut release = Sha256::new();
    for name in names {
        release.update(name.as_bytes());
        release.update(Site::get(&name).map_or([0; 32], |file| file.metadata.sha256_hash()));
    }
    let release: String = release.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/pkg/{release}")
});

/// Name of this build: its version and, in a release, the hash of its files, which differs between builds of a version.
pub static BUILD: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    BASE_PATH.strip_prefix("/pkg/").map_or_else(|| version.to_owned(), |files| format!("{version}+{files}"))
});

/// Folder below [`BASE_PATH`] with the same files again, which browsers treat as others (see [`Assets::again`]).
pub const SECOND_COPY: &str = "/again";

/// Returns the addresses of the files that a page loads.
#[must_use]
pub fn page_assets() -> Assets {
    let at = |file: &str| format!("{}/flasky.{file}", *BASE_PATH);
    let again = format!("{}{SECOND_COPY}/flasky.js", *BASE_PATH);
    let outside = chunks("outside").map(|chunk| format!("{}/{chunk}.wasm", *BASE_PATH)).collect();
    Assets { script: at("js"), again, wasm: at("wasm"), outside, style: at("css"), build: BUILD.clone() }
}

/// Returns the files of a chunk, from the manifest of cargo-leptos; none if the program is not split.
fn chunks(name: &str) -> impl Iterator<Item = String> {
    let list = find_file(Path::new("pkg/__wasm_split_manifest.json"));
    let all: HashMap<String, Vec<String>> =
        list.ok().and_then(|list| serde_json::from_slice(&list.data).ok()).unwrap_or_default();
    all.get(name).cloned().unwrap_or_default().into_iter()
}

/// Returns true if the content at this path never changes.
#[must_use]
pub fn is_immutable(path: &str) -> bool {
    !cfg!(debug_assertions) && path.strip_prefix(BASE_PATH.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

/// File system of the embedded files, for tower-http.
#[derive(Clone, Copy, Debug)]
pub struct Embedded;

impl Backend for Embedded {
    type File = EmbeddedFileReader;
    type Metadata = FileMetadata;
    type OpenFuture = Ready<io::Result<EmbeddedFileReader>>;
    type MetadataFuture = Ready<io::Result<FileMetadata>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        ready(
            find_file(&path)
                .map(|file| EmbeddedFileReader { metadata: FileMetadata::of(&file), bytes: Cursor::new(file.data) }),
        )
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        ready(find_file(&path).map(|file| FileMetadata::of(&file)))
    }
}

fn find_file(path: &Path) -> io::Result<EmbeddedFile> {
    // tower-http prefixes every path with `./`.
    let path = path.strip_prefix(".").unwrap_or(path);
    path.to_str().and_then(Site::get).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// File that is being read.
#[derive(Debug)]
pub struct EmbeddedFileReader {
    metadata: FileMetadata,
    bytes: Cursor<Cow<'static, [u8]>>,
}

impl AsyncRead for EmbeddedFileReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncSeek for EmbeddedFileReader {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.bytes).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.bytes).poll_complete(context)
    }
}

impl File for EmbeddedFileReader {
    type Metadata = FileMetadata;
    type MetadataFuture<'a> = Ready<io::Result<FileMetadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.metadata))
    }
}

/// Metadata for a file's validators: length in bytes, and time of modification in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct FileMetadata {
    length: u64,
    modified: Option<u64>,
}

impl FileMetadata {
    fn of(file: &EmbeddedFile) -> Self {
        Self { length: file.data.len() as u64, modified: file.metadata.last_modified() }
    }
}

impl Metadata for FileMetadata {
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
