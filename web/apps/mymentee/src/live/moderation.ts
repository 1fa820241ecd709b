/** What a mentor may do to comments and people of a room, each with what is said when it is done. */

import { useState } from 'preact/hooks';
import type { CommentState, Lesson, Person, RoomComment } from '@tayang/client';
import { useApp } from '@tayang/shell';
import { useDeed } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';
import { useOutcasts, withoutPerson, withPerson, type Outcasts } from './outcasts.ts';

const MUTE_MINUTES = 10;

export interface Moderation {
  readonly outcasts: Outcasts;
  readonly pin: (comment: RoomComment, pinned: boolean) => void;
  readonly setState: (comment: RoomComment, state: CommentState) => void;
  readonly mute: (person: Person) => void;
  readonly unmute: (person: Person) => void;
  /** Asks for the reason first. */
  readonly askOut: (person: Person | null) => void;
  readonly asked: Person | null;
  readonly sendOut: (person: Person, reason: string) => Promise<void>;
  readonly letIn: (person: Person) => void;
}

export function useModeration(lesson: Lesson): Moderation {
  const { api, toasts } = useApp();
  const words = useLiveWords().room;
  const { run } = useDeed();
  const [outcasts, change] = useOutcasts(lesson.id);
  const [asked, askOut] = useState<Person | null>(null);
  return {
    outcasts,
    asked,
    askOut,
    pin: (comment, pinned) => run(() => api.moderate(lesson.id, comment.id, { pinned })),
    setState: (comment, state) => run(() => api.moderate(lesson.id, comment.id, { state })),
    mute: (person) =>
      run(async () => {
        await api.mute(lesson.id, person.id, MUTE_MINUTES);
        change((before) => ({ ...before, muted: withPerson(before.muted, person) }));
        toasts.done(words.muted(person.name));
      }),
    unmute: (person) =>
      run(async () => {
        await api.unmute(lesson.id, person.id);
        change((before) => ({ ...before, muted: withoutPerson(before.muted, person) }));
      }),
    sendOut: async (person, reason) => {
      await api.ban(lesson.id, person.id, reason);
      change((before) => ({ ...before, out: withPerson(before.out, person) }));
      toasts.done(words.sentOut(person.name));
    },
    letIn: (person) =>
      run(async () => {
        await api.unban(lesson.id, person.id);
        change((before) => ({ ...before, out: withoutPerson(before.out, person) }));
        toasts.done(words.letInDone(person.name));
      }),
  };
}
