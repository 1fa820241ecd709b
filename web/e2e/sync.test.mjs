import { expect, test } from 'vitest';
import { pair } from './sync.mjs';

test('a beep belongs to the flash that is nearest', () => {
  expect(pair({ flashes: [1_000, 2_000, 3_000], beeps: [1_040, 1_990, 3_100] })).toEqual([40, -10, 100]);
});

test('a beep without a flash, and a flash without a beep, say nothing', () => {
  expect(pair({ flashes: [1_000, 3_000], beeps: [2_000, 3_020] })).toEqual([20]);
  expect(pair({ flashes: [], beeps: [2_000] })).toEqual([]);
});
