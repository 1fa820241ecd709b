/** The lesson form, chapters, and other things that are typed. */

import type { Lesson } from '@tayang/client';
import { describe, expect, test } from 'vitest';
import { chapterAt, chaptersOf, linesOf, parseClock, problemsOf } from '../src/logic/chapters.ts';
import { checkLesson, emptyLesson, filterWords, lessonChangeOf, newLessonOf, valuesOf, wholeOf, type FormWords } from '../src/logic/lesson-form.ts';
import { slowOptions } from '../src/logic/slow.ts';

const NOW = Date.parse('2026-11-28T04:00:00Z');
const WORDS: FormWords = { required: 'required', notWhole: 'whole', dateInvalid: 'date', past: 'past', minutesInvalid: 'minutes', weeksInvalid: 'weeks' };
const EMPTY = emptyLesson(NOW, 'Asia/Jakarta', 'c-1', null);
const GOOD = { ...EMPTY, title: ' Gelombang ' };

const LESSON: Lesson = {
  id: 'l-1', course: { id: 'c-1', title: 'Fisika' }, mentor: { id: 'u-1', name: 'Mentor Satu' }, title: 'Gelombang', summary: '', starts_at: '2026-12-01T12:00:00.000Z',
  ends_at: '2026-12-01T13:30:00.000Z', zone: 'Asia/Jakarta', state: 'scheduled', on_air: false, stalled: false, started_at: null, ended_at: null, series_id: null, capacity: 30,
  comments_on: true, review_on: false, slow_ms: 5_000, word_filter: ['kasar'], recording: null, can: { watch: true, replay: true, comment: true, moderate: true, enrol: false },
  attended: null, viewers: 0,
};

describe('a new lesson', () => {
  test('is tomorrow at seven in the mentor’s zone unless a day was chosen', () => {
    expect([EMPTY.date, EMPTY.time]).toEqual(['2026-11-29', '19:00']);
    expect(emptyLesson(NOW, 'Asia/Jakarta', '', '2026-12-24').date).toBe('2026-12-24');
  });

  test('is sent as moments, with its zone, and without a repetition of one', () => {
    expect(newLessonOf(GOOD)).toMatchObject({ title: 'Gelombang', starts_at: '2026-11-29T12:00:00.000Z', ends_at: '2026-11-29T13:30:00.000Z', zone: 'Asia/Jakarta', capacity: null, slow_ms: 0 });
    expect(newLessonOf(GOOD)).not.toHaveProperty('repeat_weeks');
    expect(newLessonOf({ ...GOOD, repeat_weeks: '8' }).repeat_weeks).toBe(8);
  });

  test('says what is missing', () => {
    expect(checkLesson({ ...EMPTY, course_id: '' }, NOW, WORDS)).toEqual({ course_id: 'required', title: 'required' });
    expect(checkLesson(GOOD, NOW, WORDS)).toEqual({});
  });

  test('may not be in the past, unless it was there already', () => {
    const past = { ...GOOD, date: '2026-11-27' };
    expect(checkLesson(past, NOW, WORDS)).toEqual({ date: 'past' });
    expect(checkLesson(past, null, WORDS)).toEqual({});
  });

  test('has numbers that are numbers', () => {
    expect(checkLesson({ ...GOOD, minutes: '4', capacity: '2,5', repeat_weeks: '53' }, NOW, WORDS)).toEqual({ minutes: 'minutes', capacity: 'whole', repeat_weeks: 'weeks' });
    expect(checkLesson({ ...GOOD, minutes: '' }, NOW, WORDS)).toEqual({ minutes: 'minutes' });
  });
});

describe('a changed lesson', () => {
  const before = valuesOf(LESSON);

  test('comes out of the form as it went in', () => {
    expect(before).toMatchObject({ date: '2026-12-01', time: '19:00', minutes: '90', capacity: '30', slow_s: '5', word_filter: 'kasar' });
    expect(lessonChangeOf(before, before)).toEqual({});
  });

  test('sends only what is different', () => {
    expect(lessonChangeOf(before, { ...before, title: 'Bunyi ' })).toEqual({ title: 'Bunyi' });
    expect(lessonChangeOf(before, { ...before, capacity: '' })).toEqual({ capacity: null });
    expect(lessonChangeOf(before, { ...before, word_filter: '' })).toEqual({ word_filter: [] });
  });

  test('sends both ends and the zone when it moves', () => {
    expect(lessonChangeOf(before, { ...before, time: '20:00' })).toEqual({ starts_at: '2026-12-01T13:00:00.000Z', ends_at: '2026-12-01T14:30:00.000Z', zone: 'Asia/Jakarta' });
    expect(lessonChangeOf(before, { ...before, zone: 'Asia/Makassar' })).toEqual({ starts_at: '2026-12-01T11:00:00.000Z', ends_at: '2026-12-01T12:30:00.000Z', zone: 'Asia/Makassar' });
  });
});

test('whole numbers are told from nothing and from nonsense', () => {
  expect([wholeOf(' 12 '), wholeOf('')]).toEqual([12, null]);
  for (const text of ['0', '-1', '1e3', 'x', '1.5']) expect(wholeOf(text)).toBeNaN();
});

test('words of the filter are each there once, in small letters', () => {
  expect(filterWords('Kasar\n kasar , judi online\n\n')).toEqual(['kasar', 'judi online']);
});

test('a wait that is set already is among the choices, in its place', () => {
  expect(slowOptions('7', (seconds) => seconds).map(([value]) => value)).toEqual(['0', '5', '7', '10', '30', '60']);
});

describe('chapters', () => {
  test.each([
    ['4:07', 247_000],
    ['1:02:03', 3_723_000],
    ['1.02.03', 3_723_000],
    ['90', 90_000],
    ['4:77', null],
    ['a', null],
    ['', null],
    ['1:2:3:4', null],
  ])('read %s', (text, ms) => {
    expect(parseClock(text)).toBe(ms);
  });

  test('say what is wrong with each line', () => {
    const lines = linesOf([{ at_ms: 0, title: 'A' }, { at_ms: 4_000, title: ' ' }, { at_ms: 0, title: 'B' }, { at_ms: 99_000, title: 'C' }]);
    expect(problemsOf([...lines, { key: 9, at: 'x', title: 'D' }], 60_000)).toEqual([null, 'title', 'same', 'beyond', 'time']);
    expect(problemsOf(lines, 0)[3]).toBeNull();
  });

  test('are sent in the order of time', () => {
    expect(chaptersOf([{ key: 0, at: '2:00', title: ' B ' }, { key: 1, at: '0:10', title: 'A' }])).toEqual([{ at_ms: 10_000, title: 'A' }, { at_ms: 120_000, title: 'B' }]);
  });

  test('know which plays', () => {
    const chapters = [{ at_ms: 1_000, title: 'A' }, { at_ms: 5_000, title: 'B' }];
    expect([chapterAt(chapters, 0), chapterAt(chapters, 4_999), chapterAt(chapters, 5_000)]).toEqual([-1, 0, 1]);
  });
});
