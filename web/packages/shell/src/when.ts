/** Writes moments and spans for people, in the viewer's own zone. Pure but for the zone of the device. */

import type { Language } from '@tayang/ui';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

type Options = Intl.DateTimeFormatOptions;
const CLOCK: Options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const pad = (value: number): string => String(value).padStart(2, '0');

/** More than all the ways in which an app writes times in both languages. */
const FORMATTERS_MAX = 100;
const dates = new Map<string, Intl.DateTimeFormat>();
const spans = new Map<string, Intl.RelativeTimeFormat>();

/** Making one takes longer than drawing a row of a list; each way of writing has one for all. */
function dateFormat(locale: string, options: Options): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  const known = dates.get(key);
  if (known !== undefined) return known;
  if (dates.size >= FORMATTERS_MAX) dates.clear();
  const made = new Intl.DateTimeFormat(locale, options);
  dates.set(key, made);
  return made;
}

function spanFormat(locale: string): Intl.RelativeTimeFormat {
  const made = spans.get(locale) ?? new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  spans.set(locale, made);
  return made;
}

export class When {
  private readonly locale: string;

  public constructor(
    public readonly language: Language,
    private readonly zone?: string,
  ) {
    this.locale = language === 'id' ? 'id-ID' : 'en-GB';
  }

  private formatter(options: Options): Intl.DateTimeFormat {
    return dateFormat(this.locale, this.zone === undefined ? options : { ...options, timeZone: this.zone });
  }

  protected format(at: string | number, options: Options): string {
    return this.formatter(options).format(new Date(at));
  }

  /** `19.00` in Indonesian, `19:00` in English. */
  public time(at: string | number): string {
    return this.format(at, CLOCK);
  }

  /** `Senin, 1 Desember`; with the year if it is not this one. */
  public date(at: string | number, now: number): string {
    const sameYear = this.format(at, { year: 'numeric' }) === this.format(now, { year: 'numeric' });
    return this.format(at, { weekday: 'long', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' }) });
  }

  /** `Hari ini`, `Besok`, `Kemarin`, or the date. */
  public day(at: string | number, now: number): string {
    const name = (span: number): string => {
      const text = spanFormat(this.locale).format(span, 'day');
      return text.charAt(0).toUpperCase() + text.slice(1);
    };
    for (const span of [0, 1, -1]) if (this.sameDay(at, now + span * DAY_MS)) return name(span);
    return this.date(at, now);
  }

  private sameDay(a: string | number, b: number): boolean {
    const options: Options = { year: 'numeric', month: '2-digit', day: '2-digit' };
    return this.format(a, options) === this.format(b, options);
  }

  /** `Hari ini · 19.00–20.30 WIB`. */
  public range(from: string, until: string, now: number): string {
    return `${this.day(from, now)} · ${this.time(from)}–${this.time(until)} ${this.zoneName(from)}`;
  }

  /** `Hari ini · 19.00`. */
  public moment(at: string | number, now: number): string {
    return `${this.day(at, now)} · ${this.time(at)}`;
  }

  /** Short name of the viewer's zone: `WIB`, `GMT+8`. */
  public zoneName(at: string | number): string {
    const parts = this.formatter({ timeZoneName: 'short' }).formatToParts(new Date(at));
    return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  }

  /** `dalam 5 menit`, `2 hari yang lalu`. */
  public relative(at: string | number, now: number): string {
    const span = new Date(at).getTime() - now;
    const writer = spanFormat(this.locale);
    const size = Math.abs(span);
    if (size < HOUR_MS) return writer.format(Math.round(span / MINUTE_MS), 'minute');
    if (size < DAY_MS) return writer.format(Math.round(span / HOUR_MS), 'hour');
    return writer.format(Math.round(span / DAY_MS), 'day');
  }

  /** `1 jam 30 mnt`, `45 mnt`. */
  public span(ms: number): string {
    const minutes = Math.max(1, Math.round(ms / MINUTE_MS));
    const hours = Math.floor(minutes / 60);
    const [hour, minute] = this.language === 'id' ? ['jam', 'mnt'] : ['h', 'min'];
    const rest = minutes % 60;
    if (hours === 0) return `${minutes} ${minute}`;
    return rest === 0 ? `${hours} ${hour}` : `${hours} ${hour} ${rest} ${minute}`;
  }
}

/** What is left until a moment, in the parts that a countdown shows. Never below zero. */
export interface Remaining {
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  /** `01:02:03`, or `02:03` below an hour. */
  readonly clock: string;
  readonly over: boolean;
}

export function remaining(until: string | number, now: number): Remaining {
  const whole = Math.max(0, Math.ceil((new Date(until).getTime() - now) / 1_000));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3_600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const seconds = whole % 60;
  const short = `${pad(minutes)}:${pad(seconds)}`;
  return { days, hours, minutes, seconds, clock: hours > 0 || days > 0 ? `${pad(hours)}:${short}` : short, over: whole === 0 };
}
