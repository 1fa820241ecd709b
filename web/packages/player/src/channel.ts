/**
 * How a channel is, as the server tells it at `/{app}/{name}/state`.
 *
 * The answer of a server is foreign text: every field is checked, lists are capped, and what does not fit is dropped
 * rather than shown. Nothing here fetches.
 */

/** The life of a channel, in the server's words. */
export type ChannelPhase = 'waiting' | 'live' | 'stalled' | 'ended';

export interface VideoTrack {
  readonly kind: 'video';
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}

export interface AudioTrack {
  readonly kind: 'audio';
  readonly codec: string;
  readonly sampleRate: number;
  readonly channels: number;
}

export type ChannelTrack = VideoTrack | AudioTrack;

export interface RecordingEntry {
  readonly stream: string;
  /** Unix milliseconds, by the server's clock. */
  readonly started: number;
  readonly durationSeconds: number;
  /** `recording` is being made and grows; `sealed` plays; `ready` can be downloaded too. */
  readonly state: 'recording' | 'sealed' | 'ready';
  readonly bytes: number;
}

export interface Channel {
  readonly phase: ChannelPhase;
  readonly stream: string | null;
  readonly title: string;
  /** Unix milliseconds at which the answer was made. */
  readonly serverTime: number | null;
  readonly tracks: readonly ChannelTrack[];
  readonly recordings: readonly RecordingEntry[];
}

/** A page lists no more than this; the server's own list has them all. */
const RECORDINGS_MAX = 50;
const TRACKS_MAX = 16;
const TEXT_MAX = 200;

type Fields = Readonly<Record<string, unknown>>;

/** Reads the answer; `null` if it is none. */
export function parseChannel(answer: unknown): Channel | null {
  if (!isFields(answer)) return null;
  const phase = oneOf(answer['state'], ['waiting', 'live', 'stalled', 'ended'] as const);
  if (phase === null) return null;
  return {
    phase,
    stream: text(answer['stream']),
    title: text(answer['title']) ?? '',
    serverTime: number(answer['serverTime']),
    tracks: list(answer['tracks'], TRACKS_MAX, parseTrack),
    recordings: list(answer['recordings'], RECORDINGS_MAX, parseRecording),
  };
}

function parseTrack(entry: Fields): ChannelTrack | null {
  const codec = text(entry['codec']);
  if (codec === null) return null;
  if (entry['kind'] === 'video') {
    return { kind: 'video', codec, width: number(entry['width']) ?? 0, height: number(entry['height']) ?? 0 };
  }
  if (entry['kind'] === 'audio') {
    const sampleRate = number(entry['sampleRate']) ?? 0;
    return { kind: 'audio', codec, sampleRate, channels: number(entry['channels']) ?? 0 };
  }
  return null;
}

function parseRecording(entry: Fields): RecordingEntry | null {
  const stream = text(entry['stream']);
  const state = oneOf(entry['state'], ['recording', 'sealed', 'ready'] as const);
  if (stream === null || state === null || !/^[A-Za-z0-9_-]{1,64}$/.test(stream)) return null;
  return {
    stream,
    state,
    started: number(entry['started']) ?? 0,
    durationSeconds: Math.max(0, number(entry['duration']) ?? 0),
    bytes: Math.max(0, number(entry['bytes']) ?? 0),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_MAX) : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | null {
  return allowed.find((one) => one === value) ?? null;
}

function list<T>(value: unknown, max: number, parse: (entry: Fields) => T | null): T[] {
  if (!Array.isArray(value)) return [];
  const entries: unknown[] = value.slice(0, max);
  return entries.filter(isFields).map(parse).filter((one): one is T => one !== null);
}

/** `null` for what is no JSON. */
export function parseJson(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return null;
  }
}
