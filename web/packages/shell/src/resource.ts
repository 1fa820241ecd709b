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
        // What was read before stays in sight when only the network is lost, or the server is busy.
        const keep = problem instanceof Problem && (problem.isNetwork || problem.status === 429 || problem.status >= 500);
        hold((before) => ({ key, value: keep ? before.value : null, problem, loading: false }));
      });
    return () => aborter.abort();
  }, [key, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const set = useCallback((value: T) => hold((before) => ({ ...before, value, problem: null })), []);
  const current = held.key === key ? held : { value: null, problem: null, loading: key !== null };
  return { value: current.value, problem: current.problem, loading: current.loading, reload, set };
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
  const [loadingMore, setLoadingMore] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const alive = useRef(true);
  useEffect(() => () => void (alive.current = false), []);
  const page = first.value;
  const cursor = page?.next_cursor ?? null;
  const more = (): void => {
    if (loadingMore || page === null) return;
    setLoadingMore(true);
    setProblem(null);
    load(cursor, new AbortController().signal)
      .then((next) => first.set({ items: [...page.items, ...next.items], next_cursor: next.next_cursor }))
      .catch((error: unknown) => setProblem(error))
      .finally(() => {
        if (alive.current) setLoadingMore(false);
      });
  };
  return {
    items: page?.items ?? null,
    problem: first.problem ?? problem,
    loading: first.loading || loadingMore,
    reload: first.reload,
    more: cursor === null ? null : more,
    change: (change) => {
      if (page !== null) first.set({ ...page, items: change(page.items) });
    },
  };
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
