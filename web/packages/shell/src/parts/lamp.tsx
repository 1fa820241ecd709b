/** The lamp of a lesson: the one place where red means *on air*. */

import type { Lesson } from '@tayang/client';
import { useShellWords } from '../context.ts';

export type LampState = 'scheduled' | 'onAir' | 'waiting' | 'stalled' | 'ended' | 'cancelled';

export function lampState({ state, on_air, stalled }: Pick<Lesson, 'state' | 'on_air' | 'stalled'>): LampState {
  if (state !== 'live') return state;
  if (on_air && !stalled) return 'onAir';
  return stalled ? 'stalled' : 'waiting';
}

export function Lamp({ lesson }: { lesson: Pick<Lesson, 'state' | 'on_air' | 'stalled'> }) {
  const words = useShellWords();
  const state = lampState(lesson);
  return (
    <span class="lamp-chip" data-state={state}>
      <span class="lamp-dot" aria-hidden="true" />
      {words.state[state]}
    </span>
  );
}

/** A person without a picture: the first letters of the name, on one of the colours of the cloth. */
export function Avatar({ name, id }: { name: string; id: string }) {
  const letters = name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('');
  const sum = Array.from(id).reduce((before, letter) => before + letter.charCodeAt(0), 0);
  return (
    <span class="avatar" data-dye={sum % 4} aria-hidden="true">
      {letters}
    </span>
  );
}
