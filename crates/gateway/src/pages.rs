//! The web pages, built into the binary, and what keeps them safe.

use std::fmt::Write as _;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, VARY,
};
use http::{HeaderMap, Response, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::{Body, header};
use crate::reply;
use crate::routes::target::{App, Carried, Via};
use crate::routes::{Asked, redirect as redirect_to};

/// Built by `npm run build` in `web/`. A binary built without it says so instead of showing pages.
#[derive(RustEmbed)]
#[folder = "../../web/apps/watch/dist"]
#[allow_missing = true]
struct Watch;

#[derive(RustEmbed)]
#[folder = "../../web/apps/mymentor/dist"]
#[allow_missing = true]
struct MyMentor;

#[derive(RustEmbed)]
#[folder = "../../web/apps/mymentee/dist"]
#[allow_missing = true]
struct MyMentee;

/// Looks a file of an app's pages up.
type Look = fn(&str) -> Option<EmbeddedFile>;

/// No inline code, nothing from elsewhere; media and workers from blobs, as players make them.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; \
                      connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The watch page.
#[must_use]
pub fn watch(headers: &HeaderMap) -> Response<Body> {
    file(Watch::get, "index.html", reply::NO_CACHE, headers).unwrap_or_else(no_pages)
}

fn no_pages() -> Response<Body> {
    reply::text(
        StatusCode::SERVICE_UNAVAILABLE,
        "this server was built without its pages: run npm ci && npm run build in web/ and build it again",
    )
}

/// An address of an app: one of its files, or its page, which knows its places itself. `place` is what stands behind the
/// app's name in `path`.
#[must_use]
pub fn app(app: App, place: &str, path: &str, headers: &HeaderMap) -> Response<Body> {
    if place.is_empty() && !path.ends_with('/') {
        return redirect_to(&format!("{path}/"));
    }
    let look: Look = match app {
        App::MyMentor => MyMentor::get,
        App::MyMentee => MyMentee::get,
    };
    // Names in `assets` hold a hash of the content; a worker or manifest is looked at anew each time.
    let is_asset = place.starts_with("assets/");
    let cache = if is_asset { reply::IMMUTABLE } else { reply::NO_CACHE };
    let is_file = is_asset || place.rsplit_once('.').is_some_and(|(name, _)| !name.contains('/'));
    match file(look, place, cache, headers).filter(|_| is_file) {
        Some(response) => response,
        None if is_asset => reply::text(StatusCode::NOT_FOUND, "there is no such file"),
        None => file(look, "index.html", reply::NO_CACHE, headers).unwrap_or_else(no_pages),
    }
}

/// A file that a page names. Names hold a hash of the content.
#[must_use]
pub fn asset(name: &str, headers: &HeaderMap) -> Response<Body> {
    file(Watch::get, &format!("assets/{name}"), reply::IMMUTABLE, headers)
        .unwrap_or_else(|| reply::text(StatusCode::NOT_FOUND, "there is no such file"))
}

/// From an old page's address to the watch page.
#[must_use]
pub fn redirect(asked: &Asked<'_>, via: Via) -> Response<Body> {
    let mut location = format!("/watch/{}?via={}", asked.path, via.as_str());
    match asked.carried {
        Carried::Sign(sign) => {
            let _ = write!(location, "&sign={sign}");
        }
        Carried::Token(token) => {
            let _ = write!(location, "&token={token}");
        }
        Carried::Nothing => {}
    }
    redirect_to(&location)
}

/// `/`: a browser is shown the app that most people want; anything else is told what this is.
#[must_use]
pub fn root(headers: &HeaderMap) -> Response<Body> {
    if header(headers, ACCEPT).is_some_and(|accepted| accepted.contains("text/html")) {
        return redirect_to("/mymentor/");
    }
    reply::text(
        StatusCode::OK,
        "Tayang. /mymentor/ for mentees, /mymentee/ for mentors, /watch/{app}/{name} for a channel, /api/v1/openapi.json for \
         programs.",
    )
}

fn file(look: Look, name: &str, cache: &'static str, headers: &HeaderMap) -> Option<Response<Body>> {
    let whole = look(name)?;
    let accepted = header(headers, ACCEPT_ENCODING).unwrap_or_default();
    let packed = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(encoding, _)| crate::hls::accepts(accepted, encoding))
        .find_map(|(encoding, extension)| Some((encoding, look(&format!("{name}.{extension}"))?)));
    let mut tag = String::from("\"");
    for byte in whole.metadata.sha256_hash().iter().take(16) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    let unchanged = header(headers, IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let encoding = packed.as_ref().map(|(encoding, _)| *encoding);
    let body = if unchanged {
        Body::Empty
    } else {
        Body::Full(match packed.map_or(whole.data, |(_, packed)| packed.data) {
            std::borrow::Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => bytes.into(),
        })
    };
    let status = if unchanged { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = reply::media(status, mime(name), cache, body);
    let headers = response.headers_mut();
    headers.remove(http::header::ACCESS_CONTROL_ALLOW_ORIGIN);
    headers.remove(http::header::ACCESS_CONTROL_EXPOSE_HEADERS);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "json" | "map" => "application/json",
        "ico" => "image/x-icon",
        _ => "application/octet-stream",
    }
}
