//! QR code of a room's link.

use std::fmt::Write as _;

use axum::extract::{Path, State};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::RoomCode;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::request::too_many;
use crate::state::AppState;

/// Maximum bytes of an origin: scheme, the longest host name (RFC 1035 section 2.3.4) and a port. A `Host` of 2 000
/// characters would make a picture of 217 KB.
const ORIGIN: usize = 8 + 255 + 6;
/// Width of the quiet zone around the code, in modules (ISO/IEC 18004 requires four).
const QUIET: i32 = 4;

/// Handles `GET /room/{code}/qr.svg`. The response does not depend on the existence of the room. All the same it counts as
/// a try of the code for who has no seat there, as on every other road.
pub async fn picture(
    State(state): State<AppState>,
    Path(code): Path<String>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Response {
    let Ok(code) = code.parse::<RoomCode>() else { return StatusCode::NOT_FOUND.into_response() };
    if !state.has_seat(state.identity.session(&headers), code).await
        && let Err(wait) = state.address_limits.codes.take(state.address_limits.network(&extensions, &headers))
    {
        return too_many(wait).into_response();
    }
    let Some(origin) = state.origins.origin(&headers).filter(|origin| origin.len() <= ORIGIN) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(qr) = QrCode::encode_text(&format!("{origin}/room/{code}"), QrCodeEcc::Medium) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "private, max-age=3600")], svg(&qr))
        .into_response()
}

/// Draws the code dark on white, also where the page is dark: cameras read that most reliably.
fn svg(qr: &QrCode) -> String {
    let side = qr.size() + 2 * QUIET;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#17101f" d=""##
    );
    for y in 0..qr.size() {
        for x in (0..qr.size()).filter(|x| qr.get_module(*x, y)) {
            // Writing to a string does not fail.
            let _ = write!(svg, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    svg + r#""/></svg>"#
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes the picture, drawn with a few pixels per module as a camera would see it.
    fn decode(svg: &str) -> String {
        const SCALE: usize = 5;
        let side: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let dark: std::collections::HashSet<(usize, usize)> = svg
            .split('M')
            .skip(2)
            .map(|square| {
                let (x, y) = square.split('h').next().unwrap().split_once(' ').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            })
            .collect();
        let mut seen = rqrr::PreparedImage::prepare_from_greyscale(side * SCALE, side * SCALE, |x, y| {
            if dark.contains(&(x / SCALE, y / SCALE)) { 0 } else { 255 }
        });
        let grids = seen.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn qr_code_decodes_to_the_link() {
        for link in
            ["http://127.0.0.1:3000/room/KXQ4-7M2P", "https://a-rather-long-name.of.a.chat.example/room/0123-4567"]
        {
            assert_eq!(decode(&svg(&QrCode::encode_text(link, QrCodeEcc::Medium).unwrap())), link);
        }
    }
}
