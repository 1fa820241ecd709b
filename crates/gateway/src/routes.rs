//! What each HTTP request gets. Reads the path ([`target`]), asks `control`, and passes on.

mod kinds;
pub mod shown;
pub mod target;

use std::sync::Arc;
use std::time::Instant;

use control::Denied;
use control::teaching::lessons::lesson_at;
use http::header::{CONTENT_RANGE, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use media::ChannelPath;

use crate::delivery::Receipt;
use crate::http::{Body, Peer};
use crate::right::{self, Right};
pub(crate) use crate::routes::kinds::protocol_of;
use crate::routes::shown::Shown;
use crate::routes::target::{Carried, ChannelFile, ChannelRef, Target};
use crate::{Gateway, flv, hls, pages, range, recorded, reply, state};

/// Which port a request came in by. The old systems' ports serve their own shapes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// The HTTP port, TLS or not.
    Main,
    /// livego's HTTP-FLV port (7001).
    LegacyFlv,
    /// livego's HLS port (7002).
    LegacyHls,
    /// The LHLS platform's port (9094).
    LegacyLhls,
}

/// A channel's request after the access decision.
pub struct Asked<'r> {
    /// The channel.
    pub path: ChannelPath,
    /// As the address names it, which says nothing that who asks does not know.
    pub called: String,
    /// What the request's path carries, for addresses that are made for it.
    pub carried: Carried<'r>,
    /// The query, without `?`.
    pub query: &'r str,
    /// The right to play it.
    pub right: Right,
    /// `HEAD`.
    pub head: bool,
    /// The client takes gzip.
    pub gzip: bool,
}

/// Answers one request, with which a playback token was shown in a cookie or header or not.
pub async fn answer(gateway: Arc<Gateway>, peer: Peer, request: Request<()>, shown: Shown) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    let mut response = match *request.method() {
        Method::OPTIONS => reply::preflight(),
        Method::GET | Method::HEAD => match understand(&gateway, &peer, &request, &shown) {
            Meaning::Answer(response) => response,
            Meaning::File(asked, file) => deliver(&gateway, &peer, &request, &asked, file).await,
        },
        _ => {
            let mut refused = reply::text(StatusCode::METHOD_NOT_ALLOWED, "only GET, HEAD and OPTIONS are served here");
            refused.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
            refused
        }
    };
    if head {
        state_length(&mut response);
    }
    count(&peer, response.status());
    response
}

/// The length that a `GET` would have had, and no bytes (RFC 9110 §9.3.2).
fn state_length(response: &mut Response<Body>) {
    if let Some(length @ 1..) = response.body().length() {
        let length = HeaderValue::from(length);
        response.headers_mut().entry(http::header::CONTENT_LENGTH).or_insert(length);
    }
    *response.body_mut() = Body::Empty;
}

fn count(peer: &Peer, status: StatusCode) {
    let listener = match peer.listener {
        Listener::Main => "main",
        Listener::LegacyFlv => "legacy_flv",
        Listener::LegacyHls => "legacy_hls",
        Listener::LegacyLhls => "legacy_lhls",
    };
    let class = match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("tayang_http_responses_total", "listener" => listener, "class" => class).increment(1);
}

/// What a request turns out to be.
enum Meaning<'r> {
    /// Its answer is there.
    Answer(Response<Body>),
    /// A file of a channel that he who asks may play. It may have to be waited for.
    File(Asked<'r>, ChannelFile),
}

/// All that is decided at once, and so takes no room in an answer that waits.
fn understand<'r>(gateway: &Arc<Gateway>, peer: &Peer, request: &'r Request<()>, shown: &Shown) -> Meaning<'r> {
    let (carried, path) = target::split_carried(request.uri().path());
    let query = request.uri().query().unwrap_or_default();
    Meaning::Answer(match target::parse(path) {
        Target::Channel(channel, file, second) => {
            if !serves(peer.listener, &file) && second.as_ref().is_none_or(|(_, file)| !serves(peer.listener, file)) {
                unknown()
            } else {
                let named = Named { channel, file, second, carried, query, shown };
                match of_channel(gateway, peer, request, &named) {
                    Ok((asked, file)) => return Meaning::File(asked, file),
                    Err(response) => *response,
                }
            }
        }
        target if peer.listener == Listener::Main => general(gateway, request, target, carried),
        Target::HealthCheck => reply::text(StatusCode::OK, "OK"),
        _ => unknown(),
    })
}

fn general(gateway: &Arc<Gateway>, request: &Request<()>, target: Target, carried: Carried<'_>) -> Response<Body> {
    match target {
        Target::Root => pages::root(request.headers()),
        Target::Health => state::health(gateway),
        Target::Ready => state::ready(gateway),
        Target::HealthCheck => reply::text(StatusCode::OK, "OK"),
        Target::Metrics => state::metrics(gateway),
        Target::Time => state::time(),
        Target::Asset(file) => pages::asset(&file, request.headers()),
        Target::App(app, place) => pages::app(app, &place, request.uri().path(), request.headers()),
        // The page is the same for every channel and says itself what is not there.
        Target::Watch(path) => match carried {
            Carried::Sign(sign) => redirect(&format!("/watch/{path}?sign={sign}")),
            Carried::Token(token) => redirect(&format!("/watch/{path}?token={token}")),
            Carried::Nothing => pages::watch(request.headers()),
        },
        Target::Unknown | Target::Channel(..) => unknown(),
    }
}

fn unknown() -> Response<Body> {
    reply::text(StatusCode::NOT_FOUND, "there is nothing at this address")
}

fn serves(listener: Listener, file: &ChannelFile) -> bool {
    match listener {
        Listener::Main => true,
        Listener::LegacyFlv => matches!(file, ChannelFile::Flv),
        Listener::LegacyHls => matches!(file, ChannelFile::TsPlaylist | ChannelFile::Stream(..)),
        Listener::LegacyLhls => matches!(
            file,
            ChannelFile::LhlsMaster | ChannelFile::LhlsMedia(_) | ChannelFile::Media(_) | ChannelFile::Stream(..)
        ),
    }
}

struct Named<'r, 's> {
    channel: ChannelRef,
    file: ChannelFile,
    second: Option<(ChannelRef, ChannelFile)>,
    carried: Carried<'r>,
    query: &'r str,
    shown: &'s Shown,
}

/// Who asks for what, or why he does not get it.
fn of_channel<'r>(
    gateway: &Arc<Gateway>,
    peer: &Peer,
    request: &'r Request<()>,
    named: &Named<'r, '_>,
) -> Result<(Asked<'r>, ChannelFile), Box<Response<Body>>> {
    // Before anything is looked up: what is wrong with an address is so whether or not there is such a channel.
    let query_sign = control::sign::from_query(named.query).map_err(|_| once_at_most("sign"))?;
    let query_token = shown::token_in(named.query).map_err(|_| once_at_most("token"))?;
    let called = label(&named.channel);
    let Some((path, file)) = resolve(gateway, peer.listener, named) else {
        return Err(Box::new(reply::nothing_for_them(&called)));
    };
    let shows = shown::Shows { carried: named.carried, query_sign, query_token, shown: named.shown };
    let (right, by) = shows.right(gateway, &path, &file).map_err(|denied| Box::new(refused(denied, &called)))?;
    // Players carry a path on to what a playlist names, but not a query: send them to the path that carries it.
    if let Some(carried) = by
        && is_playlist(&file)
    {
        return Err(Box::new(to_carrying_path(carried, request.uri().path(), named.query)));
    }
    if let Some(claims) = right.claims() {
        gateway.audience().asks(claims, kinds::protocol_of(&file));
    }
    let asked = Asked {
        path,
        called,
        carried: named.carried,
        query: named.query,
        right,
        head: request.method() == Method::HEAD,
        gzip: hls::takes_gzip(request.headers()),
    };
    Ok((asked, file))
}

fn once_at_most(parameter: &str) -> Box<Response<Body>> {
    let sentence = format!("the address must hold one {parameter} parameter at most");
    Box::new(reply::text(StatusCode::BAD_REQUEST, sentence))
}

async fn deliver(
    gateway: &Arc<Gateway>,
    peer: &Peer,
    request: &Request<()>,
    asked: &Asked<'_>,
    file: ChannelFile,
) -> Response<Body> {
    let receipt = Receipt::of(gateway, asked, &file).map(Box::new);
    let mut response = serve(gateway, peer, request, asked, file).await;
    // It may have waited for what it holds.
    if !asked.right.holds(&gateway.directory.view(), Instant::now()) {
        right::count_lost();
        return reply::nothing_for_them(&asked.called);
    }
    if asked.right.is_private() {
        reply::keep_private(&mut response, asked.right.ends_at());
    }
    if let Some(receipt) = receipt
        && is_all(&response)
        && !asked.head
    {
        return response.map(|body| Body::counted(body, *receipt));
    }
    response
}

/// A player that asks for a range gets all of a segment nevertheless where the range is all of it.
fn is_all(response: &Response<Body>) -> bool {
    let part = response.headers().get(CONTENT_RANGE).and_then(|part| part.to_str().ok());
    match response.status() {
        StatusCode::OK => true,
        StatusCode::PARTIAL_CONTENT => part.is_some_and(range::is_whole),
        _ => false,
    }
}

async fn serve(
    gateway: &Arc<Gateway>,
    peer: &Peer,
    request: &Request<()>,
    asked: &Asked<'_>,
    file: ChannelFile,
) -> Response<Body> {
    match file {
        ChannelFile::Flv => match asked.right.channel().and_then(|channel| gateway.live.playable(channel)) {
            Some(stream) => Box::pin(flv::answer(gateway, peer, request, stream, asked.right.clone())).await,
            None => reply::not_live(asked.path.name.as_str()),
        },
        ChannelFile::State => Box::pin(state::channel(gateway, asked)).await,
        ChannelFile::Recordings => Box::pin(state::recordings(gateway, asked)).await,
        ChannelFile::Page(via) => pages::redirect(asked, via),
        ChannelFile::Stream(id, file) => match gateway.live.stream(&asked.path, id) {
            Some(live) => hls::of_stream(gateway, &live, asked, file, request.headers()).await,
            None => Box::pin(recorded::answer(gateway, asked, id, file, request.headers())).await,
        },
        ChannelFile::Rendition(name) => {
            reply::text(StatusCode::NOT_FOUND, format!("{name} is not made: this channel is sent as it comes"))
        }
        ChannelFile::Master
        | ChannelFile::LhlsMaster
        | ChannelFile::Media(_)
        | ChannelFile::LhlsMedia(_)
        | ChannelFile::TsPlaylist
        | ChannelFile::Mpd
        | ChannelFile::WindowMaster
        | ChannelFile::WindowMedia(_) => hls::live(gateway, asked, file).await,
    }
}

/// The first reading whose channel exists and that this port serves. Any path that a lesson's channel may have counts: whether
/// there was such a lesson is known to who has a token for it, and to nobody else.
fn resolve(gateway: &Gateway, listener: Listener, named: &Named<'_, '_>) -> Option<(ChannelPath, ChannelFile)> {
    let snapshot = gateway.directory.snapshot();
    let first = (named.channel.clone(), named.file.clone());
    std::iter::once(first).chain(named.second.clone()).filter(|(_, file)| serves(listener, file)).find_map(
        |(channel, file)| {
            let path = match channel {
                ChannelRef::Path(path) if snapshot.channel(&path).is_some() || lesson_at(&path).is_some() => path,
                ChannelRef::Path(_) => return None,
                ChannelRef::Id(id) => snapshot.channel_by_id(id)?.path.clone(),
            };
            Some((path, file))
        },
    )
}

fn label(channel: &ChannelRef) -> String {
    match channel {
        ChannelRef::Path(path) => path.name.to_string(),
        ChannelRef::Id(id) => id.to_string(),
    }
}

/// A stranger learns nothing: a channel that he may not play looks like one that is not there.
fn refused(denied: Denied, called: &str) -> Response<Body> {
    metrics::counter!("tayang_play_denied_total", "reason" => denied.reason()).increment(1);
    reply::nothing_for_them(called)
}

fn is_playlist(file: &ChannelFile) -> bool {
    use target::StreamFile;
    match file {
        ChannelFile::Master
        | ChannelFile::LhlsMaster
        | ChannelFile::Media(_)
        | ChannelFile::LhlsMedia(_)
        | ChannelFile::TsPlaylist
        | ChannelFile::Mpd
        | ChannelFile::WindowMaster
        | ChannelFile::WindowMedia(_)
        | ChannelFile::Stream(_, StreamFile::Master | StreamFile::Media(_) | StreamFile::Mpd) => true,
        ChannelFile::Flv
        | ChannelFile::State
        | ChannelFile::Recordings
        | ChannelFile::Page(_)
        | ChannelFile::Rendition(_)
        | ChannelFile::Stream(..) => false,
    }
}

fn to_carrying_path(carried: Carried<'_>, path: &str, query: &str) -> Response<Body> {
    let (_, path) = target::split_carried(path);
    let is_other = |pair: &&str| !pair.is_empty() && !pair.starts_with("sign=") && !pair.starts_with("token=");
    let rest: Vec<&str> = query.split('&').filter(is_other).collect();
    let mut location = format!("{}{path}", carried.prefix());
    if !rest.is_empty() {
        location.push('?');
        location.push_str(&rest.join("&"));
    }
    redirect(&location)
}

/// `302` to an address of this server.
#[must_use]
pub fn redirect(location: &str) -> Response<Body> {
    let mut response = reply::text(StatusCode::FOUND, "see the address in Location");
    match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(LOCATION, value);
            response
        }
        Err(_) => reply::text(StatusCode::BAD_REQUEST, "the address cannot be written as a header"),
    }
}
