/**
 * Keeps one right to play: opens it, renews it before it runs out, and gives it back.
 *
 * Owns no player. The cookie that comes with a playback reaches every address of it, so that a renewal needs nothing from
 * whoever plays: what plays goes on. Everything outside is handed in.
 */

import { backoffMs, type BackoffShape } from '@tayang/player/backoff';
import type { Playback } from './models.ts';
import { Problem } from './problem.ts';

export type PlaybackState =
  | { readonly phase: 'opening' }
  | { readonly phase: 'open'; readonly playback: Playback }
  /** This viewer may not (or no longer) play it: `status` says in which sense. */
  | { readonly phase: 'refused'; readonly problem: Problem }
  /** No answer comes; it is tried again. A playback that is open stays so meanwhile. */
  | { readonly phase: 'unreachable' }
  | { readonly phase: 'closed' };

export interface PlaybackPorts {
  readonly open: () => Promise<Playback>;
  readonly refresh: (id: string) => Promise<Playback>;
  /** Must go out even while the page goes away (`leaving`). */
  readonly end: (id: string, leaving: boolean) => Promise<unknown>;
  /** Runs `task` once after `ms`; the result cancels it. */
  readonly after: (ms: number, task: () => void) => () => void;
  /** In [0, 1). */
  readonly chance: () => number;
}

const RETRY: BackoffShape = { firstMs: 800, factor: 1.8, capMs: 15_000 };
/** Never sooner, whatever the server says. */
const REFRESH_MIN_MS = 1_000;
/** A renewal goes out up to this share early, so that a room of thousands does not renew in one moment. */
const REFRESH_EARLY = 0.2;
/** Said of a repetition whose first try may have been done: another try, with a key of its own, learns what is so. */
const AGAIN_CODES: readonly string[] = ['answered-once', 'worked-on', 'outcome-unknown'];

export class PlaybackKeeper {
  private current: PlaybackState = { phase: 'closed' };
  private playback: Playback | null = null;
  /** Counts starts and stops, so that an answer that comes too late is not taken for a new one. */
  private epoch = 0;
  private attempts = 0;
  private cancel: (() => void) | null = null;

  public constructor(
    private readonly ports: PlaybackPorts,
    private readonly changed: (state: PlaybackState) => void,
    /** The addresses are the same, which is no news to whoever plays them; the rest may be (when media began). */
    private readonly renewed: (playback: Playback) => void = () => undefined,
  ) {}

  public get state(): PlaybackState {
    return this.current;
  }

  /** Opens a playback; one that is open already is kept. */
  public start(): void {
    if (this.current.phase !== 'closed' && this.current.phase !== 'refused') return;
    this.epoch += 1;
    this.attempts = 0;
    this.set({ phase: 'opening' });
    void this.open(this.epoch);
  }

  /** Gives the right back; `leaving` if the page goes away with it. */
  public stop(leaving = false): void {
    this.epoch += 1;
    this.cancel?.();
    this.cancel = null;
    const { playback } = this;
    this.playback = null;
    if (this.current.phase !== 'closed') this.set({ phase: 'closed' });
    if (playback !== null) void this.ports.end(playback.playback_id, leaving).catch(() => undefined);
  }

  private async open(epoch: number): Promise<void> {
    try {
      const playback = await this.ports.open();
      if (epoch === this.epoch) this.take(playback);
      // Left while it was being opened: nobody else knows of it.
      else await this.ports.end(playback.playback_id, false).catch(() => undefined);
    } catch (error) {
      if (epoch === this.epoch) this.fail(error, () => void this.open(epoch));
    }
  }

  private async refresh(epoch: number, id: string): Promise<void> {
    try {
      const playback = await this.ports.refresh(id);
      if (epoch === this.epoch) this.take(playback);
    } catch (error) {
      if (epoch !== this.epoch) return;
      if (error instanceof Problem && (error.status === 404 || error.status === 410)) {
        // The server forgot it (it was started anew, or it ran out while the device slept): a new one, if there is a right.
        this.playback = null;
        void this.open(epoch);
      } else {
        this.fail(error, () => void this.refresh(epoch, id));
      }
    }
  }

  private take(playback: Playback): void {
    const same = this.current.phase === 'open' && sameUrls(this.current.playback, playback);
    const { epoch } = this;
    this.attempts = 0;
    this.playback = playback;
    const early = 1 - REFRESH_EARLY * this.ports.chance();
    const inMs = Math.max(REFRESH_MIN_MS, Math.round(playback.refresh_after_ms * early));
    this.cancel = this.ports.after(inMs, () => void this.refresh(epoch, playback.playback_id));
    if (!same) {
      this.set({ phase: 'open', playback });
      return;
    }
    this.current = { phase: 'open', playback };
    this.renewed(playback);
  }

  private fail(error: unknown, again: () => void): void {
    if (error instanceof Problem && isRefusal(error)) {
      this.playback = null;
      this.set({ phase: 'refused', problem: error });
      return;
    }
    const waitMs = error instanceof Problem ? (error.retryAfterMs ?? 0) : 0;
    const inMs = Math.max(waitMs, backoffMs(RETRY, this.attempts, this.ports.chance()));
    this.attempts += 1;
    this.cancel = this.ports.after(inMs, again);
    if (this.current.phase === 'opening') this.set({ phase: 'unreachable' });
  }

  private set(state: PlaybackState): void {
    this.current = state;
    this.changed(state);
  }
}

function isRefusal({ status, code }: Problem): boolean {
  if (status === 409 && AGAIN_CODES.includes(code)) return false;
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Another playback of the same addresses (the cookie carries the right) is the same to whoever plays them. */
function sameUrls(a: Playback, b: Playback): boolean {
  return a.kind === b.kind && a.base_url === b.base_url && JSON.stringify(a.urls) === JSON.stringify(b.urls);
}
