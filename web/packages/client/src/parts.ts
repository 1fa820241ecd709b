/**
 * The recordings of one lesson. There is one, and one more for each time its publisher was away for longer than a stream
 * waits: its parts, oldest first. Pure.
 */

import type { Playback, RecordedPart } from './models.ts';

/** Which of its parts a playback plays. `null`: there is but one, or it is live. */
export function partPlayed({ base_url, recordings }: Pick<Playback, 'base_url' | 'recordings'>): number | null {
  if (recordings.length < 2) return null;
  const folder = base_url.split('/').filter((one) => one !== '').at(-1);
  const found = recordings.findIndex(({ stream }) => stream === folder);
  return found === -1 ? null : found;
}

/** The part that plays unless another is asked for: the longest, of equals the newest. `null`: there is none. */
export function mainPart(recordings: readonly RecordedPart[]): RecordedPart | null {
  return recordings.reduce<RecordedPart | null>((main, one) => (main === null || one.duration_ms >= main.duration_ms ? one : main), null);
}

/** Whether what was said `at` belongs to that part: media times begin anew with each. Until the first begins, it is the first's. */
export function saidIn(recordings: readonly RecordedPart[], part: number, at: string): boolean {
  const [said, next] = [Date.parse(at), recordings[part + 1]];
  const begun = part === 0 || said >= Date.parse(recordings[part]?.started_at ?? '');
  return begun && (next === undefined || said < Date.parse(next.started_at));
}
