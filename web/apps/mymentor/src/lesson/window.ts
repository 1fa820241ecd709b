/**
 * Which comments are drawn: the last of them, or while one reads further up those that were there, so that no line is cut
 * away or pushed from under the eyes. Pure.
 */

import type { RoomComment } from '@tayang/client';

/** Drawn at once; older ones are kept by the room. */
const SHOWN_MAX = 150;
/** More than so many within a minute are not read aloud: nobody could follow, and the lesson would be drowned. */
const ALOUD_MAX = 6;
const MINUTE_MS = 60_000;

export interface Window {
  readonly drawn: readonly RoomComment[];
  /** How many came since. */
  readonly fresh: number;
}

/** `frozen` are those that were drawn when the reader went up, `null` while one reads along. */
export function windowOf(shown: readonly RoomComment[], frozen: readonly RoomComment[] | null): Window {
  if (frozen === null) return { drawn: shown.slice(-SHOWN_MAX), fresh: 0 };
  const now = new Map(shown.map((one) => [one.id, one]));
  const oldest = shown[0]?.seq ?? 0;
  const last = frozen.at(-1)?.seq ?? 0;
  return {
    // What is older than all that is kept has fallen out; what is not and is missing was taken away.
    drawn: frozen.flatMap((one) => now.get(one.id) ?? (one.seq < oldest ? one : [])),
    fresh: shown.filter(({ seq }) => seq > last).length,
  };
}

export interface Sample {
  readonly atMs: number;
  readonly seq: number;
}

/** What is known of the last minute, and whether it was too much to be read aloud. */
export function paceOf(samples: readonly Sample[], now: Sample): { readonly samples: readonly Sample[]; readonly busy: boolean } {
  const kept = [...samples.filter(({ atMs }) => now.atMs - atMs < MINUTE_MS), now].slice(-ALOUD_MAX * 4);
  return { samples: kept, busy: now.seq - (kept[0]?.seq ?? now.seq) > ALOUD_MAX };
}
