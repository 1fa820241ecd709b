/** The form of a lesson: from and to what the server takes, and what can be seen to be wrong before it is sent. Pure. */

import type { Lesson, LessonChange, NewLesson } from '@tayang/client';
import type { Errors, FieldNames } from '@tayang/shell';
import { WEEKS_MAX } from './repeat.ts';
import { momentOf, wallClockAt } from './zone.ts';

export interface LessonValues {
  readonly course_id: string;
  readonly title: string;
  readonly summary: string;
  readonly date: string;
  readonly time: string;
  readonly minutes: string;
  readonly zone: string;
  readonly repeat_weeks: string;
  readonly capacity: string;
  readonly comments_on: boolean;
  readonly review_on: boolean;
  /** Seconds between two comments of one person. */
  readonly slow_s: string;
  /** One word or phrase a line. */
  readonly word_filter: string;
}

/** Where what the server says of its own fields belongs. */
export const LESSON_NAMES: FieldNames<LessonValues> = { starts_at: 'date', ends_at: 'minutes', slow_ms: 'slow_s' };

export const TITLE_MAX = 120;
export const SUMMARY_MAX = 4_000;
export const MINUTES_MIN = 5;
export const MINUTES_MAX = 12 * 60;
export const LENGTHS = [30, 45, 60, 90, 120, 180] as const;
export const SLOW_STEPS = [0, 5, 10, 30, 60] as const;
const WORDS_MAX = 100;

export interface FormWords {
  readonly required: string;
  readonly notWhole: string;
  readonly dateInvalid: string;
  readonly past: string;
  readonly minutesInvalid: string;
  readonly weeksInvalid: string;
}

/** A lesson that is not set yet: tomorrow at seven in the evening, when most learn. */
export function emptyLesson(now: number, zone: string, course: string, date: string | null): LessonValues {
  return {
    course_id: course,
    title: '',
    summary: '',
    date: date ?? wallClockAt(now + 86_400_000, zone).date,
    time: '19:00',
    minutes: '90',
    zone,
    repeat_weeks: '1',
    capacity: '',
    comments_on: true,
    review_on: false,
    slow_s: '0',
    word_filter: '',
  };
}

export function valuesOf(lesson: Lesson): LessonValues {
  const start = Date.parse(lesson.starts_at);
  return {
    course_id: lesson.course.id,
    title: lesson.title,
    summary: lesson.summary,
    ...wallClockAt(start, lesson.zone),
    minutes: String(Math.round((Date.parse(lesson.ends_at) - start) / 60_000)),
    zone: lesson.zone,
    repeat_weeks: '1',
    capacity: lesson.capacity === null ? '' : String(lesson.capacity),
    comments_on: lesson.comments_on,
    review_on: lesson.review_on,
    slow_s: String(Math.round(lesson.slow_ms / 1_000)),
    word_filter: (lesson.word_filter ?? []).join('\n'),
  };
}

/** A whole number from 1 on; `null` for an empty text; `NaN` for anything else. */
export function wholeOf(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  return /^[1-9]\d{0,6}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

/** Words of the filter: each once, in small letters, without empty lines. */
export function filterWords(text: string): readonly string[] {
  const words = text.split(/[\n,]/).map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
  return [...new Set(words)].slice(0, WORDS_MAX);
}

/** `now` is `null` where a time that is over may stay. */
export function checkLesson(values: LessonValues, now: number | null, words: FormWords): Errors<LessonValues> {
  const errors: Errors<LessonValues> = {};
  if (values.course_id === '') errors.course_id = words.required;
  if (values.title.trim() === '') errors.title = words.required;
  const start = momentOf({ date: values.date, time: values.time }, values.zone);
  if (start === null) errors.date = words.dateInvalid;
  else if (now !== null && start.at < now - 60_000) errors.date = words.past;
  const minutes = wholeOf(values.minutes);
  if (minutes === null || !(minutes >= MINUTES_MIN && minutes <= MINUTES_MAX)) errors.minutes = words.minutesInvalid;
  if (Number.isNaN(wholeOf(values.capacity))) errors.capacity = words.notWhole;
  const weeks = wholeOf(values.repeat_weeks);
  if (weeks === null || !(weeks >= 1 && weeks <= WEEKS_MAX)) errors.repeat_weeks = words.weeksInvalid;
  return errors;
}

function times(values: LessonValues): { starts_at: string; ends_at: string } {
  const start = momentOf({ date: values.date, time: values.time }, values.zone)?.at ?? Number.NaN;
  return { starts_at: new Date(start).toISOString(), ends_at: new Date(start + Number(values.minutes) * 60_000).toISOString() };
}

function room(values: LessonValues): Pick<NewLesson, 'comments_on' | 'review_on'> & { slow_ms: number; word_filter: readonly string[] } {
  return {
    comments_on: values.comments_on,
    review_on: values.review_on,
    slow_ms: Number(values.slow_s) * 1_000,
    word_filter: filterWords(values.word_filter),
  };
}

/** What `POST /lessons` takes; the values have passed {@link checkLesson}. */
export function newLessonOf(values: LessonValues): NewLesson {
  const weeks = wholeOf(values.repeat_weeks) ?? 1;
  return {
    course_id: values.course_id,
    title: values.title.trim(),
    summary: values.summary.trim(),
    ...times(values),
    zone: values.zone,
    ...(weeks > 1 ? { repeat_weeks: weeks } : {}),
    capacity: wholeOf(values.capacity),
    ...room(values),
  };
}

/** What `PATCH /lessons/{id}` takes: only what is different, so that nobody else's change is undone. */
export function lessonChangeOf(before: LessonValues, values: LessonValues): LessonChange {
  const whole: LessonChange = {
    title: values.title.trim(),
    summary: values.summary.trim(),
    ...times(values),
    zone: values.zone,
    capacity: wholeOf(values.capacity),
    ...room(values),
  };
  const old: LessonChange = {
    title: before.title.trim(),
    summary: before.summary.trim(),
    ...times(before),
    zone: before.zone,
    capacity: wholeOf(before.capacity),
    ...room(before),
  };
  const differs = (name: string): boolean => JSON.stringify(whole[name as keyof LessonChange]) !== JSON.stringify(old[name as keyof LessonChange]);
  const entries = Object.entries(whole).filter(([name]) => differs(name));
  const change = Object.fromEntries(entries) as LessonChange;
  // A time on the wall means something only with its zone, and a beginning with its end.
  const moved = ['starts_at', 'ends_at', 'zone'].some(differs);
  return moved ? { ...change, ...times(values), zone: values.zone } : change;
}
