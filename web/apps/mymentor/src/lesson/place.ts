/** A playback of the API as a place that the player can play, and a lesson as a state that it understands. Pure. */

import type { Lesson, Playback, PlaybackProtocol } from '@tayang/client';
import type { MediaPlace, Via } from '@tayang/player';

const PROTOCOLS: Readonly<Record<Via, PlaybackProtocol>> = { hls: 'llhls', flv: 'flv', 'ws-flv': 'ws_flv', ts: 'hls_ts', dash: 'dash' };

/** From the best on most networks to the most forgiving; each is another way through what stands in between. */
const LADDER: readonly Via[] = ['hls', 'flv', 'ws-flv', 'ts', 'dash'];

/** Full address of one way; `null` if the server does not offer it. Addresses may be relative to `base_url`. */
export function urlOf(playback: Playback, via: Via, page: string): string | null {
  const url = playback.urls[PROTOCOLS[via]] ?? null;
  if (url === null) return null;
  const full = new URL(url, new URL(playback.base_url === '' ? '/' : playback.base_url, page));
  if (via === 'ws-flv') full.protocol = full.protocol.replace('http', 'ws');
  return full.href;
}

/** `stream` names the recording that is to be played; `null` plays what is live. */
export function placeOf(playback: Playback, playable: readonly Via[], stream: string | null, page: string): MediaPlace {
  const ladder = LADDER.filter((via) => playable.includes(via) && urlOf(playback, via, page) !== null);
  const url = (via: Via): string => urlOf(playback, via, page) ?? urlOf(playback, 'hls', page) ?? page;
  return {
    via: ladder[0] ?? 'hls',
    ladder,
    stream,
    signed: true,
    live: (via) => url(via),
    recording: () => urlOf(playback, 'hls', page) ?? urlOf(playback, 'ts', page) ?? page,
  };
}

/** What makes a playback another place than before. The right itself travels in a cookie, so that its id is none of it. */
export function placeKey(playback: Playback | null): string | null {
  return playback === null ? null : JSON.stringify([playback.kind, playback.base_url, playback.urls]);
}

export type LessonAir = Pick<Lesson, 'title' | 'state' | 'on_air' | 'stalled' | 'started_at'>;

/** The lesson in the words in which a channel tells its state. */
export function channelText({ title, state, on_air, stalled, started_at }: LessonAir): string {
  const phase = state === 'live' ? (stalled ? 'stalled' : on_air ? 'live' : 'waiting') : state === 'scheduled' ? 'waiting' : 'ended';
  return JSON.stringify({ state: phase, stream: started_at, title, tracks: [], recordings: [] });
}

/** Media time of the picture at the playhead in milliseconds; `null` if it cannot be known. */
export function mediaMs(playback: Playback, looked: { readonly recording: string | null; readonly currentTime: number; readonly captureTime: number | null }): number | null {
  if (looked.recording !== null) return Math.round(looked.currentTime * 1_000);
  const start = playback.media_started_at === null ? Number.NaN : Date.parse(playback.media_started_at);
  return looked.captureTime === null || !Number.isFinite(start) ? null : Math.max(0, Math.round(looked.captureTime - start));
}
