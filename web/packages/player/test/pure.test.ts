import { describe, expect, test } from 'vitest';
import { backoffMs } from '../src/backoff.ts';
import { bufferedAfter, bufferedEnd, nextRangeStart } from '../src/engine.ts';
import { engineFor, hasMediaSource, playableVias } from '../src/engines.ts';
import { RateMeter } from '../src/meter.ts';

describe('waits between tries', () => {
  const shape = { firstMs: 300, factor: 2, capMs: 5_000 };

  test('grow to the cap and stay there for ever', () => {
    const waits = [0, 1, 2, 3, 4, 5, 1_000_000].map((attempt) => backoffMs(shape, attempt, 0.5));
    expect(waits).toEqual([300, 600, 1_200, 2_400, 4_800, 5_000, 5_000]);
  });

  test('are spread by 15 % to both sides', () => {
    expect(backoffMs(shape, 0, 0)).toBe(255);
    expect(backoffMs(shape, 0, 0.999_999)).toBe(345);
  });
});

describe('buffered ranges', () => {
  const ranges = [[0, 4], [4.05, 6], [8, 9]] as const;

  test('a hole that browsers play over is none', () => {
    expect(bufferedAfter(ranges, 1)).toBeCloseTo(5);
  });

  test('before, between and after the ranges', () => {
    expect(bufferedAfter(ranges, 7)).toBe(0);
    expect(bufferedAfter(ranges, 10)).toBe(0);
    expect(bufferedAfter([], 0)).toBe(0);
    expect(nextRangeStart(ranges, 1)).toBe(8);
    expect(nextRangeStart(ranges, 8.5)).toBeNull();
    expect(bufferedEnd(ranges)).toBe(9);
    expect(bufferedEnd([])).toBeNull();
  });
});

describe('bit rate', () => {
  test('is what came in the window, the opening entry not counted', () => {
    const meter = new RateMeter();
    for (let at = 0; at <= 4_000; at += 200) meter.add(at, 10_000);
    expect(meter.bitsPerSecond(4_000)).toBe(400_000);
  });

  test('is unknown before two seconds and after silence', () => {
    const meter = new RateMeter();
    meter.add(0, 10_000);
    meter.add(1_000, 10_000);
    expect(meter.bitsPerSecond(1_000)).toBeNull();
    meter.add(3_000, 10_000);
    expect(meter.bitsPerSecond(3_000)).not.toBeNull();
    expect(meter.bitsPerSecond(20_000)).toBeNull();
  });
});

describe('engines', () => {
  test('a Media Source of either kind is preferred over what the browser claims to play', () => {
    expect(hasMediaSource({ MediaSource: 1 })).toBe(true);
    expect(hasMediaSource({ ManagedMediaSource: 1 })).toBe(true);
    expect(playableVias({ MediaSource: 1 })).toEqual(['hls', 'flv', 'ws-flv', 'dash', 'ts']);
  });

  test('without one only HLS is offered, by the browser itself', () => {
    expect(playableVias({})).toEqual(['hls', 'ts']);
    expect(engineFor('dash', {})).toBe(engineFor('hls', {}));
    expect(engineFor('hls', {})).not.toBe(engineFor('hls', { MediaSource: 1 }));
  });
});
