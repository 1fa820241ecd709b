/** What every part of an app may use, handed down once. */

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ReadonlySignal } from '@preact/signals';
import type { Api, Reach } from '@tayang/client';
import type { Language } from '@tayang/ui';
import type { Preferences } from './preferences.ts';
import type { Router } from './router.ts';
import type { SessionStore } from './session.ts';
import type { Toasts } from './toasts.ts';
import { When } from './when.ts';
import { en } from './words/en.ts';
import { id } from './words/id.ts';
import type { ShellWords } from './words/words.ts';

export interface App {
  /** `MyMentor`. */
  readonly name: string;
  readonly api: Api;
  readonly session: SessionStore;
  readonly router: Router;
  readonly preferences: Preferences;
  readonly toasts: Toasts;
  readonly reach: ReadonlySignal<Reach>;
  /** The server's wall clock in Unix milliseconds, as far as it is known; the device's own until then. */
  readonly now: () => number;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error('used outside of an app');
  return app;
}

/** Makes the hook that gives an app's own sentences in the reader's language. */
export function wordsIn<T>(table: Readonly<Record<Language, T>>): () => T {
  return () => table[useApp().preferences.language.value];
}

/** The shell's own sentences. */
export const useShellWords: () => ShellWords = wordsIn({ id, en });

/** Writer of times in the reader's language. */
export function useWhen(): When {
  return new When(useApp().preferences.language.value);
}
