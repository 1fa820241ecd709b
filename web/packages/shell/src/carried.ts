/**
 * What stood behind the `#` of the place that one wanted to go to, over signing in: an invitation, which no server log may
 * hold. Kept in the browser for a day, since a new account is confirmed in another tab, for one place, and taken once.
 */

import { browserMemory, type Memory } from '@tayang/ui';

const KEY = 'tayang.carried';
/** Long enough to find the mail that confirms an address; not for ever, on a device that others use too. */
const KEPT_MS = 24 * 3_600_000;

/** Sign-in may lead over another site and back, and a new account over a mail: pages and tabs do not outlive that. */
export const carriedMemory: Memory = browserMemory;

interface Carried {
  readonly path: string;
  readonly hash: string;
}

function read(memory: Memory, nowMs: number): Carried | null {
  const [at = '', path = '', hash = ''] = (memory.get(KEY) ?? '').split(' ', 3);
  const age = nowMs - Number(at);
  return hash !== '' && age >= 0 && age < KEPT_MS ? { path, hash } : null;
}

/** A place without anything to carry leaves what is carried to another. */
export function carry(memory: Memory, path: string, hash: string, nowMs = Date.now()): void {
  if (hash !== '') memory.set(KEY, `${nowMs} ${path} ${hash}`);
}

/** What was carried to this place, without `#`; `null` if nothing was. */
export function carriedTo(memory: Memory, path: string, nowMs = Date.now()): string | null {
  const carried = read(memory, nowMs);
  if (carried?.path !== path) return null;
  memory.set(KEY, '');
  return carried.hash;
}

/** The place with what is carried to it, for who came another way (by the link in a mail); `null` if there is none. */
export function carriedPlace(memory: Memory, nowMs = Date.now()): string | null {
  const carried = read(memory, nowMs);
  if (carried === null) return null;
  memory.set(KEY, '');
  return `${carried.path}#${carried.hash}`;
}
