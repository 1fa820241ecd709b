/** Which language a page speaks, and how it writes numbers, sizes and times. Times are in the viewer's own zone. */

export type Language = 'id' | 'en';

export const LANGUAGES: readonly Language[] = ['id', 'en'];

/** What can be remembered; the browser's own storage, or nothing where that is refused. */
export interface Memory {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

/** Remembers in the browser, and forgets quietly where it may not. */
export const browserMemory: Memory = memoryIn(() => localStorage);

/** The same for this tab alone. */
export const tabMemory: Memory = memoryIn(() => sessionStorage);

function memoryIn(storage: () => Storage): Memory {
  return {
    get: (key) => {
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },
    set: (key, value) => {
      try {
        storage().setItem(key, value);
      } catch {
        // Private windows may refuse: what was chosen then lasts as long as the page.
      }
    },
  };
}

function asLanguage(text: string | null | undefined): Language | null {
  const short = text?.toLowerCase().split('-')[0];
  // Old code of Indonesian, still sent by some phones.
  if (short === 'in') return 'id';
  return LANGUAGES.find((one) => one === short) ?? null;
}

/** `?lang=`, then what was chosen before, then the browser's wishes in their order, then Indonesian. */
export function pickLanguage(search: string, remembered: string | null, wishes: readonly string[]): Language {
  const asked = asLanguage(new URLSearchParams(search).get('lang'));
  if (asked !== null) return asked;
  const before = asLanguage(remembered);
  if (before !== null) return before;
  for (const wish of wishes) {
    const language = asLanguage(wish);
    if (language !== null) return language;
  }
  return 'id';
}

const numbers = new Map<string, Intl.NumberFormat>();

/** Making one takes longer than drawing what it writes; there are a few ways of writing numbers in all. */
function numberFormat(locale: string, minimumFractionDigits: number, maximumFractionDigits: number): Intl.NumberFormat {
  const key = `${locale} ${minimumFractionDigits} ${maximumFractionDigits}`;
  const made = numbers.get(key) ?? new Intl.NumberFormat(locale, { minimumFractionDigits, maximumFractionDigits });
  numbers.set(key, made);
  return made;
}

/** Writes for one language. `zone` is for tests; a page leaves it to the browser. */
export class Writer {
  private readonly locale: string;

  public constructor(
    public readonly language: Language,
    private readonly zone?: string,
  ) {
    this.locale = language === 'id' ? 'id-ID' : 'en-GB';
  }

  /** `0,8` in Indonesian, `0.8` in English. */
  public decimal(value: number, digits: number): string {
    return numberFormat(this.locale, digits, digits).format(value);
  }

  /** With as many digits as it needs, two at most: `1,25`, `2`. */
  public short(value: number): string {
    return numberFormat(this.locale, 0, 2).format(value);
  }

  public whole(value: number): string {
    return numberFormat(this.locale, 0, 0).format(value);
  }

  /** `2,4 Mbit/s`. */
  public bitRate(bitsPerSecond: number): string {
    return bitsPerSecond >= 1e6
      ? `${this.decimal(bitsPerSecond / 1e6, 1)} Mbit/s`
      : `${this.whole(bitsPerSecond / 1e3)} kbit/s`;
  }

  /** `1,2 GB`. */
  public size(bytes: number): string {
    if (bytes >= 1e9) return `${this.decimal(bytes / 1e9, 1)} GB`;
    return bytes >= 1e6 ? `${this.whole(bytes / 1e6)} MB` : `${this.whole(bytes / 1e3)} kB`;
  }

  /** Day, date and time with the name of the zone. */
  public moment(unixMs: number): string {
    const zone = this.zone === undefined ? {} : { timeZone: this.zone };
    return new Intl.DateTimeFormat(this.locale, {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      hour: '2-digit',
      minute: '2-digit',
      timeZoneName: 'short',
      ...zone,
    }).format(unixMs);
  }
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** `4:07`, `1:02:03`: a length or a place in it. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}
