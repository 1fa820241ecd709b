import { expect, test } from 'vitest';
import { ProgressWatch, type Cure, type ProgressLook } from '../src/progress.ts';

const BASE: ProgressLook = { now: 0, currentTime: 5, shouldMove: true, bufferedSeconds: 0, nextRangeStart: null };

/** Looks five times a second at a playhead that stands; gives back each cure with its moment. */
function stand(watch: ProgressWatch, from: number, to: number, more: Partial<ProgressLook> = {}): (readonly [number, Cure])[] {
  const cures: (readonly [number, Cure])[] = [];
  for (let now = from; now <= to; now += 200) {
    const { cure } = watch.look({ ...BASE, ...more, now });
    if (cure.act !== 'none') cures.push([now, cure]);
  }
  return cures;
}

test('pictures that move are left alone', () => {
  const watch = new ProgressWatch();
  for (let at = 0; at < 100; at += 1) {
    const verdict = watch.look({ ...BASE, now: at * 200, currentTime: at * 0.2 });
    expect(verdict.stuck).toBe(false);
    expect(verdict.cure.act).toBe('none');
    expect(verdict.moved).toBe(at > 0);
  }
  expect(watch.stalls).toBe(0);
});

test('standing still counts as one stall, however long it lasts', () => {
  const watch = new ProgressWatch();
  for (let at = 0; at < 5; at += 1) watch.look({ ...BASE, now: at * 200, currentTime: 4 + at * 0.2 });
  stand(watch, 1_000, 6_000);
  expect(watch.stalls).toBe(1);
  watch.attached();
  stand(watch, 6_200, 12_000);
  expect(watch.stalls).toBe(1);
});

test('before pictures run nothing has stalled, even after the seek to where they start', () => {
  const watch = new ProgressWatch();
  stand(watch, 0, 600, { currentTime: 0 });
  stand(watch, 800, 5_000, { currentTime: 7 });
  expect(watch.stalls).toBe(0);
});

test('a pause is no stall and needs no cure', () => {
  const watch = new ProgressWatch();
  expect(stand(watch, 0, 60_000, { shouldMove: false })).toEqual([]);
  expect(watch.stalls).toBe(0);
});

test('a hole in the buffer is jumped after a second, once', () => {
  const watch = new ProgressWatch();
  expect(stand(watch, 0, 5_000, { nextRangeStart: 7 })).toEqual([[1_000, { act: 'jump', to: 7.05 }]]);
});

test('with media in hand it nudges after three seconds', () => {
  const watch = new ProgressWatch();
  expect(stand(watch, 0, 5_000, { bufferedSeconds: 2 })).toEqual([[3_000, { act: 'jump', to: 5.1 }]]);
});

test('our own nudge is not taken for movement: a fresh attachment follows', () => {
  const watch = new ProgressWatch();
  stand(watch, 0, 3_000, { bufferedSeconds: 2 });
  expect(stand(watch, 3_200, 9_000, { bufferedSeconds: 1.9, currentTime: 5.1 })).toEqual([[8_000, { act: 'reattach' }]]);
});

test('fruitless attachments are tried for ever, with growing patience up to the cap', () => {
  const watch = new ProgressWatch();
  const moments: number[] = [];
  let last = 0;
  for (let now = 0; now < 200_000; now += 200) {
    if (watch.look({ ...BASE, now }).cure.act === 'reattach') {
      moments.push(now - last);
      last = now;
      watch.attached();
    }
  }
  expect(moments.slice(0, 4).map((ms) => Math.round(ms / 1_000))).toEqual([8, 16, 30, 30]);
});

test('pictures that move again make it impatient again', () => {
  const watch = new ProgressWatch();
  stand(watch, 0, 8_000);
  watch.look({ ...BASE, now: 8_200, currentTime: 6 });
  watch.look({ ...BASE, now: 8_400, currentTime: 6.2 });
  expect(stand(watch, 8_600, 17_000, { currentTime: 6.2 })).toEqual([[16_600, { act: 'reattach' }]]);
});
