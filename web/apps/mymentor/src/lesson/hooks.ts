/** What a lesson page keeps open while it is shown: the room, the right to play, and the place in a recording. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { browserRoomPorts, PlaybackKeeper, RoomConnection, type Lesson, type Playback, type PlaybackState, type Problem, type RoomView } from '@tayang/client';
import { backoffMs, type BackoffShape } from '@tayang/player/backoff';
import { useApp } from '@tayang/shell';

export interface Room {
  readonly connection: RoomConnection;
  readonly view: RoomView;
}

/** Keeps a room open while `open`; `onLesson` is told what the room says of its lesson. */
export function useRoom(lesson: string, open: boolean, onLesson: (air: Pick<Lesson, 'state' | 'on_air' | 'stalled'>) => void): Room {
  const { api } = useApp();
  const connection = useMemo(() => new RoomConnection(browserRoomPorts(api, lesson)), [lesson]);
  const [view, setView] = useState(() => connection.view());
  const told = useRef(onLesson);
  told.current = onLesson;
  useEffect(() => {
    if (!open) return undefined;
    const leave = connection.subscribe(setView);
    const wake = (): void => {
      if (document.visibilityState === 'visible') connection.wake();
    };
    connection.start();
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    return () => {
      leave();
      connection.stop();
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
    };
  }, [connection, open]);
  const { lesson: air } = view.room;
  useEffect(() => {
    if (air !== null) told.current(air);
  }, [air]);
  return { connection, view };
}

/** A right that was refused (the lesson has just begun, or is full) is asked for again, ever less often. */
const REFUSED: BackoffShape = { firstMs: 4_000, factor: 1.6, capMs: 60_000 };
/** So many waits would be spread by less than they need: each is lengthened by up to this share. */
const REFUSED_SPREAD = 0.5;

/** The right to play as a page sees it. */
export interface Watching {
  readonly phase: PlaybackState['phase'];
  readonly opened: Playback | null;
  /** Why it was refused last; stays while it is asked for again. */
  readonly refusal: Problem | null;
}

const NOT_YET: Watching = { phase: 'opening', opened: null, refusal: null };

function watchingOf(before: Watching, state: PlaybackState): Watching {
  switch (state.phase) {
    case 'open':
      return { phase: 'open', opened: state.playback, refusal: null };
    case 'refused':
      return { phase: 'refused', opened: null, refusal: state.problem };
    default:
      return { phase: state.phase, opened: null, refusal: before.refusal };
  }
}

/**
 * Keeps the right to play while `wanted`, and gives it back with the page; `onRefused` may learn why. `part` is the stream of
 * one of several recordings; `null` plays what is live, or the longest.
 */
export function usePlayback(lesson: string, wanted: boolean, onRefused: () => void, part: string | null = null): Watching {
  const { api } = useApp();
  const [kept, setKept] = useState<{ part: string | null; watching: Watching }>({ part, watching: NOT_YET });
  const told = useRef(onRefused);
  told.current = onRefused;
  useEffect(() => {
    if (!wanted) return undefined;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let refusals = 0;
    const setWatching = (next: (before: Watching) => Watching): void => {
      setKept((before) => ({ part, watching: next(before.part === part ? before.watching : NOT_YET) }));
    };
    const ports = {
      open: () => api.openPlayback(lesson, part ?? undefined),
      refresh: api.refreshPlayback,
      end: api.endPlayback,
      after: (ms: number, task: () => void) => {
        const waiting = setTimeout(task, ms);
        return () => clearTimeout(waiting);
      },
      chance: Math.random,
    };
    const changed = (next: PlaybackState): void => {
      setWatching((before) => watchingOf(before, next));
      if (next.phase === 'open') refusals = 0;
      if (next.phase !== 'refused') return;
      const inMs = Math.max(next.problem.retryAfterMs ?? 0, backoffMs(REFUSED, refusals, Math.random()));
      refusals += 1;
      timer = setTimeout(() => keeper.start(), inMs * (1 + REFUSED_SPREAD * Math.random()));
      told.current();
    };
    const renewed = (playback: Playback): void => setWatching((before) => ({ ...before, opened: playback }));
    const keeper = new PlaybackKeeper(ports, changed, renewed);
    // Frozen for the back-forward cache the page may come back: what it left open runs out by itself.
    const leave = ({ persisted }: PageTransitionEvent): void => {
      if (!persisted) keeper.stop(true);
    };
    keeper.start();
    window.addEventListener('pagehide', leave);
    return () => {
      if (timer !== null) clearTimeout(timer);
      window.removeEventListener('pagehide', leave);
      keeper.stop();
    };
  }, [lesson, wanted, part]);
  return kept.part === part ? kept.watching : NOT_YET;
}

/** Calls `task` again and again, spread so that a full room does not ask at once; `null` rests. */
export function useRepeat(everyMs: number | null, task: () => void): void {
  const latest = useRef(task);
  latest.current = task;
  useEffect(() => {
    if (everyMs === null) return undefined;
    const timer = setInterval(() => latest.current(), everyMs * (0.85 + 0.3 * Math.random()));
    return () => clearInterval(timer);
  }, [everyMs]);
}
