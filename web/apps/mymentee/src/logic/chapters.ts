/** Chapters as they are typed: times as text, and what is wrong with them. Pure. */

import type { Chapter } from '@tayang/client';
import { clockText } from '@tayang/ui';

/** One line of the editor. `key` tells lines apart while they are moved. */
export interface ChapterLine {
  readonly key: number;
  readonly at: string;
  readonly title: string;
}

export const CHAPTERS_MAX = 100;
export type LineProblem = 'time' | 'beyond' | 'title' | 'same';

/** Milliseconds of `4:07` or `1:02:03`; `null` if it is no time. */
export function parseClock(text: string): number | null {
  const parts = text.trim().replaceAll('.', ':').split(':');
  if (parts.length > 3 || !parts.every((part) => /^\d{1,4}$/.test(part))) return null;
  const numbers = parts.map(Number);
  if (numbers.slice(1).some((part) => part > 59)) return null;
  return numbers.reduce((sum, part) => sum * 60 + part, 0) * 1_000;
}

export function linesOf(chapters: readonly Chapter[]): readonly ChapterLine[] {
  return chapters.map(({ at_ms, title }, key) => ({ key, at: clockText(at_ms / 1_000), title }));
}

/** Problems by line; `null` where there is none. `lengthMs` is 0 where it is not known. */
export function problemsOf(lines: readonly ChapterLine[], lengthMs: number): readonly (LineProblem | null)[] {
  const times = lines.map(({ at }) => parseClock(at));
  return lines.map(({ title }, at) => {
    const time = times[at] ?? null;
    if (time === null) return 'time';
    if (lengthMs > 0 && time > lengthMs) return 'beyond';
    if (times.indexOf(time) !== at) return 'same';
    return title.trim() === '' ? 'title' : null;
  });
}

/** What is sent: in the order of time. */
export function chaptersOf(lines: readonly ChapterLine[]): readonly Chapter[] {
  return lines
    .map(({ at, title }) => ({ at_ms: parseClock(at) ?? 0, title: title.trim() }))
    .toSorted((a, b) => a.at_ms - b.at_ms);
}

/** The chapter that plays now; -1 before the first. */
export function chapterAt(chapters: readonly Chapter[], ms: number): number {
  return chapters.findLastIndex(({ at_ms }) => at_ms <= ms);
}
