/** The choice of a way to the same pictures. */

import { VIAS, type Via } from '@tayang/player';
import { h, setAttributes, setHidden, setText } from '@tayang/ui';
import type { Context, Part } from './view.ts';

export function routesPart({ player }: Context, playable: readonly Via[], onChoice: (via: Via) => void): Part {
  const title = h('legend');
  const hint = h('p', { class: 'hint', id: 'routes-hint' });
  const routes = VIAS.map((via) => {
    const input = h('input', { type: 'radio', name: 'via', value: via });
    input.disabled = !playable.includes(via);
    input.addEventListener('change', () => {
      player.chooseVia(via);
      onChoice(via);
    });
    const name = h('span', { class: 'route-name' });
    const note = h('span', { class: 'route-note' });
    return { via, input, name, note, label: h('label', { class: 'route' }, input, h('span', { class: 'route-words' }, name, note)) };
  });
  const field = h('fieldset', { 'aria-describedby': 'routes-hint' }, title, hint, ...routes.map(({ label }) => label));
  const element = h('section', { class: 'card routes' }, field);
  return {
    element,
    render({ snapshot, words }) {
      setHidden(element, snapshot.recording !== null);
      setText(title, words.routes);
      setText(hint, words.routesHint);
      for (const { via, input, name, note, label } of routes) {
        if (input.checked !== (snapshot.via === via)) input.checked = snapshot.via === via;
        setAttributes(label, { 'data-disabled': input.disabled });
        setText(name, words.route[via].name);
        setText(note, input.disabled ? words.routeUnavailable : words.route[via].note);
      }
    },
  };
}
