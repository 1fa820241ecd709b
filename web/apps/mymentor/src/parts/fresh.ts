/** Lists that stay as they are on the server while somebody looks at them. */

import { useEffect, useRef } from 'preact/hooks';
import { inbox } from '../inbox.ts';

const EVERY_MS = 60_000;
/** Share by which a wait is lengthened, so that all who opened the app before one lesson do not ask in one moment. */
const SPREAD = 0.4;
const NEWS_SPREAD_MS = 2_000;
/** A page that is looked at again after less than this shows what was read before. */
const STALE_MS = 10_000;

/** Reads again each minute or so, when the page is looked at again, and when news was pushed; `null` rests. */
export function useFresh(reload: (() => void) | null): void {
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    let readAt = Date.now();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const read = (): void => {
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(read, EVERY_MS * (1 + SPREAD * Math.random()));
      // What nobody sees is read when it is looked at.
      const seen = document.visibilityState === 'visible';
      readAt = seen ? Date.now() : 0;
      if (!seen) return;
      latest.current?.();
    };
    const look = (): void => {
      if (document.visibilityState === 'visible' && Date.now() - readAt > STALE_MS) read();
    };
    timer = setTimeout(read, EVERY_MS * (1 + SPREAD * Math.random()));
    document.addEventListener('visibilitychange', look);
    let first = true;
    const stop = inbox.heard.subscribe(() => {
      if (timer !== null && !first) clearTimeout(timer);
      // A push goes to a whole room at once.
      if (!first) timer = setTimeout(read, NEWS_SPREAD_MS * Math.random());
      first = false;
    });
    return () => {
      if (timer !== null) clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
      stop();
    };
  }, []);
}
