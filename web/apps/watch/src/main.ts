/** The watch page: reads its own address, makes a viewing of it, and draws what the viewing tells. */

import './styles/main.css';
import {
  channelPlace,
  engineFor,
  pageUrl,
  parseAddress,
  playableVias,
  Player,
  stateUrl,
  warmUp,
  type Address,
  type Answer,
  type PlayerPorts,
  type Snapshot,
  type Via,
} from '@tayang/player';
import { listenToKeys, Stagecraft, stagePart } from '@tayang/stage';
import { browserMemory, h, pickLanguage, setAttributes, tabMemory, Writer, type Language } from '@tayang/ui';
import { en } from './text/en.ts';
import { id } from './text/id.ts';
import type { Words } from './text/words.ts';
import { withToken } from './token.ts';
import { headingPart, topBarPart } from './view/heading.ts';
import { keysPart } from './view/keys.ts';
import { recordingsPart } from './view/recordings.ts';
import { routesPart } from './view/routes.ts';
import { signalPart } from './view/signal.ts';
import { scenePart } from './view/scene.ts';
import type { Context, Part } from './view/view.ts';

const WORDS: Readonly<Record<Language, Words>> = { id, en };
const LANGUAGE_KEY = 'tayang.language';
const THEME_KEY = 'tayang.theme';
/** A question that takes longer than this was lost. */
const ASK_TIMEOUT_MS = 8_000;

async function ask(url: string): Promise<Answer> {
  try {
    const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

function portsOf(address: Address, video: HTMLVideoElement, beforeDetach: () => void): PlayerPorts {
  return {
    video,
    origin: location.origin,
    now: () => performance.now(),
    chance: Math.random,
    askState: () => ask(stateUrl(address)),
    askTime: () => ask('/time'),
    after: (ms, task) => {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
    engineFor: (via: Via) => engineFor(via, window),
    isVisible: () => document.visibilityState === 'visible',
    beforeDetach,
  };
}

/** What scripts and tests read off the page; nothing else is exposed. */
function tellRoot(root: HTMLElement, snapshot: Snapshot): void {
  const playing = snapshot.attached !== null;
  setAttributes(root, {
    'data-state': snapshot.phase,
    'data-engine': playing ? (snapshot.recording === null ? snapshot.via : 'hls') : null,
    'data-latency-ms': snapshot.latency === null ? null : snapshot.latency.ms,
    'data-latency-basis': snapshot.latency?.basis ?? null,
    'data-frames': snapshot.frames,
    'data-frames-dropped': snapshot.framesDropped,
    'data-stalls': snapshot.stalls,
    'data-stream': snapshot.attached?.stream ?? null,
    'data-trouble': snapshot.lastTrouble,
    'data-reachable': String(snapshot.reachable),
  });
}

function listen(context: Context, stagecraft: Stagecraft): void {
  listenToKeys(context, stagecraft);
  window.addEventListener('online', () => context.player.wake());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') context.player.wake();
  });
}

function toggleTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset['theme'] === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : root.dataset['theme'] === 'dark';
  root.dataset['theme'] = dark ? 'light' : 'dark';
  browserMemory.set(THEME_KEY, root.dataset['theme']);
}

function makeVideo(): HTMLVideoElement {
  const video = h('video', { playsinline: true, tabindex: -1 });
  video.muted = true;
  video.preload = 'auto';
  return video;
}

function column(name: string, parts: readonly Part[]): HTMLElement {
  return h('div', { class: name }, ...parts.map(({ element }) => element));
}

function begin(root: HTMLElement, address: Address): void {
  const video = makeVideo();
  const stage = h('section', { class: 'stage', id: 'stage', tabindex: -1 });
  const stagecraft = new Stagecraft(stage, video);
  const player = new Player(channelPlace(address), portsOf(address, video, () => stagecraft.keepStill()));
  const context: Context = { address, player, video, name: address.name };
  let language = pickLanguage(location.search, browserMemory.get(LANGUAGE_KEY), navigator.languages);
  let latest: Snapshot | null = null;

  const top = topBarPart({
    toggleTheme,
    setLanguage: (chosen) => {
      language = chosen;
      browserMemory.set(LANGUAGE_KEY, chosen);
      if (latest !== null) draw(latest);
    },
  });
  const scene = stagePart(context, stage, stagecraft, scenePart(context));
  const show: readonly Part[] = [scene, headingPart(context), recordingsPart(context)];
  const side: readonly Part[] = [
    signalPart(),
    routesPart(context, playableVias(window), (via) => history.replaceState(null, '', pageUrl(address, { via }))),
    keysPart(),
  ];
  const main = h('main', {}, column('show', show), column('side', side));
  root.replaceChildren(top.element, main);

  const draw = (snapshot: Snapshot): void => {
    latest = snapshot;
    const view = { snapshot, words: WORDS[language], writer: new Writer(language) };
    document.documentElement.lang = language;
    const name = snapshot.channel?.title || address.name;
    const title = `${snapshot.phase === 'live' ? '● ' : ''}${name} · ${view.words.state[snapshot.phase]} · Tayang`;
    if (document.title !== title) document.title = title;
    tellRoot(root, snapshot);
    for (const part of [top, ...show, ...side]) part.render(view);
  };
  player.subscribe(draw);
  document.addEventListener('fullscreenchange', () => {
    if (latest !== null) draw(latest);
  });
  listen(context, stagecraft);
  player.start();
  warmUp(address.stream === null ? address.via : 'hls', window);
}

/** An address that names no channel gets a sentence, in the reader's language. */
function refuse(root: HTMLElement): void {
  const language = pickLanguage(location.search, browserMemory.get(LANGUAGE_KEY), navigator.languages);
  const { title, text } = WORDS[language].scene.address;
  document.documentElement.lang = language;
  setAttributes(root, { 'data-state': 'missing' });
  root.replaceChildren(h('main', { class: 'refusal' }, h('h1', {}, title), h('p', {}, text)));
}

const root = document.getElementById('tayang');
if (root !== null) {
  const theme = browserMemory.get(THEME_KEY);
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
  const address = parseAddress(location.pathname, location.search);
  if (address === null) refuse(root);
  else begin(root, withToken(address, { href: location.href, replace: (href) => history.replaceState(null, '', href), ...tabMemory, now: Date.now }));
}
