/** What a lesson page keeps open while it is shown: the room, the right to play, and the place in a recording. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { browserRoomPorts, PlaybackKeeper, RoomConnection, type Lesson, type PlaybackState, type RoomView } from '@tayang/client';
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

/** A playback that was refused although the lesson may be watched (it has just begun) is asked for again after this long. */
const REFUSED_RETRY_MS = 5_000;

/** Keeps the right to play while `wanted`, and gives it back with the page. */
export function usePlayback(lesson: string, wanted: boolean): PlaybackState {
  const { api } = useApp();
  const [state, setState] = useState<PlaybackState>({ phase: 'opening' });
  useEffect(() => {
    if (!wanted) return undefined;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const ports = {
      open: () => api.openPlayback(lesson),
      refresh: api.refreshPlayback,
      end: api.endPlayback,
      after: (ms: number, task: () => void) => {
        const waiting = setTimeout(task, ms);
        return () => clearTimeout(waiting);
      },
      chance: Math.random,
    };
    const keeper = new PlaybackKeeper(ports, (next) => {
      setState(next);
      if (next.phase === 'refused') timer = setTimeout(() => keeper.start(), REFUSED_RETRY_MS);
    });
    const leave = (): void => keeper.stop();
    const comeBack = (event: PageTransitionEvent): void => {
      // Taken out of the back-forward cache, where its right was given back.
      if (event.persisted) keeper.start();
    };
    keeper.start();
    window.addEventListener('pagehide', leave);
    window.addEventListener('pageshow', comeBack);
    return () => {
      if (timer !== null) clearTimeout(timer);
      window.removeEventListener('pagehide', leave);
      window.removeEventListener('pageshow', comeBack);
      keeper.stop();
    };
  }, [lesson, wanted]);
  return state;
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
