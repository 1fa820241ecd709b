import { describe, expect, test } from 'vitest';
import { advanceOf, faultsOf, longestStandMs } from './verdict.mjs';

/** Looks every half second for ten seconds; `change` makes of each smooth one what the test wants. */
function looks(change = (look) => look) {
  return Array.from({ length: 21 }, (_, index) => {
    const at = index * 500;
    return change({ at, currentTime: 100 + at / 1_000, frames: 10 + (at / 1_000) * 30, dropped: 3, stalls: 2 });
  });
}

/** The page counts so many more stalls in the middle. */
function standing(stalls) {
  return looks((look) => ({ ...look, stalls: look.at > 5_000 ? 2 + stalls : 2 }));
}

describe('the verdict on what was seen', () => {
  test('smooth play is without fault, whatever was before it', () => {
    expect(faultsOf(looks())).toEqual([]);
    expect(advanceOf(looks())).toBeCloseTo(10);
  });

  test('a fresh attachment, whose clock begins anew, is no fault', () => {
    expect(faultsOf(looks((look) => (look.at > 5_000 ? { ...look, currentTime: look.currentTime - 100 } : look)))).toEqual([]);
  });

  test('pictures that come a third too slowly are one', () => {
    expect(faultsOf(looks((look) => ({ ...look, currentTime: look.currentTime * 0.7 })))).toEqual(['play came 7.0 s further in 10.0 s']);
  });

  test('standing still once is forgiven, twice is not', () => {
    expect(faultsOf(standing(1))).toEqual([]);
    expect(faultsOf(standing(2))).toEqual(['pictures stood still 2 times']);
  });

  test('standing still for long is a fault although a jump makes up for it', () => {
    const jumped = looks((look) => (look.at > 3_000 && look.at < 6_000 ? { ...look, currentTime: 103 } : look));
    expect(advanceOf(jumped)).toBeCloseTo(10);
    expect(longestStandMs(jumped)).toBe(2_500);
    expect(faultsOf(jumped)).toEqual(['pictures stood still for 2.5 s']);
  });

  test('pictures that are decoded and not shown, or that are not there, are faults', () => {
    expect(faultsOf(looks((look) => ({ ...look, dropped: look.at / 100 })))).toEqual(['100 of 300 pictures were not shown']);
    expect(faultsOf(looks((look) => ({ ...look, frames: 7 })))).toEqual(['no pictures']);
  });
});
