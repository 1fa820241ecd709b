/** Which lessons are still to come. Pure. */

import type { Lesson } from '@tayang/client';

/** A lesson whose mentor is late is still to come until its time is over, and lessons last up to this long. */
const LATE_MS = 12 * 3_600_000;

/** From when on lessons that may still be to come began, for `from`. */
export function comingFrom(nowMs: number): string {
  return new Date(nowMs - LATE_MS).toISOString();
}

/** On air, to come, late, or called off before it could begin. */
export function isComing({ state, starts_at, ends_at }: Pick<Lesson, 'state' | 'starts_at' | 'ends_at'>, nowMs: number): boolean {
  switch (state) {
    case 'live':
      return true;
    case 'scheduled':
      return Date.parse(ends_at) > nowMs;
    case 'cancelled':
      return Date.parse(starts_at) > nowMs;
    case 'ended':
      return false;
  }
}
