/** What the parts of the stage are drawn from, and what a part is. */

import type { EngineFailure, Phase, Player, Snapshot } from '@tayang/player';

/** Every sentence of the stage, by name. */
export interface StageWords {
  readonly player: string;
  /** Short name of each state, as on the lamp. */
  readonly state: Readonly<Record<Phase, string>>;
  readonly failure: Readonly<Record<EngineFailure, string>>;
  readonly offline: string;
  readonly play: string;
  readonly pause: string;
  readonly mute: string;
  readonly unmute: string;
  readonly unmuteNow: string;
  readonly volume: string;
  readonly seek: string;
  readonly seekAt: (position: string, length: string) => string;
  readonly fullscreen: string;
  readonly fullscreenLeave: string;
  readonly pictureInPicture: string;
  readonly atEdge: string;
  readonly toEdge: string;
}

/** One moment, in one language. */
export interface StageView {
  readonly snapshot: Snapshot;
  readonly words: StageWords;
}

/** A part of a page: made once, drawn again with every view. Drawing the same view twice changes nothing. */
export interface Part<View = StageView> {
  readonly element: HTMLElement;
  render(view: View): void;
}

/** What the stage may act on. */
export interface StageContext {
  readonly player: Player;
  readonly video: HTMLVideoElement;
  /** Name of what is shown while nothing else has told one. */
  readonly name: string;
}
