/**
 * Staying at the live edge.
 *
 * Delay never grows: a little of it is worked off by playing slightly faster, much of it by skipping. Pure: one look
 * at the player in, one decision out. hls.js has a catch-up of its own, but it acts only on more than one second of
 * buffer, which a stream with a hold-back of 0.6 s never has; so this one steers every engine.
 */

import type { Via } from './address.ts';

export interface EdgeTuning {
  /** Where playback wants to be: seconds behind the edge. */
  readonly targetSeconds: number;
  /** Further behind than this: skip. */
  readonly skipSeconds: number;
  /** Fastest rate; 1.1 keeps voices natural. */
  readonly rateMax: number;
  /**
   * Where the edge is known only from the buffer, which fills in bursts, its lowest point over this long counts: what
   * is never used can be given up. 0: the edge is known from a playlist, and moves evenly.
   */
  readonly windowMs: number;
}

/** Live with an engine that should know its edge: how the edge is kept, by way. */
export const EDGE: Readonly<Record<Via, { slackSeconds: number; windowMs: number }>> = {
  hls: { slackSeconds: 3, windowMs: 0 },
  flv: { slackSeconds: 1.7, windowMs: 1_000 },
  'ws-flv': { slackSeconds: 1.7, windowMs: 1_000 },
  dash: { slackSeconds: 2.5, windowMs: 2_200 },
  ts: { slackSeconds: 8, windowMs: 0 },
};
/** Fastest rate of the catch-up; voices stay natural. */
export const RATE_MAX = 1.1;

export interface EdgeLook {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Seconds between the playhead and the newest media that the engine knows of. */
  readonly behindSeconds: number;
  /** Seconds that can be played without waiting for the network. */
  readonly bufferedSeconds: number;
  /** A rebuffering that the channel is not to blame for began since the last look. */
  readonly starved: boolean;
}

export type EdgeDecision =
  | { readonly act: 'rate'; readonly rate: number }
  | { readonly act: 'skip'; readonly behindSeconds: number };

/** Behind the target by less than this: leave the rate alone. */
const TOLERANCE_SECONDS = 0.12;
/** Speeding up with less than this in hand would starve the decoder. */
const RESERVE_SECONDS = 0.18;
/** What one rebuffering adds to the target, at most how much in all, and how fast calm takes it away again. */
const STARVED_STEP_SECONDS = 0.25;
const STARVED_MAX_SECONDS = 2;
const CALM_MS = 15_000;
/** After a skip the buffer must settle before the next one is thought of. */
const SKIP_PAUSE_MS = 3_000;
/**
 * A stream is joined at a key frame, which may lie a whole group of pictures back. In the first moments, while nobody
 * has settled to watch, that is skipped rather than worked off for half a minute.
 */
const JOIN_FROM_MS = 400;
const JOIN_UNTIL_MS = 3_000;
const JOIN_SLACK_SECONDS = 0.5;

export class LiveEdge {
  private extraSeconds = 0;
  private calmSince = Number.NEGATIVE_INFINITY;
  private skippedAt = Number.NEGATIVE_INFINITY;
  private fast = false;
  private joinedAt: number | null = null;
  private recent: readonly (readonly [at: number, behindSeconds: number])[] = [];

  public constructor(private tuning: EdgeTuning) {}

  /** The server may state another hold-back at any playlist. */
  public retune(tuning: EdgeTuning): void {
    this.tuning = tuning;
  }

  /** The target with what the network has made us add to it. */
  public get targetSeconds(): number {
    return this.tuning.targetSeconds + this.extraSeconds;
  }

  public look(look: EdgeLook): EdgeDecision {
    this.adapt(look);
    const behindSeconds = this.lowest(look);
    const excess = behindSeconds - this.targetSeconds;
    if (behindSeconds > this.skipSeconds(look.now) && look.now - this.skippedAt > SKIP_PAUSE_MS) {
      this.skippedAt = look.now;
      this.fast = false;
      this.recent = [];
      return { act: 'skip', behindSeconds: this.targetSeconds };
    }
    // Two thresholds, so that the rate does not flutter around one.
    this.fast = excess > (this.fast ? TOLERANCE_SECONDS / 3 : TOLERANCE_SECONDS) && look.bufferedSeconds > RESERVE_SECONDS;
    return { act: 'rate', rate: this.fast ? this.rate(excess) : 1 };
  }

  private skipSeconds(now: number): number {
    this.joinedAt ??= now;
    const sinceMs = now - this.joinedAt;
    const joining = sinceMs >= JOIN_FROM_MS && sinceMs <= JOIN_UNTIL_MS;
    return joining ? this.targetSeconds + JOIN_SLACK_SECONDS : this.tuning.skipSeconds + this.extraSeconds;
  }

  private lowest({ now, behindSeconds }: EdgeLook): number {
    this.recent = [...this.recent.filter(([at]) => now - at < this.tuning.windowMs), [now, behindSeconds]];
    return Math.min(...this.recent.map(([, seconds]) => seconds));
  }

  private rate(excess: number): number {
    const gentle = 1.03 + excess * 0.1;
    return Math.round(Math.min(this.tuning.rateMax, gentle) * 100) / 100;
  }

  private adapt(look: EdgeLook): void {
    if (look.starved) {
      this.extraSeconds = Math.min(STARVED_MAX_SECONDS, this.extraSeconds + STARVED_STEP_SECONDS);
      this.calmSince = look.now;
    } else if (this.extraSeconds > 0 && look.now - this.calmSince > CALM_MS) {
      this.extraSeconds = Math.max(0, this.extraSeconds - STARVED_STEP_SECONDS / 2);
      this.calmSince = look.now;
    }
  }
}
