/** Which keys do what, for those who have some. */

import { h, setText } from '@tayang/ui';
import type { Part } from './view.ts';

export function keysPart(): Part {
  const title = h('h2');
  const hint = h('p', { class: 'hint' });
  const list = h('dl', { class: 'keys-list' });
  const element = h('section', { class: 'card keys' }, title, hint, list);
  let drawn: string | null = null;
  return {
    element,
    render({ words, writer }) {
      setText(title, words.keys);
      setText(hint, words.keysHint);
      if (drawn === writer.language) return;
      drawn = writer.language;
      list.replaceChildren(...words.keysList.map(([key, what]) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, what))));
    },
  };
}
