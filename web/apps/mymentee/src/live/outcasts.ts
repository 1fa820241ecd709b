/**
 * Who was muted or sent out from this page, so that it can be taken back here.
 *
 * The server keeps the truth and has no list of it to read; this list lasts as long as the browser's tab.
 */

import { useState } from 'preact/hooks';
import type { Person } from '@tayang/client';

export interface Outcasts {
  readonly muted: readonly Person[];
  readonly out: readonly Person[];
}

const NOBODY: Outcasts = { muted: [], out: [] };
const keyOf = (lesson: string): string => `mymentee.outcasts.${lesson}`;

function isPeople(value: unknown): value is readonly Person[] {
  return Array.isArray(value) && value.every((one: unknown) => typeof one === 'object' && one !== null && 'id' in one && 'name' in one);
}

/** Reads what was kept; nobody if it is not ours. */
export function readOutcasts(text: string | null): Outcasts {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    if (typeof value !== 'object' || value === null || !('muted' in value) || !('out' in value)) return NOBODY;
    return isPeople(value.muted) && isPeople(value.out) ? { muted: value.muted, out: value.out } : NOBODY;
  } catch {
    return NOBODY;
  }
}

export function withPerson(people: readonly Person[], { id, name }: Person): readonly Person[] {
  return [...people.filter((one) => one.id !== id), { id, name }];
}

export function withoutPerson(people: readonly Person[], { id }: Person): readonly Person[] {
  return people.filter((one) => one.id !== id);
}

export function useOutcasts(lesson: string): readonly [Outcasts, (change: (before: Outcasts) => Outcasts) => void] {
  const [outcasts, set] = useState(() => readOutcasts(sessionStorage.getItem(keyOf(lesson))));
  return [
    outcasts,
    (change) =>
      set((before) => {
        const after = change(before);
        try {
          sessionStorage.setItem(keyOf(lesson), JSON.stringify(after));
        } catch {
          // A private window may refuse: the list then lasts as long as the page.
        }
        return after;
      }),
  ];
}
