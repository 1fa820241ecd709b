/** What the channel has kept: each recording with its day, length, and ways to see or keep it. */

import { downloadUrl, pageUrl, type RecordingEntry } from '@tayang/player';
import { clockText, h, icon, setHidden, setText } from '@tayang/ui';
import type { Context, Part, View } from './view.ts';

function entry(context: Context, recording: RecordingEntry, view: View): HTMLElement {
  const { words, writer, snapshot } = view;
  const growing = recording.state === 'recording';
  const shown = snapshot.recording === recording.stream;
  const facts = [
    clockText(recording.durationSeconds),
    growing ? words.recordingNow : recording.state === 'sealed' ? words.recordingSealed : null,
    recording.bytes > 0 ? writer.size(recording.bytes) : null,
  ];
  const day = writer.moment(recording.started);
  const watchText = shown ? words.nowShowing : growing ? words.watchFromStart : words.watch;
  const watch = h(
    'a',
    { class: 'button', href: pageUrl(context.address, { stream: recording.stream }), 'aria-current': shown ? 'true' : null },
    icon('play'),
    h('span', {}, watchText, h('span', { class: 'unseen' }, `, ${day}`)),
  );
  const keep = growing
    ? null
    : h(
        'a',
        { class: 'button button-quiet', href: downloadUrl(context.address, recording.stream), download: true },
        icon('download'),
        h('span', {}, words.download, h('span', { class: 'unseen' }, `, ${day}`)),
      );
  return h(
    'li',
    { class: 'recording', 'data-shown': shown },
    h('p', { class: 'recording-day' }, day),
    h('p', { class: 'recording-facts' }, facts.filter((fact) => fact !== null).join(' · ')),
    h('div', { class: 'recording-actions' }, watch, keep),
  );
}

export function recordingsPart(context: Context): Part {
  const title = h('h2');
  const none = h('p', { class: 'hint' });
  const list = h('ul');
  const element = h('section', { class: 'card recordings' }, title, none, list);
  let drawn = '';
  return {
    element,
    render(view) {
      const recordings = view.snapshot.channel?.recordings ?? [];
      setText(title, view.words.recordings);
      setText(none, view.words.recordingsNone);
      setHidden(none, recordings.length > 0);
      setHidden(list, recordings.length === 0);
      // Made anew only when something in it differs: a finger or a focus may rest on it.
      const key = JSON.stringify([view.writer.language, view.snapshot.recording, recordings.map(({ stream, state, durationSeconds }) => [stream, state, Math.floor(durationSeconds / 30)])]);
      if (key === drawn) return;
      drawn = key;
      const focused = list.contains(document.activeElement) ? document.activeElement?.getAttribute('href') : null;
      list.replaceChildren(...recordings.map((one) => entry(context, one, view)));
      if (focused !== null) list.querySelector<HTMLElement>(`a[href="${CSS.escape(focused ?? '')}"]`)?.focus();
    },
  };
}
