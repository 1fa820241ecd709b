/** A mentor's lessons put in order for reading: what is on now, by day, by week. Pure. */

import type { Lesson } from '@tayang/client';
import { addDays, mondayOf, startOfDay, wallClockAt } from './zone.ts';

type Timed = Pick<Lesson, 'starts_at' | 'ends_at' | 'state'>;

export interface Day<T> {
  readonly date: string;
  readonly lessons: readonly T[];
}

const byStart = (a: Timed, b: Timed): number => Date.parse(a.starts_at) - Date.parse(b.starts_at);

/** Lessons under the dates of a zone, both in order. */
export function byDay<T extends Timed>(lessons: readonly T[], zone: string): readonly Day<T>[] {
  const days = new Map<string, T[]>();
  for (const lesson of lessons.toSorted(byStart)) {
    const { date } = wallClockAt(Date.parse(lesson.starts_at), zone);
    const known = days.get(date);
    if (known === undefined) days.set(date, [lesson]);
    else known.push(lesson);
  }
  return [...days].map(([date, list]) => ({ date, lessons: list }));
}

export interface Agenda<T> {
  /** Live now. */
  readonly live: readonly T[];
  /** The next lesson that is set, whenever that is. */
  readonly next: T | null;
  readonly days: readonly Day<T>[];
}

/** What a mentor wants to see first. A lesson that was never begun stays in sight until its end. */
export function agendaOf<T extends Timed>(lessons: readonly T[], now: number, zone: string): Agenda<T> {
  const live = lessons.filter(({ state }) => state === 'live').toSorted(byStart);
  const coming = lessons.filter(({ state, ends_at }) => state === 'scheduled' && Date.parse(ends_at) > now).toSorted(byStart);
  return { live, next: coming[0] ?? null, days: byDay(coming, zone) };
}

export interface Week {
  /** Dates from Monday to Sunday. */
  readonly dates: readonly string[];
  readonly from: string;
  readonly until: string;
  readonly before: string;
  readonly after: string;
}

/** The week in which a date lies, as moments of a zone. */
export function weekOf(date: string, zone: string): Week {
  const monday = mondayOf(date);
  const dates = Array.from({ length: 7 }, (_, at) => addDays(monday, at));
  const edge = (day: string): string => new Date(startOfDay(day, zone)).toISOString();
  return { dates, from: edge(monday), until: edge(addDays(monday, 7)), before: addDays(monday, -7), after: addDays(monday, 7) };
}

/** A lesson that begins within this time, or has begun, is prepared now. */
export const SOON_MS = 30 * 60_000;

export function isSoon({ state, starts_at }: Pick<Lesson, 'state' | 'starts_at'>, now: number): boolean {
  return state === 'scheduled' && Date.parse(starts_at) - now < SOON_MS;
}
