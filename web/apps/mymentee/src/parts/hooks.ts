/** Small hooks that many pages use: the mentor's own zone, deeds with their outcome told, asking again and again. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isAbort, type Api, type Course } from '@tayang/client';
import { deviceZone, useApp, useProblemText, useResource, When, type Resource } from '@tayang/shell';
import { Writer, type Language } from '@tayang/ui';
import { isZone } from '../logic/zone.ts';

/** The zone in which this mentor lives, as the profile says. */
export function useZone(): string {
  const zone = useApp().session.user.value?.zone ?? '';
  return isZone(zone) ? zone : deviceZone();
}

/** Writes times in the mentor's own zone, and the short names that a week's view has room for. */
export class MentorWhen extends When {
  public constructor(language: Language, mine: string) {
    super(language, mine);
  }

  /** `hari ini · 19.00`: a moment in the middle of a sentence. */
  public within(at: string | number, now: number, text = this.moment(at, now)): string {
    // Names of days are capitals everywhere; today and its neighbours only at the beginning.
    return this.date(at, now) === this.day(at, now) ? text : text.charAt(0).toLowerCase() + text.slice(1);
  }

  /** `Hari ini · 19.00 WIB`: for what is told to others, or compared with other clocks. */
  public exact(at: string, now: number): string {
    return `${this.moment(at, now)} ${this.zoneName(at)}`;
  }

  /** `Sen`, `Mon`. */
  public weekday(at: number): string {
    return this.format(at, { weekday: 'short' });
  }

  /** `28 Nov`. */
  public shortDate(at: number): string {
    return this.format(at, { day: 'numeric', month: 'short' });
  }
}

/** Writer of times in the mentor's own zone. */
export function useMyWhen(): MentorWhen {
  const language = useApp().preferences.language.value;
  const zone = useZone();
  return useMemo(() => new MentorWhen(language, zone), [language, zone]);
}

/** Writer of numbers. */
export function useWriter(): Writer {
  const language = useApp().preferences.language.value;
  return useMemo(() => new Writer(language), [language]);
}

/** Says what went wrong, in the reader's language. */
export function useProblemTeller(): (problem: unknown) => string {
  return useProblemText();
}

export interface Deed {
  readonly busy: boolean;
  /** Does it, one at a time; a problem is told in a toast. */
  readonly run: (deed: (api: Api) => Promise<unknown>) => void;
}

export function useDeed(): Deed {
  const { api, toasts } = useApp();
  const textOf = useProblemTeller();
  const [busy, setBusy] = useState(false);
  const running = useRef(false);
  const run = (deed: (api: Api) => Promise<unknown>): void => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    deed(api)
      .catch((problem: unknown) => {
        if (!isAbort(problem)) toasts.problem(textOf(problem));
      })
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  };
  return { busy, run };
}

/** So many questions without an answer, and what was known before is no longer shown as if it were so. */
const FAILURES_MAX = 3;

/** Asks every so often while the page is looked at; what was answered last stays for a short while when nothing comes. */
export function usePoll<T>(load: (signal: AbortSignal) => Promise<T>, everyMs: number, wanted = true): { readonly value: T | null; readonly ask: () => void } {
  const [value, setValue] = useState<T | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const askNow = useRef<() => void>(() => undefined);
  useEffect(() => {
    if (!wanted) return undefined;
    const aborter = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    const round = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') {
        const answer = await latest.current(aborter.signal).catch(() => null);
        if (aborter.signal.aborted) return;
        failures = answer === null ? failures + 1 : 0;
        if (answer !== null || failures >= FAILURES_MAX) setValue(answer);
      }
      timer = setTimeout(() => void round(), everyMs);
    };
    askNow.current = () => void round();
    const onVisible = (): void => {
      if (document.visibilityState === 'visible') void round();
    };
    document.addEventListener('visibilitychange', onVisible);
    void round();
    return () => {
      aborter.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [everyMs, wanted]);
  return { value, ask: () => askNow.current() };
}

/** The courses that one teaches: `mine` has those that one follows as well. */
export function useTaught(): Resource<readonly Course[]> {
  const { api, session } = useApp();
  const me = session.user.value?.id ?? '';
  return useResource<readonly Course[]>(`courses ${me}`, async () => {
    const mine = await readAll((cursor) => api.courses({ mine: true, cursor, limit: 100 }));
    return mine.filter(({ mentor }) => mentor.id === me);
  });
}

/** Every page of a list, up to a bound that no honest list reaches. */
export async function readAll<T>(load: (cursor: string | null) => Promise<{ readonly items: readonly T[]; readonly next_cursor: string | null }>, pagesMax = 20): Promise<readonly T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < pagesMax; page += 1) {
    const answer: { readonly items: readonly T[]; readonly next_cursor: string | null } = await load(cursor);
    found.push(...answer.items);
    cursor = answer.next_cursor;
    if (cursor === null) break;
  }
  return found;
}
