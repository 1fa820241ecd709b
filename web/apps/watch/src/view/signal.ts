/** How good the signal is: latency with its last minute, and what is known of picture, sound and player. */

import type { Latency } from '@tayang/player';
import { h, s, setAttributes, setHidden, setText } from '@tayang/ui';
import { codecName } from './codec.ts';
import { LatencyTrace } from './trace.ts';
import type { Part, View } from './view.ts';

const WIDTH = 240;
const HEIGHT = 48;

function graph(): { element: SVGSVGElement; render(view: View): void } {
  const trace = new LatencyTrace(WIDTH, HEIGHT);
  const area = s('path', { class: 'graph-area' });
  const line = s('path', { class: 'graph-line' });
  const element = s('svg', { class: 'graph', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' }, area, line);
  return {
    element,
    render({ snapshot, words }) {
      const usable = snapshot.phase === 'live' && !snapshot.buffering && snapshot.attached !== null;
      const drawn = trace.add(performance.now(), usable ? (snapshot.latency?.ms ?? null) : null, snapshot.via);
      setAttributes(element, { 'aria-label': words.graph });
      if (drawn === null) return;
      setAttributes(line, { d: drawn.line });
      setAttributes(area, { d: drawn.area });
    },
  };
}

type Row = readonly [name: string, value: string];

function rowsOf({ snapshot, words, writer }: View): readonly Row[] {
  const tracks = snapshot.channel?.tracks ?? [];
  const codecs = (kind: 'video' | 'audio'): string => {
    const names = tracks.filter((track) => track.kind === kind).map((track) => codecName(track.codec));
    return names.length === 0 ? words.unknown : names.join(', ');
  };
  const dropped = words.droppedOf(writer.whole(snapshot.framesDropped), writer.whole(snapshot.frames));
  return [
    [words.picture, snapshot.width === 0 ? words.unknown : `${snapshot.width} × ${snapshot.height}`],
    [words.video, codecs('video')],
    [words.audio, codecs('audio')],
    [words.rate, snapshot.bitsPerSecond === null ? words.unknown : writer.bitRate(snapshot.bitsPerSecond)],
    [words.dropped, dropped],
    [words.stalls, words.stallsTimes(writer.whole(snapshot.stalls))],
    [words.engine, snapshot.engineLabel ?? words.unknown],
  ];
}

function explain(latency: Latency | null, { words, writer }: View): string {
  if (latency === null) return words.latencyNone;
  if (latency.basis === 'buffer') return words.latencyBuffer;
  return `${words.latencyClock} (${words.latencyRange(writer.whole(Math.ceil(latency.uncertaintyMs)))})`;
}

export function signalPart(): Part {
  const title = h('h2');
  const name = h('p', { class: 'figure-name' });
  const figure = h('span', { class: 'figure-number' });
  const unit = h('span', { class: 'figure-unit' });
  const note = h('p', { class: 'figure-note' });
  const drawing = graph();
  const latency = h('div', { class: 'latency' }, name, h('p', { class: 'figure' }, figure, unit), note);
  latency.append(drawing.element);
  const rows = Array.from({ length: 7 }, () => ({ name: h('dt'), value: h('dd') }));
  const list = h('dl', { class: 'facts' }, ...rows.map((row) => h('div', {}, row.name, row.value)));
  const element = h('section', { class: 'card signal' }, title, latency, list);
  return {
    element,
    render(view) {
      const { snapshot, words, writer } = view;
      setText(title, words.signal);
      setHidden(element, snapshot.attached === null);
      setHidden(latency, snapshot.phase === 'recording');
      setText(name, words.latency);
      const known = snapshot.phase === 'live' && !snapshot.buffering ? snapshot.latency : null;
      const sign = known?.basis === 'buffer' ? '≥ ' : '';
      setText(figure, known === null ? '–' : `${sign}${writer.decimal(Math.max(0, known.ms) / 1000, 2)}`);
      setText(unit, known === null ? '' : ` ${words.seconds}`);
      setText(note, explain(known, view));
      drawing.render(view);
      rowsOf(view).forEach(([label, value], at) => {
        const row = rows[at];
        if (row === undefined) return;
        setText(row.name, label);
        setText(row.value, value);
      });
    },
  };
}
