/** Who may not watch and who may not write in a lesson's room, as the server keeps it. */

import type { Ban, Mute, Person } from '@tayang/client';
import { useApp, useResource } from '@tayang/shell';
import { readAll } from '../parts/hooks.ts';

interface Entry {
  readonly user: Person;
}

export interface Outcasts {
  readonly muted: readonly Mute[];
  readonly out: readonly Ban[];
}

export function withEntry<T extends Entry>(entries: readonly T[], entry: T): readonly T[] {
  return [...entries.filter(({ user }) => user.id !== entry.user.id), entry];
}

export function withoutPerson<T extends Entry>(entries: readonly T[], { id }: Person): readonly T[] {
  return entries.filter(({ user }) => user.id !== id);
}

/** A mute ends by itself. */
export function mutedAt(mutes: readonly Mute[], now: number): readonly Mute[] {
  return mutes.filter(({ muted_until_at }) => Date.parse(muted_until_at) > now);
}

export interface OutcastLists {
  readonly outcasts: Outcasts;
  readonly reload: () => void;
  readonly changeMuted: (change: (before: readonly Mute[]) => readonly Mute[]) => void;
  readonly changeOut: (change: (before: readonly Ban[]) => readonly Ban[]) => void;
}

const NONE: Outcasts = { muted: [], out: [] };

export function useOutcasts(lesson: string): OutcastLists {
  const { api } = useApp();
  const lists = useResource<Outcasts>(`outcasts ${lesson}`, async (signal) => {
    const [muted, out] = await Promise.all([
      readAll((cursor) => api.mutes(lesson, { cursor, limit: 100, signal })),
      readAll((cursor) => api.bans(lesson, { cursor, limit: 100, signal })),
    ]);
    return { muted, out };
  });
  return {
    outcasts: lists.value ?? NONE,
    reload: lists.reload,
    changeMuted: (change) => lists.update((before) => ({ ...before, muted: change(before.muted) })),
    changeOut: (change) => lists.update((before) => ({ ...before, out: change(before.out) })),
  };
}
