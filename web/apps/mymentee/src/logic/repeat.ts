/** The dates of a lesson that comes again each week: the same time on the wall, whatever the clocks do in between. Pure. */

import { addDays, momentOf, wallClockAt, type MomentKind } from './zone.ts';

/** A year of weeks, as the server allows. */
export const WEEKS_MAX = 52;

export interface RepeatPlan {
  readonly date: string;
  readonly time: string;
  readonly minutes: number;
  readonly zone: string;
  /** How many lessons in all. */
  readonly weeks: number;
}

export interface PlannedLesson {
  readonly startsAt: number;
  readonly endsAt: number;
  readonly kind: MomentKind;
  /** On the wall of the reader's own zone it is at another time than the first. */
  readonly movesForReader: boolean;
}

/** Every lesson of the plan in order; empty while the plan is not a plan yet. */
export function planLessons(plan: RepeatPlan, readerZone: string): readonly PlannedLesson[] {
  const weeks = Math.min(WEEKS_MAX, Math.max(1, Math.floor(plan.weeks) || 1));
  const planned: PlannedLesson[] = [];
  let firstTime: string | null = null;
  for (let week = 0; week < weeks; week += 1) {
    const first = momentOf({ date: plan.date, time: plan.time }, plan.zone);
    if (first === null || !(plan.minutes > 0)) return [];
    const moment = momentOf({ date: addDays(plan.date, 7 * week), time: plan.time }, plan.zone);
    if (moment === null) return [];
    const { time } = wallClockAt(moment.at, readerZone);
    firstTime ??= time;
    planned.push({
      startsAt: moment.at,
      endsAt: moment.at + plan.minutes * 60_000,
      kind: moment.kind,
      movesForReader: time !== firstTime,
    });
  }
  return planned;
}
