import { describe, expect, test } from 'vitest';
import { PlaylistGuard } from '../src/playlist-guard.ts';

interface Segment {
  readonly at: number;
  readonly seconds?: number;
  readonly discontinuity?: boolean;
}

const START = Date.UTC(2025, 10, 21, 8);

/** A playlist of 2 s segments, dated `at` seconds after START. */
function playlist(msn: number, segments: readonly Segment[], skipped = 0): string {
  return [
    '#EXTM3U',
    `#EXT-X-MEDIA-SEQUENCE:${msn}`,
    '#EXT-X-DISCONTINUITY-SEQUENCE:1795267410',
    ...(skipped > 0 ? [`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`] : []),
    ...segments.flatMap(({ at, seconds = 2, discontinuity = false }, index) => [
      ...(discontinuity ? ['#EXT-X-DISCONTINUITY'] : []),
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(START + at * 1_000).toISOString()}`,
      '#EXT-X-PART:DURATION=0.2,URI="p.m4s"',
      `#EXTINF:${seconds.toFixed(3)},`,
      `${msn + skipped + index}.m4s`,
    ]),
    '',
  ].join('\n');
}

/** Seconds after START of each date in a playlist. */
const dates = (text: string): number[] => [...text.matchAll(/DATE-TIME:(.*)/g)].map(([, date]) => (Date.parse(date ?? '') - START) / 1_000);

const sequence = (guard: PlaylistGuard, number: number): string | undefined =>
  /SEQUENCE:(\d+)$/m.exec(guard.apply(`#EXTM3U\n#EXT-X-DISCONTINUITY-SEQUENCE:${number}`))?.[1];

describe('discontinuity sequence', () => {
  test('one that counts from a clock becomes small, and differences stay over all playlists', () => {
    const guard = new PlaylistGuard();
    expect([1_795_267_410, 1_795_267_413, 1_795_267_410].map((number) => sequence(guard, number))).toEqual(['0', '3', '0']);
  });

  test('it never goes below zero', () => {
    const guard = new PlaylistGuard();
    sequence(guard, 10);
    expect(sequence(guard, 9)).toBe('0');
  });
});

describe('dates', () => {
  test('that follow from the durations are left as they are, rounding and drift included', () => {
    const text = playlist(7, [{ at: 0 }, { at: 2.02 }, { at: 3.98 }, { at: 6.4 }]);
    expect(dates(new PlaylistGuard().apply(text))).toEqual([0, 2.02, 3.98, 6.4]);
  });

  test('that jump over an outage are made to follow, and the jump can be asked for', () => {
    const guard = new PlaylistGuard();
    expect(dates(guard.apply(playlist(100, [{ at: 0 }, { at: 2 }, { at: 14.6 }, { at: 16.6 }])))).toEqual([0, 2, 4, 6]);
    expect([99, 101, 102, 500].map((msn) => guard.shiftMs(msn))).toEqual([0, 0, 10_600, 10_600]);
  });

  test('are shifted alike when the outage has left the window, and in delta updates', () => {
    const guard = new PlaylistGuard();
    guard.apply(playlist(100, [{ at: 0 }, { at: 2 }, { at: 14 }]));
    expect(dates(guard.apply(playlist(103, [{ at: 16 }, { at: 18 }])))).toEqual([6, 8]);
    expect(dates(guard.apply(playlist(101, [{ at: 16 }, { at: 18 }], 2)))).toEqual([6, 8]);
  });

  test('of another track, whose durations differ a little, are shifted by exactly the same', () => {
    const guard = new PlaylistGuard();
    guard.apply(playlist(100, [{ at: 0 }, { at: 2 }, { at: 14 }]));
    const audio = playlist(100, [{ at: 0.003 }, { at: 2.008, seconds: 1.984 }, { at: 14.02 }, { at: 16.02 }]);
    expect(dates(guard.apply(audio))).toEqual([0.003, 2.008, 4.02, 6.02]);
  });

  test('of a segment shortened by the outage follow too', () => {
    const guard = new PlaylistGuard();
    expect(dates(guard.apply(playlist(1, [{ at: 0 }, { at: 2, seconds: 0.7 }, { at: 40 }])))).toEqual([0, 2, 2.7]);
    expect(guard.shiftMs(3)).toBe(37_300);
  });

  test('over several outages add up', () => {
    const guard = new PlaylistGuard();
    guard.apply(playlist(1, [{ at: 0 }, { at: 12 }, { at: 34 }]));
    expect([guard.shiftMs(1), guard.shiftMs(2), guard.shiftMs(3)]).toEqual([0, 10_000, 30_000]);
  });

  test('after an announced discontinuity are believed', () => {
    const text = playlist(1, [{ at: 0 }, { at: 60, discontinuity: true }]);
    expect(dates(new PlaylistGuard().apply(text))).toEqual([0, 60]);
  });

  test('of more outages than are remembered one by one are still right', () => {
    const guard = new PlaylistGuard();
    for (let outage = 0; outage < 1_000; outage += 1) guard.apply(playlist(outage * 10, [{ at: outage * 30 }, { at: outage * 30 + 12 }]));
    expect(guard.shiftMs(9_991)).toBe(10_000 * 1_000);
  });
});

test('what is neither stays byte for byte', () => {
  const text = '#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\nvideo.m3u8\r\n#EXT-X-PROGRAM-DATE-TIME:nonsense\r\n';
  expect(new PlaylistGuard().apply(text)).toBe(text);
});
