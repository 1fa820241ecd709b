/** What the figures of a broadcast come to. */

import type { Health } from '@tayang/client';
import { describe, expect, test } from 'vitest';
import { adviceOf, checksOf, codecName, isReady, moodOf } from '../src/logic/health.ts';
import { liveId } from '../src/words/live.ts';

const GOOD: Health = {
  on_air: true,
  publisher: { protocol: 'rtmp', since_at: '2026-11-28T12:00:00.000Z' },
  video: { codec: 'avc1.64001f', width: 1280, height: 720, fps: 30, bitrate_kbps: 2_400 },
  audio: { codec: 'mp4a.40.2', bitrate_kbps: 128 },
  warnings: [],
};
const OFF: Health = { on_air: false, publisher: null, video: null, audio: null, warnings: [] };
const names = (health: Health): readonly string[] => adviceOf(health).map(({ name }) => name);
const withVideo = (part: Partial<NonNullable<Health['video']>>): Health => ({ ...GOOD, video: GOOD.video === null ? null : { ...GOOD.video, ...part } });

describe('checks', () => {
  test('all wait while nothing arrives, whatever was measured before', () => {
    expect(Object.values(checksOf(null))).toEqual(['wait', 'wait', 'wait', 'wait']);
    expect(Object.values(checksOf({ ...GOOD, on_air: false }))).toEqual(['wait', 'wait', 'wait', 'wait']);
  });

  test('are all green for a good broadcast', () => {
    expect(Object.values(checksOf(GOOD))).toEqual(['good', 'good', 'good', 'good']);
    expect(isReady(checksOf(GOOD))).toBe(true);
  });

  test('ask for a look where sound is missing or the picture is small', () => {
    expect(checksOf({ ...GOOD, audio: null }).sound).toBe('amiss');
    expect(checksOf(withVideo({ height: 360 })).picture).toBe('amiss');
    expect(checksOf(withVideo({ bitrate_kbps: 120 })).bitrate).toBe('amiss');
  });

  test('wait for a bit rate that was not measured yet', () => {
    expect(checksOf(withVideo({ bitrate_kbps: 0 })).bitrate).toBe('wait');
    expect(names(withVideo({ bitrate_kbps: 0, fps: 0 }))).toEqual([]);
  });

  test('are not ready without a picture', () => {
    expect(isReady(checksOf({ ...GOOD, video: null }))).toBe(false);
    expect(isReady(checksOf({ ...GOOD, audio: null }))).toBe(true);
  });
});

describe('advice', () => {
  test('is none for a good broadcast and for none', () => {
    expect(adviceOf(GOOD)).toEqual([]);
    expect(adviceOf(OFF)).toEqual([]);
    expect(adviceOf(null)).toEqual([]);
  });

  test('names what is amiss, the gravest first', () => {
    expect(names({ ...withVideo({ fps: 8, bitrate_kbps: 90, codec: 'hvc1.1.6.L93' }), audio: null })).toEqual(['noSound', 'bitrateLow', 'fpsLow', 'codecNarrow']);
    expect(names(withVideo({ bitrate_kbps: 9_000 }))).toEqual(['bitrateHigh']);
  });

  test('knows warnings of the server, and says each thing once', () => {
    expect(names({ ...GOOD, warnings: ['key frames 8 s apart', 'timestamps jumped back', 'GOP too long'] })).toEqual(['keyframes', 'clock']);
    expect(names({ ...GOOD, audio: null, warnings: ['no audio'] })).toEqual(['noSound']);
  });

  test('knows the stable words of the server', () => {
    expect(names({ ...GOOD, warnings: ['no_audio', 'long_gop', 'late', 'jumping_time', 'not_recorded'] })).toEqual(['noSound', 'keyframes', 'unsteady', 'clock', 'notRecorded']);
    expect(liveId.health.advice).toHaveProperty('notRecorded');
  });

  test('hands on what it does not know in the words of the server', () => {
    expect(adviceOf({ ...GOOD, warnings: ['captions are ignored', ' '] })).toEqual([{ name: 'other', text: 'captions are ignored' }]);
  });

  test('has words for every name', () => {
    const all = names({ ...withVideo({ fps: 8, bitrate_kbps: 90, codec: 'av01', height: 240 }), audio: null, warnings: ['gop', 'clock', 'jitter'] });
    for (const name of all) expect(liveId.health.advice).toHaveProperty(name);
  });
});

describe('mood', () => {
  test('is away while stalled, whatever else is known', () => {
    expect(moodOf(GOOD, true)).toBe('away');
    expect(moodOf(OFF, false)).toBe('off');
    expect(moodOf({ ...GOOD, audio: null }, false)).toBe('amiss');
    expect(moodOf(GOOD, false)).toBe('good');
  });
});

test('codecs have the names of an encoder’s menu', () => {
  expect(['avc1.64001f', 'H264', 'mp4a.40.2', 'opus', 'hev1.1', 'xyz'].map(codecName)).toEqual(['H.264', 'H.264', 'AAC', 'Opus', 'H.265', 'xyz']);
});
