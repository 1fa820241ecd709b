/** Every sentence of the watch page, by name. Each language gives them all. */

import type { Via } from '@tayang/player';
import type { StageWords } from '@tayang/stage';

export interface Words extends StageWords {
  readonly skip: string;
  readonly language: string;
  readonly theme: string;
  /** What an empty stage says. */
  readonly scene: Readonly<Record<'loading' | 'waiting' | 'stalled' | 'ended' | 'missing' | 'forbidden' | 'address', Scene>>;
  readonly recordingMissing: Scene;
  readonly signal: string;
  readonly latency: string;
  readonly latencyClock: string;
  readonly latencyBuffer: string;
  readonly latencyNone: string;
  readonly latencyRange: (plusMinusMs: string) => string;
  readonly graph: string;
  readonly seconds: string;
  readonly picture: string;
  readonly video: string;
  readonly audio: string;
  readonly rate: string;
  readonly dropped: string;
  readonly droppedOf: (dropped: string, all: string) => string;
  readonly stalls: string;
  readonly stallsTimes: (times: string) => string;
  readonly engine: string;
  readonly unknown: string;
  readonly routes: string;
  readonly routesHint: string;
  readonly route: Readonly<Record<Via, { readonly name: string; readonly note: string }>>;
  readonly routeUnavailable: string;
  readonly recordings: string;
  readonly recordingsNone: string;
  readonly recordingNow: string;
  readonly recordingSealed: string;
  readonly watch: string;
  readonly watchFromStart: string;
  readonly watchRecording: string;
  readonly watchLatest: string;
  readonly download: string;
  readonly nowShowing: string;
  readonly backToLive: string;
  readonly backToChannel: string;
  readonly keys: string;
  readonly keysHint: string;
  readonly keysList: readonly (readonly [key: string, what: string])[];
}

export interface Scene {
  readonly title: string;
  readonly text: string;
}
