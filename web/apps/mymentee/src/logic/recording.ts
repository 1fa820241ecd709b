/** What becomes of a lesson's recording. Pure. */

import type { Lesson } from '@tayang/client';

/** After so long without a recording there is none. */
const HOPE_MS = 10 * 60_000;

/** What is still to come of a lesson's recording; `null` if nothing is, and nothing need be asked for. */
export function comingOf({ state, recording, ended_at }: Pick<Lesson, 'state' | 'recording' | 'ended_at'>, now: number): 'recording' | 'mp4' | null {
  if (state === 'live') return 'recording';
  if (state !== 'ended' || recording === 'ready') return null;
  if (recording !== null) return recording === 'sealed' ? 'mp4' : 'recording';
  return ended_at !== null && now - Date.parse(ended_at) < HOPE_MS ? 'recording' : null;
}
