/** What a mentor may do to comments and people of a room, each with what is said when it is done. */

import { useMemo, useRef, useState } from 'preact/hooks';
import { isAbort, type CommentState, type Lesson, type Person, type RoomComment } from '@tayang/client';
import { useApp, useProblemText } from '@tayang/shell';
import { useLiveWords } from '../words/live-en.ts';
import { useOutcasts, withEntry, withoutPerson, type Outcasts } from './outcasts.ts';

/** Ten minutes, an hour, and longer than any lesson lasts. */
export const MUTE_MINUTES = [10, 60, 1_440] as const;
export type MuteMinutes = (typeof MUTE_MINUTES)[number];

/** The same from one drawing to the next, so that long lists are not drawn again for them. */
export interface Acts {
  readonly pin: (comment: RoomComment, pinned: boolean) => void;
  readonly setState: (comment: RoomComment, state: CommentState) => void;
  /** Asks for how long first. */
  readonly askMute: (person: Person) => void;
  readonly unmute: (person: Person) => void;
  /** Asks for the reason first. */
  readonly askOut: (person: Person) => void;
  readonly letIn: (person: Person) => void;
  /** `false` if that was not done. */
  readonly lowerHand: (person: Person) => Promise<boolean>;
}

export interface Question {
  readonly what: 'mute' | 'out';
  readonly person: Person;
}

export interface Moderation {
  readonly acts: Acts;
  readonly outcasts: Outcasts;
  readonly reload: () => void;
  readonly asked: Question | null;
  readonly close: () => void;
  readonly mute: (person: Person, minutes: MuteMinutes) => void;
  readonly sendOut: (person: Person, reason: string) => Promise<void>;
}

export function useModeration(lesson: Lesson): Moderation {
  const { api, toasts } = useApp();
  const words = useLiveWords().room;
  const textOf = useProblemText();
  const lists = useOutcasts(lesson.id);
  const [asked, ask] = useState<Question | null>(null);
  const latest = useRef({ words, textOf, lists });
  latest.current = { words, textOf, lists };
  const deeds = useMemo(() => {
    const said = () => latest.current.words;
    /** One does not wait for another: hands and comments are answered as fast as they come. */
    const run = async (deed: Promise<unknown>, then: () => void = () => undefined): Promise<boolean> => {
      try {
        await deed;
      } catch (problem) {
        if (!isAbort(problem)) toasts.problem(latest.current.textOf(problem));
        return false;
      }
      then();
      return true;
    };
    const acts: Acts = {
      pin: (comment, pinned) => void run(api.moderate(lesson.id, comment.id, { pinned })),
      setState: (comment, state) => void run(api.moderate(lesson.id, comment.id, { state })),
      askMute: (person) => ask({ what: 'mute', person }),
      askOut: (person) => ask({ what: 'out', person }),
      unmute: (person) =>
        void run(api.unmute(lesson.id, person.id), () => {
          latest.current.lists.changeMuted((before) => withoutPerson(before, person));
          toasts.done(said().unmuted(person.name));
        }),
      letIn: (person) =>
        void run(api.unban(lesson.id, person.id), () => {
          latest.current.lists.changeOut((before) => withoutPerson(before, person));
          toasts.done(said().letInDone(person.name));
        }),
      lowerHand: (person) => run(api.lowerHand(lesson.id, person.id)),
    };
    const mute = ({ id, name }: Person, minutes: MuteMinutes): void =>
      void run(
        api.mute(lesson.id, id, minutes).then(({ muted_until_at }) => {
          latest.current.lists.changeMuted((before) => withEntry(before, { user: { id, name }, muted_until_at }));
          toasts.done(said().muted(name));
        }),
      );
    return { acts, mute };
  }, [api, lesson.id]);
  return {
    ...deeds,
    outcasts: lists.outcasts,
    reload: lists.reload,
    asked,
    close: () => ask(null),
    sendOut: async ({ id, name }, reason) => {
      await api.ban(lesson.id, id, reason);
      lists.changeOut((before) => withEntry(before, { user: { id, name }, reason, since_at: new Date().toISOString() }));
      toasts.done(words.sentOut(name));
    },
  };
}
