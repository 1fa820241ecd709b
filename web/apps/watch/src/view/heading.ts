/** Above and below the stage: whose channel, and how it is. Changes of it are said aloud by the {@link ./scene.ts scene}. */

import { pageUrl } from '@tayang/player';
import { h, icon, mark, setAttributes, setHidden, setText, type Language } from '@tayang/ui';
import { shownRecording, type Context, type Part } from './view.ts';

export interface Choices {
  readonly setLanguage: (language: Language) => void;
  readonly toggleTheme: () => void;
}

export function topBarPart(choices: Choices): Part {
  const skip = h('a', { class: 'skip', href: '#stage' });
  const brand = h('span', { class: 'brand' });
  brand.append(mark(), h('span', { class: 'brand-name' }, 'tayang'));
  const languages = (['id', 'en'] as const).map((language) => {
    const name = language === 'id' ? 'Bahasa Indonesia' : 'English';
    const button = h('button', { type: 'button', class: 'choice', lang: language, title: name }, language.toUpperCase());
    button.append(h('span', { class: 'unseen' }, ` ${name}`));
    button.addEventListener('click', () => choices.setLanguage(language));
    return { language, button };
  });
  const group = h('div', { class: 'choices', role: 'group' }, ...languages.map(({ button }) => button));
  const theme = h('button', { type: 'button', class: 'round theme' });
  theme.append(icon('sun'), icon('moon'));
  theme.addEventListener('click', choices.toggleTheme);
  const element = h('header', { class: 'top' }, skip, brand, group, theme);
  return {
    element,
    render({ words, writer }) {
      setText(skip, words.skip);
      setAttributes(group, { 'aria-label': words.language });
      setAttributes(theme, { 'aria-label': words.theme, title: words.theme });
      for (const { language, button } of languages) setAttributes(button, { 'aria-pressed': String(language === writer.language) });
    },
  };
}

export function headingPart(context: Context): Part {
  const { address } = context;
  const lamp = h('span', { class: 'lamp', 'aria-hidden': 'true' });
  const state = h('span');
  const chip = h('p', { class: 'state' }, lamp, state);
  const delay = h('p', { class: 'delay' });
  const title = h('h1', {}, address.name);
  const under = h('p', { class: 'under' });
  const live = h('a', { class: 'button', href: pageUrl(address, { stream: null }) }, icon('back'), h('span'));
  const element = h('div', { class: 'heading' }, h('div', { class: 'state-row' }, chip, delay), title, under, live);
  return {
    element,
    render({ snapshot, words, writer }) {
      setText(state, words.state[snapshot.phase]);
      setAttributes(chip, { 'data-phase': snapshot.phase });
      const { latency } = snapshot;
      const shown = latency !== null && snapshot.phase === 'live' && !snapshot.buffering;
      setHidden(delay, !shown);
      if (shown) {
        const figure = `${latency.basis === 'buffer' ? '≥ ' : ''}${writer.decimal(Math.max(0, latency.ms) / 1000, 1)}`;
        setText(delay, `${words.latency} ${figure} ${words.seconds}`);
      }
      const named = snapshot.channel?.title ?? '';
      setText(title, named === '' ? address.name : named);
      const recording = shownRecording(snapshot);
      setText(under, recording === null ? `${address.app}/${address.name}` : writer.moment(recording.started));
      setHidden(live, snapshot.recording === null);
      const onAir = snapshot.channel?.phase === 'live' || snapshot.channel?.phase === 'stalled';
      setText(live.lastElementChild ?? live, onAir ? words.backToLive : words.backToChannel);
    },
  };
}
