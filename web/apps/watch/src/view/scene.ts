/**
 * What the stage shows when there are no moving pictures: the lamp, a sentence, and a way on.
 *
 * Whatever it says is also said aloud, and while there are pictures, the short name of the state in its place: one region
 * for both, so that a change is told once.
 */

import { downloadUrl, pageUrl } from '@tayang/player';
import { h, icon, kawung, setAttributes, setHidden, setText } from '@tayang/ui';
import type { Scene } from '../text/words.ts';
import { offeredRecording, type Context, type Part, type View } from './view.ts';

/** Which scene fits; `null` while pictures are the better answer. */
function sceneOf(view: View): Scene | null {
  const { snapshot, words } = view;
  switch (snapshot.phase) {
    case 'loading':
    case 'waiting':
    case 'missing':
    case 'forbidden':
      return words.scene[snapshot.phase];
    case 'stalled':
      return words.scene.stalled;
    case 'ended':
      // What is still buffered is shown to its end.
      return snapshot.attached === null ? words.scene.ended : null;
    case 'recording':
      return snapshot.failure === 'missing' ? words.recordingMissing : null;
    case 'live':
      return snapshot.frames === 0 && snapshot.currentTime === 0 && snapshot.failure === null ? words.scene.loading : null;
  }
}

export function scenePart(context: Context): Part {
  const title = h('p', { class: 'scene-title' });
  const text = h('p', { class: 'scene-text' });
  const watch = h('a', { class: 'button button-strong', href: '#' }, icon('play'), h('span'));
  const download = h('a', { class: 'button', href: '#', download: true }, icon('download'), h('span'));
  const actions = h('div', { class: 'scene-actions' }, watch, download);
  const lamp = h('span', { class: 'scene-lamp', 'aria-hidden': 'true' }, h('span'), h('span'), h('span'));
  const shown = h('div', { class: 'scene' }, kawungField(), h('div', { class: 'scene-words' }, lamp, title, text, actions));
  const state = h('p', { class: 'unseen' });
  // Never hidden itself: screen readers watch a region only while it is there. Of a change they read what is new alone.
  const element = h('div', { class: 'scene-place', role: 'status', 'aria-atomic': 'false' }, state, shown);

  return {
    element,
    render(view) {
      const scene = sceneOf(view);
      setHidden(shown, scene === null);
      setText(state, scene === null ? view.words.state[view.snapshot.phase] : '');
      if (scene === null) return;
      setText(title, scene.title);
      setText(text, scene.text);
      const recording = offeredRecording(view.snapshot);
      setHidden(actions, recording === null);
      if (recording === null) return;
      const ended = view.snapshot.phase === 'ended';
      setText(watch.lastElementChild ?? watch, ended ? view.words.watchRecording : view.words.watchLatest);
      setHidden(download, !ended);
      setText(download.lastElementChild ?? download, view.words.download);
      setAttributes(watch, { href: pageUrl(context.address, { stream: recording }) });
      setAttributes(download, { href: downloadUrl(context.address, recording) });
    },
  };
}

function kawungField(): HTMLElement {
  const field = h('div', { class: 'scene-field', 'aria-hidden': 'true' });
  field.append(kawung());
  return field;
}
