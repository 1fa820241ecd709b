/**
 * Wall clocks: what a clock on the wall of a zone says, and which moment that is.
 *
 * Pure, with the browser's own table of zones. Knows nothing of lessons and writes nothing for people.
 */

/** What a calendar and a clock on the wall say: `2026-11-28`, `19:00`. */
export interface WallClock {
  readonly date: string;
  readonly time: string;
}

/** `skipped`: clocks were put forward over it, and it is that much later. `twice`: clocks were put back, and it is the first. */
export type MomentKind = 'plain' | 'skipped' | 'twice';

export interface Moment {
  /** Unix milliseconds. */
  readonly at: number;
  readonly kind: MomentKind;
}

const DAY_MS = 86_400_000;
const writers = new Map<string, Intl.DateTimeFormat>();

function writerOf(zone: string): Intl.DateTimeFormat {
  const known = writers.get(zone);
  if (known !== undefined) return known;
  const writer = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  writers.set(zone, writer);
  return writer;
}

/** Whether the browser knows a zone of this name. */
export function isZone(zone: string): boolean {
  try {
    return zone !== '' && writerOf(zone) !== undefined;
  } catch {
    return false;
  }
}

function partsAt(at: number, zone: string): Readonly<Record<string, string>> {
  return Object.fromEntries(writerOf(zone).formatToParts(at).map(({ type, value }) => [type, value]));
}

/** What the wall says at a moment. */
export function wallClockAt(at: number, zone: string): WallClock {
  const { year = '', month = '', day = '', hour = '', minute = '' } = partsAt(at, zone);
  return { date: `${year.padStart(4, '0')}-${month}-${day}`, time: `${hour}:${minute}` };
}

/** Milliseconds that the wall is ahead of UTC. */
export function offsetMs(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = partsAt(at, zone);
  const wall = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return wall - Math.floor(at / 1_000) * 1_000;
}

function asUtc({ date, time }: WallClock): number {
  return Date.parse(`${date}T${time}:00.000Z`);
}

/** Whether these are a date and a time at all. */
export function isWallClock(wall: WallClock): boolean {
  const at = asUtc(wall);
  return /^\d{4}-\d{2}-\d{2}$/.test(wall.date) && /^\d{2}:\d{2}$/.test(wall.time) && Number.isFinite(at) && new Date(at).toISOString().startsWith(wall.date);
}

/** The moment at which the wall says so; `null` if it is no date and time, or no zone. */
export function momentOf(wall: WallClock, zone: string): Moment | null {
  if (!isWallClock(wall) || !isZone(zone)) return null;
  const local = asUtc(wall);
  const before = offsetMs(local - DAY_MS, zone);
  const after = offsetMs(local + DAY_MS, zone);
  const fitting = [before, after].map((offset) => local - offset).filter((at) => at + offsetMs(at, zone) === local);
  const [first, second] = fitting.toSorted((a, b) => a - b);
  if (first === undefined) return { at: local - before, kind: 'skipped' };
  return { at: first, kind: second !== undefined && second !== first ? 'twice' : 'plain' };
}

/** A date so many days later. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The Monday of a date's week. */
export function mondayOf(date: string): string {
  const day = new Date(`${date}T00:00:00Z`).getUTCDay();
  return addDays(date, -((day + 6) % 7));
}

/** The first moment of a date in a zone. */
export function startOfDay(date: string, zone: string): number {
  return momentOf({ date, time: '00:00' }, zone)?.at ?? Number.NaN;
}

/** Zones of Indonesia first, then all that the browser knows. */
export function knownZones(mine: string): readonly string[] {
  const first = ['Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura', mine, 'UTC'];
  return [...new Set([...first.filter(isZone), ...Intl.supportedValuesOf('timeZone')])];
}
