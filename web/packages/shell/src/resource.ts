/**
 * Reading something for a page: waiting, there, or not to be had. What was read stays while it is read again.
 *
 * Owns one reading at a time; a newer one or the page's end gives up the older.
 */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isAbort, Problem, type Page } from '@tayang/client';

export interface Resource<T> {
  readonly value: T | null;
  readonly problem: unknown;
  readonly loading: boolean;
  /** Reads again. */
  readonly reload: () => void;
  /** Puts a newer value in place, as an answer to a change gave it. */
  readonly set: (value: T) => void;
  /** Changes what is there now; nothing if it is not there, or another key's. */
  readonly update: (change: (value: T) => T) => void;
}

interface Held<T> {
  readonly key: string;
  readonly value: T | null;
  readonly problem: unknown;
  readonly loading: boolean;
}

/** Reads with `load` whenever `key` changes; `null` reads nothing. */
export function useResource<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [held, hold] = useState<Held<T>>({ key: '', value: null, problem: null, loading: key !== null });
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (key === null) return undefined;
    const aborter = new AbortController();
    hold((before) => ({ key, value: before.key === key ? before.value : null, problem: null, loading: true }));
    latest
      .current(aborter.signal)
      .then((value) => {
        if (!aborter.signal.aborted) hold({ key, value, problem: null, loading: false });
      })
      .catch((problem: unknown) => {
        if (isAbort(problem) || aborter.signal.aborted) return;
        // What was read before stays in sight when the network is lost or the server has trouble: that passes.
        const keep = problem instanceof Problem && (problem.isNetwork || problem.status === 429 || problem.status >= 500);
        hold((before) => ({ key, value: keep ? before.value : null, problem, loading: false }));
      });
    return () => aborter.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const set = useCallback((value: T) => hold((before) => (before.key === key ? { ...before, value, problem: null } : before)), [key]);
  const update = useCallback(
    (change: (value: T) => T) => hold((before) => (before.key === key && before.value !== null ? { ...before, value: change(before.value) } : before)),
    [key],
  );
  const current = held.key === key ? held : { value: null, problem: null, loading: key !== null };
  return { value: current.value, problem: current.problem, loading: current.loading, reload, set, update };
}

export interface PagedResource<T> {
  readonly items: readonly T[] | null;
  readonly problem: unknown;
  readonly loading: boolean;
  readonly reload: () => void;
  /** Reads the next page; `null` if there is none. */
  readonly more: (() => void) | null;
  readonly change: (change: (items: readonly T[]) => readonly T[]) => void;
}

/** A list that comes in pages and grows downwards. */
export function usePages<T>(key: string | null, load: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>): PagedResource<T> {
  const first = useResource(key, (signal) => load(null, signal));
  const [further, setFurther] = useState<Further>({ key, loading: false, problem: null });
  const aborter = useRef<AbortController | null>(null);
  // Another list, or none: what was on its way belongs to neither.
  useEffect(() => () => {
    aborter.current?.abort();
    aborter.current = null;
  }, [key]);
  const page = first.value;
  const cursor = page?.next_cursor ?? null;
  const { loading, problem } = further.key === key ? further : { loading: false, problem: null };
  const more = (): void => {
    if (loading || aborter.current !== null || page === null) return;
    const mine = new AbortController();
    aborter.current = mine;
    const end = (found: unknown): void => {
      if (aborter.current === mine) aborter.current = null;
      if (!mine.signal.aborted) setFurther({ key, loading: false, problem: found });
    };
    setFurther({ key, loading: true, problem: null });
    load(cursor, mine.signal).then(
      (next) => {
        if (!mine.signal.aborted) first.update((before) => appended(before, cursor, next));
        end(null);
      },
      (error: unknown) => end(isAbort(error) ? null : error),
    );
  };
  return {
    items: page?.items ?? null,
    problem: first.problem ?? problem,
    loading: first.loading || loading,
    reload: first.reload,
    more: cursor === null ? null : more,
    change: (change) => first.update((before) => ({ ...before, items: change(before.items) })),
  };
}

interface Further {
  readonly key: string | null;
  readonly loading: boolean;
  readonly problem: unknown;
}

/** The next page behind what is there; a list that was read anew meanwhile goes on from another place, and stays. */
export function appended<T>(before: Page<T>, cursor: string | null, next: Page<T>): Page<T> {
  return before.next_cursor === cursor ? { items: [...before.items, ...next.items], next_cursor: next.next_cursor } : before;
}

/** Milliseconds of `now`, renewed every so often while the page is looked at. */
export function useNow(now: () => number, everyMs: number): number {
  const [at, setAt] = useState(now);
  const latest = useRef(now);
  latest.current = now;
  useEffect(() => {
    const timer = setInterval(() => setAt(latest.current()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return at;
}
