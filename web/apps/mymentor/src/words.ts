/** The hook that gives MyMentor's sentences in the reader's language. */

import { wordsIn } from '@tayang/shell';
import { en } from './words/en.ts';
import { id } from './words/id.ts';
import type { Words } from './words/words.ts';

export const useWords: () => Words = wordsIn({ id, en });
