/**
 * Watching the playhead.
 *
 * Players have recoveries of their own; this is the net below them. It looks a few times a second whether pictures
 * move while they should, counts the times they did not, and asks for the mildest cure that has not been tried:
 * jump a hole, nudge, attach afresh. Pure.
 */

export interface ProgressLook {
  /** Monotonic milliseconds. */
  readonly now: number;
  readonly currentTime: number;
  /** Media should move: not paused, not seeking, attached, and the channel is on air. */
  readonly shouldMove: boolean;
  /** Seconds playable from the playhead on. */
  readonly bufferedSeconds: number;
  /** Start of the next buffered range after a hole, if there is one. */
  readonly nextRangeStart: number | null;
}

export type Cure =
  | { readonly act: 'none' }
  | { readonly act: 'jump'; readonly to: number }
  | { readonly act: 'reattach' };

export interface ProgressVerdict {
  /** Standing still while it should move. */
  readonly stuck: boolean;
  /** The moment it began to stand still. */
  readonly stallBegan: boolean;
  /** It moved since the last look. */
  readonly moved: boolean;
  readonly cure: Cure;
}

/** A picture that stands shorter than this is not noticed. */
const STALL_MS = 400;
const JUMP_MS = 1_000;
const NUDGE_MS = 3_000;
/** First fresh attachment after this long; each fruitless one doubles the patience up to the cap. */
const REATTACH_MS = 8_000;
const REATTACH_CAP_MS = 30_000;
const NUDGE_SECONDS = 0.1;
/** Only a step this large is movement; nudges and rounding are not. */
const MOVED_SECONDS = 0.01;

/** One movement may be the seek to the place where an engine starts; this many in a row are pictures that run. */
const BEGUN_LOOKS = 3;

const NONE: Cure = { act: 'none' };

export class ProgressWatch {
  /** Where the playhead is known to stand: where it was last seen, and where our own jump sent it. */
  private places: readonly number[] = [];
  private standingSince: number | null = null;
  private stalled = false;
  private jumped = false;
  private nudged = false;
  /** Looks in a row that saw movement since the attachment. */
  private run = 0;
  private patienceMs = REATTACH_MS;
  private count = 0;

  /** Times that pictures stood still while they should have moved. */
  public get stalls(): number {
    return this.count;
  }

  /** A fresh attachment starts a fresh look; patience stays as it has grown. */
  public attached(): void {
    this.places = [];
    this.run = 0;
    this.restart();
  }

  public look(look: ProgressLook): ProgressVerdict {
    const first = this.places.length === 0;
    const moved = this.places.every((place) => Math.abs(look.currentTime - place) > MOVED_SECONDS);
    if (moved) this.places = [look.currentTime];
    if (moved && !first) this.run += 1;
    else if (this.run < BEGUN_LOOKS) this.run = 0;
    if (!look.shouldMove || (moved && !first)) {
      if (moved && look.shouldMove) this.patienceMs = REATTACH_MS;
      this.restart();
      return { stuck: false, stallBegan: false, moved: moved && !first, cure: NONE };
    }
    this.standingSince ??= look.now;
    const standingMs = look.now - this.standingSince;
    // Before pictures ran nothing has stalled: it has not begun.
    const stallBegan = standingMs >= STALL_MS && !this.stalled && this.run >= BEGUN_LOOKS;
    if (stallBegan) {
      this.stalled = true;
      this.count += 1;
    }
    return { stuck: standingMs >= STALL_MS, stallBegan, moved: false, cure: this.cure(look, standingMs) };
  }

  private cure(look: ProgressLook, standingMs: number): Cure {
    if (standingMs >= this.patienceMs) {
      this.patienceMs = Math.min(REATTACH_CAP_MS, this.patienceMs * 2);
      this.restart();
      return { act: 'reattach' };
    }
    if (standingMs >= JUMP_MS && !this.jumped && look.nextRangeStart !== null) {
      this.jumped = true;
      return this.jump(look.currentTime, look.nextRangeStart + 0.05);
    }
    if (standingMs >= NUDGE_MS && !this.nudged && look.bufferedSeconds > 0.5) {
      this.nudged = true;
      return this.jump(look.currentTime, look.currentTime + NUDGE_SECONDS);
    }
    return NONE;
  }

  /** Our own jump is not movement, obeyed or not: should pictures still stand, the next cure must follow. */
  private jump(from: number, to: number): Cure {
    this.places = [from, to];
    return { act: 'jump', to };
  }

  private restart(): void {
    this.standingSince = null;
    this.stalled = false;
    this.jumped = false;
    this.nudged = false;
  }
}
