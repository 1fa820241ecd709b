/** Wall clocks and moments, over the days on which clocks change. */

import { describe, expect, test } from 'vitest';
import { planLessons } from '../src/logic/repeat.ts';
import { addDays, isWallClock, isZone, momentOf, mondayOf, startOfDay, wallClockAt } from '../src/logic/zone.ts';

const iso = (at: number | undefined): string => new Date(at ?? Number.NaN).toISOString();

describe('a moment of a wall clock', () => {
  test('is seven hours earlier in UTC for Jakarta', () => {
    expect(iso(momentOf({ date: '2026-11-28', time: '19:00' }, 'Asia/Jakarta')?.at)).toBe('2026-11-28T12:00:00.000Z');
  });

  test('that clocks jump over is as much later as they jump', () => {
    const moment = momentOf({ date: '2026-03-29', time: '02:30' }, 'Europe/Berlin');
    expect(moment?.kind).toBe('skipped');
    expect(wallClockAt(moment?.at ?? 0, 'Europe/Berlin')).toEqual({ date: '2026-03-29', time: '03:30' });
  });

  test('that comes twice is the first of both', () => {
    const moment = momentOf({ date: '2026-10-25', time: '02:30' }, 'Europe/Berlin');
    expect(moment).toEqual({ at: Date.parse('2026-10-25T00:30:00Z'), kind: 'twice' });
  });

  test('is right just before and after a change of clocks', () => {
    expect(iso(momentOf({ date: '2026-03-29', time: '01:59' }, 'Europe/Berlin')?.at)).toBe('2026-03-29T00:59:00.000Z');
    expect(iso(momentOf({ date: '2026-03-29', time: '03:00' }, 'Europe/Berlin')?.at)).toBe('2026-03-29T01:00:00.000Z');
  });

  test('survives clocks that change by half an hour', () => {
    expect(momentOf({ date: '2026-10-04', time: '02:15' }, 'Australia/Lord_Howe')?.kind).toBe('skipped');
    expect(momentOf({ date: '2026-04-05', time: '01:45' }, 'Australia/Lord_Howe')?.kind).toBe('twice');
  });

  test.each([
    ['2026-02-30', '10:00'],
    ['2026-13-01', '10:00'],
    ['', '10:00'],
    ['2026-01-01', ''],
    ['2026-01-01', '25:00'],
  ])('is none for %s %s', (date, time) => {
    expect(isWallClock({ date, time })).toBe(false);
    expect(momentOf({ date, time }, 'Asia/Jakarta')).toBeNull();
  });

  test('is none in a zone that nobody knows', () => {
    expect(isZone('Asia/Nowhere')).toBe(false);
    expect(momentOf({ date: '2026-01-01', time: '10:00' }, 'Asia/Nowhere')).toBeNull();
  });

  test('goes there and back through every hour of a year', () => {
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 3_600_000 * 7) {
      for (const zone of ['Asia/Jakarta', 'America/New_York', 'Australia/Lord_Howe']) {
        const moment = momentOf(wallClockAt(at, zone), zone);
        expect([at, at - 3_600_000, at - 1_800_000]).toContain(moment?.at);
        expect(moment?.kind).not.toBe('skipped');
      }
    }
  });
});

describe('days', () => {
  test('follow one another over months and leap years', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(addDays('2026-12-28', 7)).toBe('2027-01-04');
  });

  test('of a week begin on Monday', () => {
    expect(mondayOf('2026-11-28')).toBe('2026-11-23');
    expect(mondayOf('2026-11-29')).toBe('2026-11-23');
    expect(mondayOf('2026-11-30')).toBe('2026-11-30');
  });

  test('begin when the zone says, even where midnight does not exist', () => {
    expect(iso(startOfDay('2026-11-28', 'Asia/Jayapura'))).toBe('2026-11-27T15:00:00.000Z');
    expect(wallClockAt(startOfDay('2026-09-06', 'America/Santiago'), 'America/Santiago')).toEqual({ date: '2026-09-06', time: '01:00' });
  });
});

describe('a lesson that repeats', () => {
  const plan = { date: '2026-10-18', time: '19:00', minutes: 90, zone: 'Europe/Berlin', weeks: 3 };

  test('keeps its time on the wall when clocks change', () => {
    const lessons = planLessons(plan, 'Europe/Berlin');
    expect(lessons.map(({ startsAt }) => wallClockAt(startsAt, 'Europe/Berlin').time)).toEqual(['19:00', '19:00', '19:00']);
    expect(lessons.map(({ startsAt }) => iso(startsAt).slice(11, 16))).toEqual(['17:00', '18:00', '18:00']);
    expect(lessons.some(({ movesForReader }) => movesForReader)).toBe(false);
  });

  test('says when it moves for a reader elsewhere', () => {
    expect(planLessons(plan, 'Asia/Jakarta').map(({ movesForReader }) => movesForReader)).toEqual([false, true, true]);
  });

  test('has its length in real time, over the night on which clocks change', () => {
    const [lesson] = planLessons({ ...plan, date: '2026-10-25', time: '01:30', weeks: 1 }, 'UTC');
    expect((lesson?.endsAt ?? 0) - (lesson?.startsAt ?? 0)).toBe(90 * 60_000);
  });

  test('marks the week in which its time is skipped', () => {
    const lessons = planLessons({ ...plan, date: '2026-03-22', time: '02:30', weeks: 2 }, 'Europe/Berlin');
    expect(lessons.map(({ kind }) => kind)).toEqual(['plain', 'skipped']);
  });

  test('is nothing until it is whole, and never more than a year', () => {
    expect(planLessons({ ...plan, date: '' }, 'UTC')).toEqual([]);
    expect(planLessons({ ...plan, minutes: Number.NaN }, 'UTC')).toEqual([]);
    expect(planLessons({ ...plan, weeks: 900 }, 'UTC')).toHaveLength(52);
    expect(planLessons({ ...plan, weeks: Number.NaN }, 'UTC')).toHaveLength(1);
  });
});
