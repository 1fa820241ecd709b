/** Attendance as a picture: which shares of a lesson's time somebody watched. Pure. */

import type { AttendanceEntry, Lesson } from '@tayang/client';

export interface Span {
  /** Shares of the lesson's time, 0 to 1. */
  readonly from: number;
  readonly to: number;
}

export interface LessonTime {
  readonly from: number;
  readonly until: number;
}

/** The time that counts: from the beginning to the end as they were, and as they were set where they are not known. */
export function lessonTime(lesson: Pick<Lesson, 'starts_at' | 'ends_at' | 'started_at' | 'ended_at'>, now: number): LessonTime {
  const from = Date.parse(lesson.started_at ?? lesson.starts_at);
  const end = lesson.ended_at === null ? (lesson.started_at === null ? Date.parse(lesson.ends_at) : now) : Date.parse(lesson.ended_at);
  return { from, until: Math.max(end, from + 1) };
}

/** Intervals as shares, cut to the lesson, in order and joined where they touch: two devices at once are one presence. */
export function spansOf(intervals: AttendanceEntry['intervals'], time: LessonTime): readonly Span[] {
  const length = time.until - time.from;
  const share = (at: number): number => Math.min(1, Math.max(0, (at - time.from) / length));
  const spans = intervals
    .map(({ from_at, to_at }) => ({ from: share(Date.parse(from_at)), to: share(to_at === null ? time.until : Date.parse(to_at)) }))
    .filter(({ from, to }) => to > from)
    .toSorted((a, b) => a.from - b.from);
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last === undefined || span.from > last.to) joined.push(span);
    else joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  return joined;
}

/** Share of the lesson that was watched, in whole per cent; never 100 for less than all. */
export function percentOf(watchedMs: number, time: LessonTime): number {
  return Math.min(100, Math.max(0, Math.floor((watchedMs / (time.until - time.from)) * 100)));
}

export interface Tally {
  readonly present: number;
  readonly absent: number;
  readonly corrected: number;
}

export function tallyOf(entries: readonly Pick<AttendanceEntry, 'attended' | 'decision'>[]): Tally {
  const present = entries.filter(({ attended }) => attended).length;
  return { present, absent: entries.length - present, corrected: entries.filter(({ decision }) => decision !== 'measured').length };
}
