/**
 * What stood behind the `#` of the place that one wanted to go to, over signing in: an invitation, which no server log may
 * hold. Kept in the tab alone, for one place, and taken once.
 */

import type { Memory } from '@tayang/ui';

const KEY = 'tayang.carried';

/** Sign-in may lead over another site and back: the tab remembers, its pages do not. */
export const tabMemory: Memory = {
  get: (key) => {
    try {
      return sessionStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set: (key, value) => {
    try {
      sessionStorage.setItem(key, value);
    } catch {
      // Forbidden or full: the link has to be opened again.
    }
  },
};

export function carry(memory: Memory, path: string, hash: string): void {
  memory.set(KEY, hash === '' ? '' : `${path}#${hash}`);
}

/** What was carried to this place, without `#`; `null` if nothing was. */
export function carriedTo(memory: Memory, path: string): string | null {
  const text = memory.get(KEY) ?? '';
  const [place, hash = ''] = text.split('#', 2);
  if (hash === '' || place !== path) return null;
  memory.set(KEY, '');
  return hash;
}
