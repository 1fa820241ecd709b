import { describe, expect, test } from 'vitest';
import type { Comment, Playback, RoomComment } from '@tayang/client';
import { Inbox } from '../src/inbox.ts';
import { invitationIn } from '../src/invitation.ts';
import { momentsOf } from '../src/lesson/moments.tsx';
import { channelText, mediaMs, placeKey, placeOf, urlOf } from '../src/lesson/place.ts';
import { comingFrom, isComing } from '../src/parts/coming.ts';
import { deviceName } from '../src/parts/device-name.ts';
import { ReplayComments } from '../src/lesson/replay-comments.ts';
import { refusedScene, sceneOf } from '../src/lesson/scene.ts';
import { paceOf, windowOf, type Sample } from '../src/lesson/window.ts';
import { handlingOf, parsePush } from '../src/sw-parts.ts';
import { en } from '../src/words/en.ts';
import { id } from '../src/words/id.ts';

/** Every text of a catalogue with the path to it. */
function textsOf(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => textsOf(inner, `${path}.${name}`));
}

test('both languages say everything, and nothing was left in the other', () => {
  const [one, two] = [textsOf(id), textsOf(en)];
  expect(one.map(([path]) => path)).toEqual(two.map(([path]) => path));
  for (const [path, text] of [...one, ...two]) expect(text.trim(), path).not.toBe('');
  const english = new Map(two);
  const same = one.filter(([path, text]) => english.get(path) === text).map(([path]) => path);
  expect(same).toEqual(['.stage.volume']);
});

describe('places of media', () => {
  const PAGE = 'https://tayang.example/mymentor/lessons/7';
  const playback: Playback = {
    playback_id: 'p', kind: 'live', base_url: '/live/k/', urls: { llhls: 'master.m3u8', flv: '/live/k.flv', ws_flv: '/live/k.flv', dash: null },
    expires_at: '', refresh_after_ms: 1, live_offset_at: null, media_started_at: '2026-11-28T12:00:00.000Z', recordings: [],
  };

  test('are full addresses, whether they were relative or not', () => {
    expect(urlOf(playback, 'hls', PAGE)).toBe('https://tayang.example/live/k/master.m3u8');
    expect(urlOf(playback, 'flv', PAGE)).toBe('https://tayang.example/live/k.flv');
    expect(urlOf(playback, 'ws-flv', PAGE)).toBe('wss://tayang.example/live/k.flv');
    expect(urlOf(playback, 'dash', PAGE)).toBeNull();
    expect(urlOf({ ...playback, base_url: 'https://edge.example/x/' }, 'hls', PAGE)).toBe('https://edge.example/x/master.m3u8');
  });

  test('are the same for another right to the same addresses, and others where an address is another', () => {
    expect(placeKey({ ...playback, playback_id: 'q', media_started_at: null })).toBe(placeKey(playback));
    expect(placeKey({ ...playback, kind: 'recording' })).not.toBe(placeKey(playback));
    expect(placeKey({ ...playback, urls: { llhls: 'other.m3u8' } })).not.toBe(placeKey(playback));
  });

  test('the ladder has what the server offers and the browser plays', () => {
    expect(placeOf(playback, ['hls', 'flv', 'ws-flv', 'dash', 'ts'], null, PAGE).ladder).toEqual(['hls', 'flv', 'ws-flv']);
    expect(placeOf(playback, ['hls', 'ts'], null, PAGE)).toMatchObject({ ladder: ['hls'], via: 'hls' });
  });

  test('media time is counted from the start of the media, or by the playhead of a recording', () => {
    const at = Date.parse('2026-11-28T12:00:05.250Z');
    expect(mediaMs(playback, { recording: null, currentTime: 3, captureTime: at })).toBe(5_250);
    expect(mediaMs(playback, { recording: null, currentTime: 3, captureTime: null })).toBeNull();
    expect(mediaMs(playback, { recording: 'r', currentTime: 3.5, captureTime: null })).toBe(3_500);
  });

  test('a lesson is told to the player in the words of a channel', () => {
    const phase = (state: 'scheduled' | 'live' | 'ended' | 'cancelled', on_air: boolean, stalled: boolean): unknown =>
      (JSON.parse(channelText({ title: '', state, on_air, stalled, started_at: null })) as { state: unknown }).state;
    expect([phase('scheduled', false, false), phase('live', false, false), phase('live', true, false), phase('live', true, true), phase('ended', false, false), phase('cancelled', false, false)]).toEqual([
      'waiting', 'waiting', 'live', 'stalled', 'ended', 'ended',
    ]);
  });
});

test('what is buffered at the end is shown before the words about it', () => {
  const source = { kind: 'live', via: 'hls', stream: null } as const;
  const look = { phase: 'ended', attached: source, failure: null, frames: 9, currentTime: 9 } as const;
  expect(sceneOf(look, id.scene)).toBeNull();
  expect(sceneOf({ ...look, attached: null }, id.scene)).toBe(id.scene.ended);
  expect(sceneOf({ ...look, phase: 'live', frames: 0, currentTime: 0 }, id.scene)).toBe(id.scene.loading);
});

test('moments are shares of the strongest, and what lies outside the recording is left out', () => {
  const reactions = [{ media_ms: 0, count: 2 }, { media_ms: 1_000, count: 2 }, { media_ms: 9_000, count: 1 }, { media_ms: 99_000, count: 50 }];
  expect(momentsOf(reactions, 10_000, 5)).toEqual([1, 0, 0, 0, 0.25]);
  expect(momentsOf([], 10_000, 5)).toEqual([]);
  expect(momentsOf(reactions, 0, 5)).toEqual([]);
});

describe('invitations', () => {
  test.each([
    ['https://h/mymentor/courses/1#abc_DEF-123', 'abc_DEF-123'],
    ['https://h/mymentor/courses/1?invitation=abcdef', 'abcdef'],
    ['https://h/mymentor/courses/1#invitation=abcdef', 'abcdef'],
    ['  abcdef12  ', 'abcdef12'],
    ['https://h/mymentor/courses/1', null],
    ['ikut kursus', null],
    ['', null],
  ])('%j holds %j', (text, token) => {
    expect(invitationIn(text)).toBe(token);
  });
});

describe('comments of a recording', () => {
  const comment = (seq: number, media_ms: number): Comment => ({ id: `k-${seq}`, seq, user: { id: 'u', name: 'P', mentor: false }, body: '', at: '', media_ms, client_id: null });
  const settle = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

  test('come with the picture, window by window, each read once', async () => {
    const stored = [comment(1, 5_000), comment(2, 100_000), comment(3, 130_000)];
    const reads: number[] = [];
    const comments = new ReplayComments(
      (from, until) => {
        reads.push(from);
        return Promise.resolve({ items: stored.filter(({ media_ms }) => (media_ms ?? 0) >= from && (media_ms ?? 0) < until), next_cursor: null });
      },
      () => 0,
      () => undefined,
    );
    comments.at(0, 10);
    await settle();
    expect(comments.at(6_000, 10).map(({ seq }) => seq)).toEqual([1]);
    comments.at(110_000, 10);
    await settle();
    expect(comments.at(131_000, 10).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(comments.at(131_000, 2).map(({ seq }) => seq)).toEqual([2, 3]);
    expect(comments.at(1_000, 10)).toEqual([]);
    expect(reads).toEqual([0, 120_000]);
  });

  test('of a stretch in which much was said are read to the last page', async () => {
    const stored = Array.from({ length: 250 }, (_, n) => comment(250 - n, n * 100));
    const read = (_from: number, _until: number, cursor: string | null, limit: number): Promise<{ items: Comment[]; next_cursor: string | null }> => {
      const at = Number(cursor ?? 0);
      return Promise.resolve({ items: stored.slice(at, at + limit), next_cursor: at + limit < stored.length ? String(at + limit) : null });
    };
    const comments = new ReplayComments(read, () => 0, () => undefined);
    comments.at(0, 500);
    await settle();
    expect(comments.at(60_000, 500).map(({ seq }) => seq)).toEqual(stored.map(({ seq }) => seq));
  });

  test('that could not be read are asked for again, but not at once', async () => {
    let now = 0;
    let reads = 0;
    const comments = new ReplayComments(() => Promise.reject(new Error(`read ${(reads += 1)}`)), () => now, () => undefined);
    for (let n = 0; n < 5; n += 1) {
      comments.at(0, 10);
      await settle();
    }
    expect(reads).toBe(1);
    now = 6_000;
    comments.at(0, 10);
    await settle();
    expect(reads).toBe(2);
  });
});

describe('devices', () => {
  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safa', 'Chrome · Linux'],
    ['Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0', 'Chrome · Android'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)', 'Safari · iPhone'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox · Windows'],
    ['Mozilla/5.0', 'Mozilla/5.0'],
    ['kelas-bot/2', 'kelas-bot/2'],
  ])('%s is %s', (label, name) => {
    expect(deviceName(label)).toBe(name);
  });
});

describe('the worker', () => {
  const ORIGIN = 'https://tayang.example';
  const BASE = '/mymentor/';

  test('opens nothing but this server', () => {
    const url = (text: string): string | undefined => parsePush(JSON.stringify({ id: '1', title: 't', url: text }), ORIGIN, BASE)?.url;
    expect(url('/mymentor/lessons/7')).toBe('https://tayang.example/mymentor/lessons/7');
    for (const evil of ['https://evil.example/', '//evil.example', 'javascript:alert(1)', '']) expect(url(evil)).toBe('https://tayang.example/mymentor/');
  });

  test.each(['', 'null', '[]', '{"id":"1"}', '{"title":"t"}'])('%j is no push', (text) => {
    expect(parsePush(text, ORIGIN, BASE)).toBeNull();
  });

  test('keeps its own files alone, and no answer of the API', () => {
    const handled = (path: string, mode = 'cors', method = 'GET', origin = ORIGIN): string => handlingOf(method, mode, new URL(path, origin), ORIGIN, BASE);
    expect(handled('/mymentor/lessons/7', 'navigate')).toBe('page');
    expect(handled('/mymentor/assets/index-abc.js')).toBe('asset');
    expect(handled('/mymentor/sw.js')).toBe('network');
    expect(handled('/api/v1/session')).toBe('network');
    expect(handled('/mymentor/assets/x.js', 'cors', 'POST')).toBe('network');
    expect(handled('/mymentor/assets/x.js', 'cors', 'GET', 'https://evil.example')).toBe('network');
  });
});

test('the inbox counts what was not read, and keeps its number when it cannot ask', async () => {
  const inbox = new Inbox();
  const notice = (read_at: string | null) => ({ id: '', kind: '', lesson: null, title: '', body: '', created_at: '', read_at });
  await inbox.look({ notices: () => Promise.resolve({ items: [notice(null), notice('x'), notice(null)], next_cursor: null }) });
  expect(inbox.unread.value).toBe(2);
  await inbox.look({ notices: () => Promise.reject(new Error('lost')) });
  expect(inbox.unread.value).toBe(2);
  inbox.clear();
  expect(inbox.unread.value).toBe(0);
});

test('a lesson whose mentor is late is still to come until its time is over', () => {
  const now = Date.parse('2026-11-28T12:00:00.000Z');
  const lesson = (state: 'scheduled' | 'live' | 'ended' | 'cancelled', from: string, until: string): boolean =>
    isComing({ state, starts_at: `2026-11-28T${from}:00.000Z`, ends_at: `2026-11-28T${until}:00.000Z` }, now);
  expect([lesson('scheduled', '11:50', '12:50'), lesson('scheduled', '10:00', '11:00'), lesson('live', '10:00', '11:00')]).toEqual([true, false, true]);
  expect([lesson('cancelled', '13:00', '14:00'), lesson('cancelled', '11:50', '12:50'), lesson('ended', '11:00', '13:00')]).toEqual([true, false, false]);
  expect(comingFrom(now)).toBe('2026-11-28T00:00:00.000Z');
});

describe('the list of comments', () => {
  const comments = (from: number, until: number): RoomComment[] =>
    Array.from({ length: until - from + 1 }, (_, at) => ({
      id: `k-${from + at}`, seq: from + at, user: { id: 'u', name: 'U', mentor: false }, body: '', at: '', media_ms: null, client_id: null, state: 'shown' as const, pinned: false,
    }));

  test('has the last of them while one reads along', () => {
    const { drawn, fresh } = windowOf(comments(1, 600), null);
    expect([drawn[0]?.seq, drawn.length, fresh]).toEqual([451, 150, 0]);
  });

  test('stays as it is while one reads further up, but for what was taken away', () => {
    const before = windowOf(comments(1, 200), null).drawn;
    const later = comments(101, 700).filter(({ seq }) => seq !== 150);
    const { drawn, fresh } = windowOf(later, before);
    expect([drawn[0]?.seq, drawn.at(-1)?.seq, drawn.length, fresh]).toEqual([51, 200, 149, 500]);
  });

  test('is read aloud while little is said, and not while much is', () => {
    let samples: readonly Sample[] = [];
    const say = (atMs: number, seq: number): boolean => {
      const pace = paceOf(samples, { atMs, seq });
      samples = pace.samples;
      return pace.busy;
    };
    expect([say(0, 0), say(10_000, 1), say(20_000, 2)]).toEqual([false, false, false]);
    expect(say(21_000, 9)).toBe(true);
    expect(say(120_000, 10)).toBe(false);
  });
});

test('why there is no right to play is said by the server\'s code', () => {
  const titles = ['full', 'no-recording', 'not-found'].map((code) => refusedScene({ code }, id).title);
  expect(titles).toEqual([id.scene.full.title, id.lesson.noRecording.title, id.scene.refused.title]);
});
