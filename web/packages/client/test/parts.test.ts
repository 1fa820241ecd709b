import { expect, test } from 'vitest';
import { mainPart, partPlayed, saidIn } from '../src/parts.ts';

const parts = [
  { stream: '10', started_at: '2026-08-01T12:00:00Z', duration_ms: 5_000 },
  { stream: '20', started_at: '2026-08-01T12:10:00Z', duration_ms: 90_000 },
  { stream: '30', started_at: '2026-08-01T12:20:00Z', duration_ms: 90_000 },
];

test('which part plays is read from where it plays, with a token in the address or without', () => {
  expect(partPlayed({ base_url: '/lesson/abc/20/', recordings: parts })).toBe(1);
  expect(partPlayed({ base_url: '/p/t0ken/lesson/abc/30/', recordings: parts })).toBe(2);
  expect(partPlayed({ base_url: '/lesson/abc/', recordings: parts })).toBeNull();
  expect(partPlayed({ base_url: '/lesson/abc/10/', recordings: parts.slice(0, 1) }), 'one alone is no part').toBeNull();
});

test('the longest plays by itself, and of equals the newest', () => {
  expect(mainPart(parts)?.stream).toBe('30');
  expect(mainPart(parts.slice(0, 2))?.stream).toBe('20');
  expect(mainPart([])).toBeNull();
});

test.each([
  ['2026-08-01T11:59:00Z', 0],
  ['2026-08-01T12:09:59Z', 0],
  ['2026-08-01T12:10:00Z', 1],
  ['2026-08-01T12:30:00Z', 2],
])('what is said at %s belongs to the part that was on, or had been on last', (at, part) => {
  expect(parts.map((_, one) => saidIn(parts, one, at))).toEqual(parts.map((_, one) => one === part));
});
