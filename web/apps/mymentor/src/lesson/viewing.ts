/**
 * One viewing of a lesson on a page: element, player and stage, made together and let go together.
 *
 * Owns the media element and its stage. The lesson's state is asked of whoever knows it (the room, or the API); words are
 * handed in with every drawing, so that the language may change while it plays.
 */

import { engineFor, playableVias, Player, warmUp, type Answer, type MediaPlace, type Snapshot } from '@tayang/player';
import { listenToKeys, Stagecraft, stagePart, type StageWords } from '@tayang/stage';
import { h } from '@tayang/ui';
import type { Words } from '../words/words.ts';
import { lessonScene, type LessonView } from './scene.ts';

/** What a viewing leaves to the one that comes after it: another right to play is no reason to begin anew. */
export interface Carried {
  /** In a recording. */
  readonly seconds: number;
  readonly rate: number;
  readonly muted: boolean;
  readonly volume: number;
  readonly wantsPlay: boolean;
  /** The quality that was chosen. */
  readonly level: number | null;
}

/** Whether the device asks for less (Chromium's data saver). */
export function savesData(device: object): boolean {
  const connection: unknown = 'connection' in device ? device.connection : null;
  return typeof connection === 'object' && connection !== null && 'saveData' in connection && connection.saveData === true;
}

export interface ViewingOptions {
  readonly place: MediaPlace;
  readonly title: string;
  readonly askState: () => Promise<Answer>;
  readonly words: () => Words;
  readonly carried: Carried | null;
  readonly onSnapshot: (snapshot: Snapshot) => void;
}

const TIME_TIMEOUT_MS = 8_000;

async function askTime(): Promise<Answer> {
  try {
    const response = await fetch('/time', { cache: 'no-store', signal: AbortSignal.timeout(TIME_TIMEOUT_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

export class Viewing {
  public readonly element: HTMLElement;
  public readonly player: Player;
  private readonly cleanups: (() => void)[] = [];
  private latest: Snapshot | null = null;
  private readonly draw: (snapshot: Snapshot) => void;

  public constructor(options: ViewingOptions) {
    const { place, title, carried } = options;
    const video = h('video', { playsinline: true, tabindex: -1 });
    video.preload = 'auto';
    // A recording was asked for by a tap and may speak at once; what begins by itself may not.
    video.muted = carried?.muted ?? place.stream === null;
    video.volume = carried?.volume ?? 1;
    const stage = h('section', { class: 'stage', id: 'stage', tabindex: -1 });
    const stagecraft = new Stagecraft(stage, video);
    this.element = stage;
    this.player = new Player(place, {
      video,
      origin: location.origin,
      now: () => performance.now(),
      chance: Math.random,
      askState: options.askState,
      askTime,
      after: (ms, task) => {
        const timer = setTimeout(task, ms);
        return () => clearTimeout(timer);
      },
      engineFor: (via) => engineFor(via, window),
      isVisible: () => document.visibilityState === 'visible',
      beforeDetach: () => stagecraft.keepStill(),
      savesData: () => savesData(navigator),
    });
    if (carried !== null) this.player.chooseLevel(carried.level);
    const context = { player: this.player, video, name: title };
    const part = stagePart<LessonView>(context, stage, stagecraft, lessonScene());
    this.draw = (snapshot) => {
      const words = options.words();
      part.render({ snapshot, words: words.stage satisfies StageWords, scenes: words.scene });
    };
    this.player.subscribe((snapshot) => {
      this.latest = snapshot;
      this.draw(snapshot);
      options.onSnapshot(snapshot);
    });
    this.listen(context, stagecraft);
    if (carried !== null) this.goOn(carried, place.stream !== null);
    this.player.start();
    warmUp(place.via, window);
  }

  /** Draws again what is known, in other words. */
  public redraw(): void {
    if (this.latest !== null) this.draw(this.latest);
  }

  /** What the next viewing of the same lesson goes on with. */
  public carry(): Carried | null {
    if (this.latest === null) return null;
    const { currentTime, rate, muted, volume, wantsPlay, level } = this.latest;
    return { seconds: currentTime, rate, muted, volume, wantsPlay, level };
  }

  private goOn({ seconds, rate, wantsPlay }: Carried, recorded: boolean): void {
    if (!wantsPlay) this.player.pause();
    if (!recorded) return;
    this.player.setRate(rate);
    if (seconds > 0) this.player.resumeAt(seconds);
  }

  public stop(): void {
    for (const cleanup of this.cleanups) cleanup();
    this.player.stop();
    this.element.remove();
  }

  private listen(context: Parameters<typeof listenToKeys>[0], stagecraft: Stagecraft): void {
    const wake = (): void => {
      if (document.visibilityState === 'visible') this.player.wake();
    };
    const redraw = (): void => this.redraw();
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    document.addEventListener('fullscreenchange', redraw);
    this.cleanups.push(
      listenToKeys(context, stagecraft),
      () => window.removeEventListener('online', wake),
      () => document.removeEventListener('visibilitychange', wake),
      () => document.removeEventListener('fullscreenchange', redraw),
    );
  }
}

/** Ways that this browser can take. */
export function playableHere(): ReturnType<typeof playableVias> {
  return playableVias(window);
}
