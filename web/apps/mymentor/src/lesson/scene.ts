/** What the stage of a lesson says in place of a picture. Said aloud too, once per change. */

import type { Problem } from '@tayang/client';
import type { Snapshot } from '@tayang/player';
import type { Part, StageView } from '@tayang/stage';
import { h, kawung, setHidden, setText } from '@tayang/ui';
import type { Scene, Words } from '../words/words.ts';

export interface LessonView extends StageView {
  readonly scenes: Words['scene'];
}

/** Which scene fits; `null` while pictures are the better answer. */
export function sceneOf(snapshot: Pick<Snapshot, 'phase' | 'attached' | 'failure' | 'frames' | 'currentTime'>, scenes: Words['scene']): Scene | null {
  switch (snapshot.phase) {
    case 'loading':
      return scenes.loading;
    case 'waiting':
      return scenes.waiting;
    case 'missing':
    case 'forbidden':
      return scenes.forbidden;
    case 'stalled':
      return scenes.stalled;
    case 'ended':
      // What is still buffered is shown to its end.
      return snapshot.attached === null ? scenes.ended : null;
    case 'recording':
      if (snapshot.failure === 'missing') return scenes.recordingMissing;
      return snapshot.frames === 0 && snapshot.currentTime === 0 && snapshot.failure === null ? scenes.loading : null;
    case 'live':
      return snapshot.frames === 0 && snapshot.currentTime === 0 && snapshot.failure === null ? scenes.loading : null;
  }
}

/** Why there is no right to play yet, by the server's code. */
export function refusedScene({ code }: Pick<Problem, 'code'>, words: Pick<Words, 'scene' | 'lesson'>): Scene {
  switch (code) {
    case 'full':
      return words.scene.full;
    case 'no-recording':
      return words.lesson.noRecording;
    default:
      return words.scene.refused;
  }
}

export function lessonScene(): Part<LessonView> {
  const title = h('p', { class: 'scene-title' });
  const text = h('p', { class: 'scene-text' });
  const lamp = h('span', { class: 'scene-lamp', 'aria-hidden': 'true' }, h('span'), h('span'), h('span'));
  const field = h('div', { class: 'scene-field', 'aria-hidden': 'true' });
  field.append(kawung());
  const state = h('p', { class: 'unseen' });
  const shown = h('div', { class: 'scene' }, field, h('div', { class: 'scene-words' }, lamp, title, text));
  const element = h('div', { class: 'scene-place', role: 'status', 'aria-atomic': 'false' }, state, shown);
  return {
    element,
    render({ snapshot, words, scenes }) {
      const scene = sceneOf(snapshot, scenes);
      setHidden(shown, scene === null);
      setText(state, scene === null ? words.state[snapshot.phase] : '');
      setText(title, scene?.title ?? '');
      setText(text, scene?.text ?? '');
    },
  };
}
