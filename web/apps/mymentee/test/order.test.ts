/** Lessons in order, attendance as a picture, people who were sent out. */

import { describe, expect, test } from 'vitest';
import { lessonTime, percentOf, spansOf, tallyOf } from '../src/logic/attendance.ts';
import { comingOf } from '../src/logic/recording.ts';
import { agendaOf, byDay, isSoon, weekOf } from '../src/logic/schedule.ts';
import { windowOf } from '../src/live/replay.tsx';
import { mutedAt, withEntry, withoutPerson } from '../src/live/outcasts.ts';
import { liveId } from '../src/words/live.ts';

const at = (text: string): string => new Date(text).toISOString();
const lesson = (id: string, starts: string, state: 'scheduled' | 'live' | 'ended' | 'cancelled' = 'scheduled') => ({ id, starts_at: at(starts), ends_at: new Date(Date.parse(starts) + 5_400_000).toISOString(), state });
const part = (from: string, to: string | null) => ({ from_at: at(`2026-11-28T${from}:00Z`), to_at: to === null ? null : at(`2026-11-28T${to}:00Z`), protocol: 'llhls' });

describe('an agenda', () => {
  const now = Date.parse('2026-11-28T12:00:00Z');

  test('has what is live first, and what comes by the mentor’s own days', () => {
    const agenda = agendaOf([lesson('c', '2026-11-30T18:00:00Z'), lesson('a', '2026-11-28T13:00:00Z'), lesson('l', '2026-11-28T11:00:00Z', 'live'), lesson('x', '2026-11-29T11:00:00Z', 'cancelled')], now, 'Asia/Jakarta');
    expect(agenda.live.map(({ id }) => id)).toEqual(['l']);
    expect(agenda.next?.id).toBe('a');
    expect(agenda.days.map(({ date }) => date)).toEqual(['2026-11-28', '2026-12-01']);
  });

  test('keeps a lesson that is late to begin until its end', () => {
    const late = lesson('a', '2026-11-28T11:00:00Z');
    expect(agendaOf([late], now, 'UTC').next?.id).toBe('a');
    expect(agendaOf([late], now + 3_600_000, 'UTC').next).toBeNull();
    expect(isSoon(late, now)).toBe(true);
  });

  test('puts one evening on two dates where zones say so', () => {
    const days = byDay([lesson('a', '2026-11-28T16:30:00Z'), lesson('b', '2026-11-28T17:30:00Z')], 'Asia/Jakarta');
    expect(days.map(({ date, lessons }) => [date, lessons.length])).toEqual([['2026-11-28', 1], ['2026-11-29', 1]]);
  });

  test('has weeks of seven days, an hour longer when clocks go back', () => {
    const week = weekOf('2026-10-25', 'Europe/Berlin');
    expect(week.dates).toHaveLength(7);
    expect(week.dates[0]).toBe('2026-10-19');
    expect(Date.parse(week.until) - Date.parse(week.from)).toBe((7 * 24 + 1) * 3_600_000);
    expect([week.before, week.after]).toEqual(['2026-10-12', '2026-10-26']);
  });
});

describe('attendance', () => {
  const time = { from: Date.parse('2026-11-28T12:00:00Z'), until: Date.parse('2026-11-28T13:00:00Z') };

  test('is cut to the lesson and joined where two devices overlap', () => {
    expect(spansOf([part('12:30', '12:45'), part('11:50', '12:15'), part('12:40', '13:20')], time)).toEqual([{ from: 0, to: 0.25 }, { from: 0.5, to: 1 }]);
  });

  test('goes on to the end for who is still there, and is nothing outside', () => {
    expect(spansOf([part('12:45', null)], time)).toEqual([{ from: 0.75, to: 1 }]);
    expect(spansOf([part('13:10', '13:20')], time)).toEqual([]);
  });

  test('is never rounded up to all of it', () => {
    expect(percentOf(3_570_000, time)).toBe(99);
    expect(percentOf(3_600_000, time)).toBe(100);
    expect(percentOf(9_999_999, time)).toBe(100);
    expect(percentOf(0, time)).toBe(0);
  });

  test('is measured against the lesson as it was', () => {
    const set = { starts_at: at('2026-11-28T12:00:00Z'), ends_at: at('2026-11-28T13:00:00Z') };
    expect(lessonTime({ ...set, started_at: at('2026-11-28T12:05:00Z'), ended_at: at('2026-11-28T13:20:00Z') }, 0).until).toBe(Date.parse('2026-11-28T13:20:00Z'));
    expect(lessonTime({ ...set, started_at: at('2026-11-28T12:05:00Z'), ended_at: null }, Date.parse('2026-11-28T12:30:00Z')).until).toBe(Date.parse('2026-11-28T12:30:00Z'));
    expect(lessonTime({ ...set, started_at: null, ended_at: null }, 0).until).toBe(Date.parse('2026-11-28T13:00:00Z'));
  });

  test('is counted as decided', () => {
    expect(tallyOf([{ attended: true, decision: 'measured' }, { attended: true, decision: 'present' }, { attended: false, decision: 'absent' }])).toEqual({ present: 2, absent: 1, corrected: 2 });
  });
});

test('somebody is muted once, until it is over', () => {
  const user = { id: 'u-1', name: 'Peserta Satu' };
  const mute = (minute: number) => ({ user, muted_until_at: `2026-11-28T12:${minute}:00.000Z` });
  const muted = withEntry(withEntry([], mute(10)), mute(30));
  expect(muted).toEqual([mute(30)]);
  expect([mutedAt(muted, Date.parse('2026-11-28T12:20:00Z')), mutedAt(muted, Date.parse('2026-11-28T12:30:00Z'))]).toEqual([[mute(30)], []]);
  expect(withoutPerson(muted, user)).toEqual([]);
});

test('a recording is asked for until it is ready, and one that does not come is given up', () => {
  const now = Date.parse('2026-11-28T14:00:00Z');
  const ended = (recording: 'recording' | 'sealed' | 'ready' | null, ended_at = at('2026-11-28T13:55:00Z')) => comingOf({ state: 'ended', recording, ended_at }, now);
  expect([ended('recording'), ended('sealed'), ended('ready'), ended(null), ended(null, at('2026-11-28T12:00:00Z'))]).toEqual(['recording', 'mp4', null, 'recording', null]);
  expect([comingOf({ state: 'live', recording: null, ended_at: null }, now), comingOf({ state: 'cancelled', recording: null, ended_at: null }, now)]).toEqual(['recording', null]);
});

test('of many comments those around the playhead are drawn', () => {
  expect([windowOf(2_000, 1_000, 100, 50), windowOf(2_000, -1, 100, 50), windowOf(20, 19, 100, 50)]).toEqual([[900, 1_050], [0, 50], [0, 20]]);
});

test('words speak of people kindly and end their sentences', () => {
  for (const { todo } of Object.values(liveId.health.advice)) expect(todo).toMatch(/\.$/);
});
