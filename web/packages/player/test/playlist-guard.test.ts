import { expect, test } from 'vitest';
import { DiscontinuityGuard } from '../src/playlist-guard.ts';

const playlist = (sequence: number): string => `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1795267524\n#EXT-X-DISCONTINUITY-SEQUENCE:${sequence}\n#EXTINF:2.0,\na.m4s\n`;

test('a sequence that counts from a clock becomes small, and nothing else changes', () => {
  expect(new DiscontinuityGuard().apply(playlist(1_795_267_410))).toBe(playlist(0));
});

test('differences stay, over all playlists of one viewing', () => {
  const guard = new DiscontinuityGuard();
  guard.apply(playlist(1_795_267_410));
  expect(guard.apply(playlist(1_795_267_413))).toBe(playlist(3));
});

test('it never goes below zero', () => {
  const guard = new DiscontinuityGuard();
  guard.apply(playlist(10));
  expect(guard.apply(playlist(9))).toBe(playlist(0));
});

test('a playlist without one stays as it is', () => {
  const plain = '#EXTM3U\n#EXTINF:2.0,\n#EXT-X-DISCONTINUITY\na.m4s\n';
  expect(new DiscontinuityGuard().apply(plain)).toBe(plain);
});
