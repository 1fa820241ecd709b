/**
 * One viewing of a lesson by its own mentor: the right to play, the player, and the stage, without a framework.
 *
 * Owns the life of the viewing from {@link mountViewing} to its `stop`. Knows the lesson only by what is handed in; says
 * nothing of it but through snapshots.
 */

import type { Api, Lesson, Playback, PlaybackProtocol, PlaybackState } from '@tayang/client';
import { PlaybackKeeper } from '@tayang/client';
import { engineFor, playableVias, Player, warmUp, type Answer, type MediaPlace, type Snapshot, type Via } from '@tayang/player';
import { listenToKeys, Stagecraft, stagePart, type Part, type StageView, type StageWords } from '@tayang/stage';
import { h, kawung, setHidden, setText } from '@tayang/ui';

export interface SceneWords {
  readonly title: string;
  readonly text: string;
}

export interface ViewingWords {
  readonly stage: StageWords;
  readonly scene: Readonly<Record<'loading' | 'waiting' | 'stalled' | 'ended' | 'missing', SceneWords>>;
}

interface View extends StageView {
  readonly scene: ViewingWords['scene'];
}

export interface ViewingOptions {
  readonly place: HTMLElement;
  readonly api: Api;
  readonly lesson: Pick<Lesson, 'id' | 'title'>;
  readonly kind: 'live' | 'recording';
  /** Stream of one of several recordings; `null`: the longest. */
  readonly part: string | null;
  /** How the lesson is now. */
  readonly now: () => Pick<Lesson, 'state' | 'on_air' | 'stalled'>;
  readonly words: () => ViewingWords;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onPlayback: (state: PlaybackState) => void;
}

export interface Viewing {
  readonly seek: (seconds: number) => void;
  readonly setRate: (rate: number) => void;
  /** The lesson or the language changed. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

const RECORDING = 'recording';
const ASK_TIMEOUT_MS = 8_000;
const PROTOCOLS: Readonly<Record<Via, PlaybackProtocol>> = { hls: 'llhls', dash: 'dash', flv: 'flv', 'ws-flv': 'ws_flv', ts: 'hls_ts' };
/** The order in which ways are gone on to. */
const LADDER: readonly Via[] = ['hls', 'dash', 'flv', 'ws-flv', 'ts'];

/** Addresses of a playback, whether they are whole, absolute or relative to its base. */
function addressOf({ base_url, urls }: Playback, via: Via): string | null {
  const url = urls[PROTOCOLS[via]] ?? null;
  if (url === null) return null;
  const whole = new URL(url, new URL(base_url, location.href));
  return via === 'ws-flv' ? whole.href.replace(/^http/, 'ws') : whole.href;
}

/** Where a playback's media lies; `null` if this browser can play none of it. */
export function placeOf(playback: Playback, scope: object): MediaPlace | null {
  const playable = playableVias(scope);
  const ways = LADDER.filter((via) => playable.includes(via) && addressOf(playback, via) !== null);
  const [via] = ways;
  if (via === undefined) return null;
  return {
    via,
    ladder: ways.slice(1),
    stream: playback.kind === 'recording' ? RECORDING : null,
    signed: true,
    live: (one) => addressOf(playback, one) ?? '',
    recording: () => addressOf(playback, via) ?? '',
  };
}

/** The lesson in the words of a channel, which is what the player asks for. */
function channelText(playback: Playback, lesson: Pick<Lesson, 'state' | 'on_air' | 'stalled'>, title: string): string {
  const live = lesson.stalled || !lesson.on_air ? 'stalled' : 'live';
  const state = playback.kind === 'recording' || lesson.state === 'ended' ? 'ended' : lesson.state === 'live' && (lesson.on_air || lesson.stalled) ? live : lesson.on_air ? 'live' : 'waiting';
  const recording = { stream: RECORDING, state: 'sealed', started: 0, duration: 0, bytes: 0 };
  return JSON.stringify({ state, stream: playback.playback_id, title, tracks: [], recordings: playback.kind === 'recording' ? [recording] : [] });
}

async function askTime(): Promise<Answer> {
  try {
    const response = await fetch('/time', { cache: 'no-store', signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

function later(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
}

function scenePart(): Part<View> {
  const title = h('p', { class: 'scene-title' });
  const text = h('p', { class: 'scene-text' });
  const lamp = h('span', { class: 'scene-lamp', 'aria-hidden': 'true' }, h('span'), h('span'), h('span'));
  const field = h('div', { class: 'scene-field', 'aria-hidden': 'true' });
  field.append(kawung());
  const shown = h('div', { class: 'scene' }, field, h('div', { class: 'scene-words' }, lamp, title, text));
  const state = h('p', { class: 'unseen' });
  const element = h('div', { class: 'scene-place', role: 'status', 'aria-atomic': 'false' }, state, shown);
  return {
    element,
    render: (view) => {
      const scene = sceneOf(view);
      setHidden(shown, scene === null);
      setText(state, scene === null ? view.words.state[view.snapshot.phase] : '');
      setText(title, scene?.title ?? '');
      setText(text, scene?.text ?? '');
    },
  };
}

function sceneOf({ snapshot, scene }: View): SceneWords | null {
  switch (snapshot.phase) {
    case 'loading':
    case 'waiting':
    case 'stalled':
      return scene[snapshot.phase];
    case 'missing':
    case 'forbidden':
      return scene.missing;
    case 'ended':
      return snapshot.attached === null ? scene.ended : null;
    case 'recording':
      return snapshot.failure === 'missing' ? scene.missing : null;
    case 'live':
      return snapshot.frames === 0 && snapshot.currentTime === 0 && snapshot.failure === null ? scene.loading : null;
  }
}

/** What is on the page from one right to play to the next: an element, a stage and a player. */
interface Show {
  readonly player: Player;
  readonly stop: () => void;
}

function makeShow(options: ViewingOptions, playback: Playback, place: MediaPlace): Show {
  const video = h('video', { playsinline: true, tabindex: -1 });
  video.muted = true;
  video.preload = 'auto';
  const element = h('section', { class: 'stage', tabindex: -1 });
  const stagecraft = new Stagecraft(element, video);
  const player = new Player(place, {
    video,
    origin: location.origin,
    now: () => performance.now(),
    chance: Math.random,
    askState: () => Promise.resolve({ status: 200, text: channelText(playback, options.now(), options.lesson.title) }),
    askTime,
    after: later,
    engineFor: (via) => engineFor(via, window),
    isVisible: () => document.visibilityState === 'visible',
    beforeDetach: () => stagecraft.keepStill(),
  });
  const context = { player, video, name: options.lesson.title };
  const stage = stagePart<View>(context, element, stagecraft, scenePart());
  player.subscribe((snapshot) => {
    const { stage: words, scene } = options.words();
    element.dataset['frames'] = String(snapshot.frames);
    stage.render({ snapshot, words, scene });
    options.onSnapshot(snapshot);
  });
  options.place.replaceChildren(element);
  const deaf = listenToKeys(context, stagecraft);
  player.start();
  warmUp(place.via, window);
  return {
    player,
    stop: () => {
      deaf();
      player.stop();
      element.remove();
    },
  };
}

/** Begins a viewing in `place`; it lasts until `stop`. */
export function mountViewing(options: ViewingOptions): Viewing {
  const { api, lesson } = options;
  let show: Show | null = null;
  const keeper = new PlaybackKeeper(
    {
      open: () => api.openPlayback(lesson.id, options.part ?? undefined),
      refresh: (id) => api.refreshPlayback(id),
      end: api.endPlayback,
      after: later,
      chance: Math.random,
    },
    (state) => {
      options.onPlayback(state);
      if (state.phase !== 'open') return;
      show?.stop();
      const place = placeOf(state.playback, window);
      show = place === null ? null : makeShow(options, state.playback, place);
    },
  );
  // A page that is only put aside comes back as it was.
  const onPageHide = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) keeper.stop(true);
  };
  const onOnline = (): void => show?.player.wake();
  window.addEventListener('pagehide', onPageHide);
  window.addEventListener('online', onOnline);
  keeper.start();
  return {
    seek: (seconds) => {
      show?.player.seek(seconds);
      show?.player.play();
    },
    setRate: (rate) => show?.player.setRate(rate),
    refresh: () => {
      // A right that was refused before there was anything to play is asked for again.
      keeper.start();
      show?.player.wake();
    },
    stop: () => {
      window.removeEventListener('pagehide', onPageHide);
      window.removeEventListener('online', onOnline);
      show?.stop();
      show = null;
      keeper.stop();
    },
  };
}
