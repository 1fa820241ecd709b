/**
 * Which code plays which way, loaded when it is first wanted: the page itself stays small.
 *
 * Where there is a Media Source, hls.js is preferred even if the browser claims to play HLS, since only it can be held
 * at the live edge. Without one (older iPhones) every way falls back to the browser's own HLS.
 */

import type { Via } from './address.ts';
import type { EngineLoader } from './engine.ts';

/** Whether media can be fed by script, in either of the shapes that browsers offer. */
export function hasMediaSource(scope: object): boolean {
  return 'MediaSource' in scope || 'ManagedMediaSource' in scope;
}

/** Ways that this browser can take. */
export function playableVias(scope: object): readonly Via[] {
  return hasMediaSource(scope) ? ['hls', 'flv', 'ws-flv', 'dash', 'ts'] : ['hls', 'ts'];
}

const loadHls: EngineLoader = async () => (await import('./engines/hls.ts')).attachHls;
const loadTsHls: EngineLoader = async () => (await import('./engines/hls.ts')).attachTsHls;
const loadFlv: EngineLoader = async () => (await import('./engines/flv.ts')).attachFlv;
const loadDash: EngineLoader = async () => (await import('./engines/dash.ts')).attachDash;
const loadNative: EngineLoader = async () => (await import('./engines/native.ts')).attachNative;

const SCRIPTED: Readonly<Record<Via, EngineLoader>> = {
  hls: loadHls,
  flv: loadFlv,
  'ws-flv': loadFlv,
  dash: loadDash,
  ts: loadTsHls,
};

/** Fetches the code for one way ahead of its use, so that the first picture does not wait for it. */
export function warmUp(via: Via, scope: object): void {
  if (!hasMediaSource(scope)) return;
  const fetched = via === 'dash' ? import('./engines/dash.ts') : via === 'flv' || via === 'ws-flv' ? import('./engines/flv.ts') : import('./engines/hls.ts');
  // Lost here, it is fetched again when it is wanted, and missed then.
  fetched.catch(() => undefined);
}

/** The code for one way in this browser. */
export function engineFor(via: Via, scope: object): EngineLoader {
  return hasMediaSource(scope) ? SCRIPTED[via] : loadNative;
}
