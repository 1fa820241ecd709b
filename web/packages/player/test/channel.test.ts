import { expect, test } from 'vitest';
import { parseChannel } from '../src/channel.ts';

const ANSWER = {
  state: 'live',
  stream: '1763712000000',
  title: 'Fisika',
  serverTime: 1_763_712_345_678,
  tracks: [
    { kind: 'video', codec: 'avc1.64001f', width: 1280, height: 720 },
    { kind: 'audio', codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2 },
  ],
  recordings: [{ stream: '1763712000000', started: 1_763_712_000_000, duration: 12.5, state: 'recording', bytes: 10 }],
};

test('a whole answer is read whole', () => {
  expect(parseChannel(ANSWER)).toEqual({
    phase: 'live',
    stream: '1763712000000',
    title: 'Fisika',
    serverTime: 1_763_712_345_678,
    tracks: ANSWER.tracks,
    recordings: [{ stream: '1763712000000', started: 1_763_712_000_000, durationSeconds: 12.5, state: 'recording', bytes: 10 }],
  });
});

test('the least answer is a state', () => {
  expect(parseChannel({ state: 'waiting' })).toEqual({ phase: 'waiting', stream: null, title: '', serverTime: null, tracks: [], recordings: [] });
});

test.each([null, undefined, 1, 'live', [], {}, { state: 'paused' }, { state: 7 }])('%j is no answer', (answer) => {
  expect(parseChannel(answer)).toBeNull();
});

test('a stream id that came as a number is the same stream', () => {
  expect(parseChannel({ state: 'live', stream: 17 })?.stream).toBe('17');
});

test('tracks and recordings that make no sense are dropped, the others stay', () => {
  const channel = parseChannel({
    ...ANSWER,
    tracks: [null, 'x', { kind: 'text', codec: 'wvtt' }, { kind: 'video' }, ...ANSWER.tracks],
    recordings: [{ stream: '../x', state: 'ready' }, { stream: '17', state: 'lost' }, { stream: '18', state: 'ready', duration: -5 }],
  });
  expect(channel?.tracks).toHaveLength(2);
  expect(channel?.recordings).toEqual([{ stream: '18', state: 'ready', started: 0, durationSeconds: 0, bytes: 0 }]);
});

test('lists and texts are capped', () => {
  const recordings = Array.from({ length: 5_000 }, (_, at) => ({ stream: String(at), state: 'ready' }));
  const channel = parseChannel({ state: 'live', title: 'x'.repeat(10_000), recordings });
  expect(channel?.recordings).toHaveLength(50);
  expect(channel?.title).toHaveLength(200);
});
