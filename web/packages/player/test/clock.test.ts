import { expect, test } from 'vitest';
import { parseTime, ServerClock } from '../src/clock.ts';

function clockAt(start: number): { clock: ServerClock; time: { now: number } } {
  const time = { now: start };
  return { clock: new ServerClock(() => time.now), time };
}

test('before the first sample nothing is claimed', () => {
  const { clock } = clockAt(0);
  expect(clock.now()).toBeNull();
  expect(clock.uncertaintyMs()).toBeNull();
});

test('the answer was made in the middle of the round trip', () => {
  const { clock, time } = clockAt(1_000);
  clock.observe(1_000, 1_080, 500_000);
  time.now = 1_080;
  expect(clock.now()).toBe(500_040);
  expect(clock.uncertaintyMs()).toBeCloseTo(40.5, 1);
});

test('the fastest sample wins, whenever it came', () => {
  const { clock, time } = clockAt(0);
  clock.observe(0, 10, 1_005);
  clock.observe(100, 900, 5_000);
  time.now = 900;
  expect(clock.now()).toBe(1_900);
});

test('an old sample loses its worth to a fresh one that is nearly as fast', () => {
  const { clock, time } = clockAt(0);
  clock.observe(0, 10, 1_005);
  time.now = 600_000;
  clock.observe(599_960, 600_000, 601_500);
  expect(clock.now()).toBe(601_520);
});

test('whole seconds are known to be coarse', () => {
  const { clock, time } = clockAt(0);
  clock.observe(0, 10, 7_000, 1_000);
  time.now = 10;
  expect(clock.uncertaintyMs()).toBeGreaterThan(500);
  clock.observe(10, 110, 7_900);
  time.now = 110;
  expect(clock.now()).toBe(7_950);
});

test('a sample that makes no sense is not taken', () => {
  const { clock } = clockAt(0);
  clock.observe(10, 5, 1);
  clock.observe(0, 5, Number.NaN);
  expect(clock.now()).toBeNull();
});

test.each([
  ['2025-11-21T08:00:00.250Z', { serverMs: Date.UTC(2025, 10, 21, 8, 0, 0, 250), resolutionMs: 1 }],
  [' 2025-11-21T08:00:00Z\n', { serverMs: Date.UTC(2025, 10, 21, 8), resolutionMs: 1_000 }],
  ['2025-11-21T15:00:00.000+07:00', { serverMs: Date.UTC(2025, 10, 21, 8), resolutionMs: 1 }],
  ['21.11.2025', null],
  ['', null],
  ['2025-13-41T00:00:00Z', null],
])('time %j', (text, expected) => {
  expect(parseTime(text)).toEqual(expected);
});
