/**
 * Where a watch page stands and where its media lies.
 *
 * Pure text: reads the address of the page, writes the addresses of the media. Knows nothing of players, and asks
 * nobody whether an address answers.
 */

/** A way to the same media. The name is also what `?via=` holds and what `data-engine` shows. */
export type Via = 'hls' | 'flv' | 'ws-flv' | 'dash' | 'ts';

/** Every way, in the order in which a page offers them. */
export const VIAS: readonly Via[] = ['hls', 'flv', 'ws-flv', 'dash', 'ts'];

/** The way taken when nobody asked for another: low latency, cacheable, and it survives a change of network. */
export const DEFAULT_VIA: Via = 'hls';

/** What the address of a watch page says. */
export interface Address {
  readonly app: string;
  readonly name: string;
  /** Signature of a private channel, carried from the page's own query into every media address. */
  readonly sign: string | null;
  /** Playback token of one person, carried the same way. It is in the address only until the page has read it. */
  readonly token: string | null;
  /** The page's own address carries a signature or a token, be it one that was cut short and is therefore in no media address. */
  readonly signed: boolean;
  /** A recording to show in place of what is live. */
  readonly stream: string | null;
  readonly via: Via;
}

/** One path segment, as the server allows it. Anything else cannot be a channel and is refused before it is fetched. */
const SEGMENT = /^[A-Za-z0-9_-]{1,64}$/;
/** Expiry, dash, hex: at most a SHA-256 in hex and a 64-bit number. */
const SIGN = /^[0-9]{1,20}-[0-9A-Fa-f]{1,128}$/;
/** Base64url; the server makes fewer than 300 characters. */
const TOKEN = /^[A-Za-z0-9_-]{1,300}$/;

/** Pages of the older system, and which way each of them played. */
const OLD_PAGES: ReadonlyMap<string, Via> = new Map([
  ['flv.html', 'flv'],
  ['index.html', 'ts'],
  ['hls.html', 'hls'],
  ['dash.html', 'dash'],
] as const);

/** The application that one-segment addresses of the older system belong to. */
const OLD_APP = 'live';

/** Whether a text names one of the ways. */
export function isVia(text: string | null): text is Via {
  return text !== null && (VIAS as readonly string[]).includes(text);
}

/** Reads the address of a page; `null` if it names no channel. */
export function parseAddress(pathname: string, search: string): Address | null {
  const query = new URLSearchParams(search);
  const place = parsePath(pathname);
  if (place === null) return null;
  const asked = query.get('via');
  const sign = query.get('sign');
  const token = query.get('token');
  const stream = query.get('stream');
  return {
    app: place.app,
    name: place.name,
    sign: sign !== null && SIGN.test(sign) ? sign : null,
    token: token !== null && TOKEN.test(token) ? token : null,
    signed: sign !== null || token !== null,
    stream: stream !== null && SEGMENT.test(stream) ? stream : null,
    via: isVia(asked) ? asked : (place.via ?? DEFAULT_VIA),
  };
}

function parsePath(pathname: string): { app: string; name: string; via: Via | null } | null {
  const parts = pathname.split('/').filter((part) => part !== '');
  const [first, second, third] = parts;
  if (first === 'watch' && parts.length === 3 && isSegment(second) && isSegment(third)) {
    return { app: second, name: third, via: null };
  }
  const old = OLD_PAGES.get(second ?? '');
  if (parts.length === 2 && old !== undefined && isSegment(first)) return { app: OLD_APP, name: first, via: old };
  return null;
}

function isSegment(text: string | undefined): text is string {
  return text !== undefined && SEGMENT.test(text);
}

/** Path in front of everything that belongs to the channel; what opens it travels in it so that relative URLs keep it. */
export function channelRoot(address: Address): string {
  return `${openerOf(address)}/${address.app}/${address.name}`;
}

/** The server reads one of both; a token is of the person who looks. */
function openerOf({ sign, token }: Address): string {
  if (token !== null) return `/p/${token}`;
  return sign === null ? '' : `/s/${sign}`;
}

/** Address of what is live, by one of the ways. `origin` is the page's own (`https://host`), needed for WebSockets. */
export function liveUrl(address: Address, via: Via, origin: string): string {
  const root = channelRoot(address);
  switch (via) {
    case 'hls':
      return `${root}/master.m3u8`;
    case 'ts':
      return `${root}/live.m3u8`;
    case 'dash':
      return `${root}/manifest.mpd`;
    case 'flv':
      return `${root}.flv`;
    case 'ws-flv':
      return `${origin.replace(/^http/, 'ws')}${root}.flv`;
  }
}

/** Playlist of a recording. */
export function recordingUrl(address: Address, stream: string): string {
  return `${channelRoot(address)}/${stream}/master.m3u8`;
}

/** MP4 of a recording, for keeping. */
export function downloadUrl(address: Address, stream: string): string {
  return `${channelRoot(address)}/${stream}/recording.mp4`;
}

/** What the page asks to learn how the channel is. */
export function stateUrl(address: Address): string {
  return `${channelRoot(address)}/state`;
}

/** The page's own address with another recording (or none) and another way, everything else kept. */
export function pageUrl(address: Address, change: { stream?: string | null; via?: Via }): string {
  const stream = change.stream === undefined ? address.stream : change.stream;
  const via = change.via ?? address.via;
  const query = new URLSearchParams();
  if (stream !== null) query.set('stream', stream);
  if (via !== DEFAULT_VIA) query.set('via', via);
  if (address.sign !== null) query.set('sign', address.sign);
  const text = query.toString();
  return `/watch/${address.app}/${address.name}${text === '' ? '' : `?${text}`}`;
}

/**
 * A place whose media is to be played: a channel by its address, or whatever else knows its own addresses.
 */
export interface MediaPlace {
  /** The way to begin with. */
  readonly via: Via;
  /** Ways to go on to by itself when one cannot be played here, the better first; empty where only people choose. */
  readonly ladder: readonly Via[];
  /** A recording to show in place of what is live. */
  readonly stream: string | null;
  /** Who is refused was told of this place: it exists, and this right to it does not. */
  readonly signed: boolean;
  readonly live: (via: Via, origin: string) => string;
  readonly recording: (stream: string) => string;
}

/** The place of a channel, by the shapes of its addresses. */
export function channelPlace(address: Address): MediaPlace {
  return {
    via: address.via,
    ladder: [],
    stream: address.stream,
    signed: address.signed,
    live: (via, origin) => liveUrl(address, via, origin),
    recording: (stream) => recordingUrl(address, stream),
  };
}
