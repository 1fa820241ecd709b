/** What a player is handed, and what can be seen of it. Types alone. */

import type { Via } from './address.ts';
import type { Channel } from './channel.ts';
import type { EngineLoader, LatencyBasis, Level } from './engine.ts';
import type { EngineFailure, Phase, Source } from './session.ts';

/** Answer of the server to a question: its status (0: none came) and text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The world outside of a player. */
export interface PlayerPorts {
  readonly video: HTMLVideoElement;
  readonly origin: string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly chance: () => number;
  readonly askState: () => Promise<Answer>;
  readonly askTime: () => Promise<Answer>;
  /** Runs `task` once after `ms`; the result cancels it. */
  readonly after: (ms: number, task: () => void) => () => void;
  readonly engineFor: (via: Via) => EngineLoader;
  /** Somebody can see the page. */
  readonly isVisible: () => boolean;
  /** The viewer saves data: the lowest quality is played until another is chosen. */
  readonly savesData?: () => boolean;
  /** Told just before an attachment is replaced: the moment to keep the last picture. */
  readonly beforeDetach: () => void;
}

export interface Latency {
  readonly ms: number;
  readonly basis: LatencyBasis;
  /** How wrong it may be because of the clocks, either way. */
  readonly uncertaintyMs: number;
}

/** What can be shown of a viewing at one moment. */
export interface Snapshot {
  readonly phase: Phase;
  readonly channel: Channel | null;
  readonly reachable: boolean;
  readonly via: Via;
  readonly recording: string | null;
  readonly attached: Source | null;
  readonly engineLabel: string | null;
  readonly failure: EngineFailure | null;
  readonly lastTrouble: string | null;
  readonly latency: Latency | null;
  /** Server's wall clock (Unix milliseconds) when the picture at the playhead arrived there; `null` if it cannot be known. */
  readonly captureTime: number | null;
  /** Pictures decoded since the page was opened, over all attachments. */
  readonly frames: number;
  readonly framesDropped: number;
  readonly stalls: number;
  readonly bitsPerSecond: number | null;
  readonly width: number;
  readonly height: number;
  /** The viewer wants it to play. */
  readonly wantsPlay: boolean;
  /** The browser did not let it start without a gesture. */
  readonly blocked: boolean;
  /** Pictures should move and do not. */
  readonly buffering: boolean;
  /** Kept at the live edge. */
  readonly following: boolean;
  readonly muted: boolean;
  readonly volume: number;
  readonly currentTime: number;
  readonly duration: number;
  /** How fast a recording is wanted; what is live keeps its own pace. */
  readonly rate: number;
  readonly bufferedUntil: number;
  /** Qualities to choose from, the lowest first; empty if there is no choice. */
  readonly levels: readonly Level[];
  /** The one that was chosen; `null` if the network decides. */
  readonly level: number | null;
}
