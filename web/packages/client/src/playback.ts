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
  /** Must go out even while the page goes away. */
  readonly end: (id: string) => Promise<unknown>;
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

  /** Gives the right back. */
  public stop(): void {
    this.epoch += 1;
    this.cancel?.();
    this.cancel = null;
    const { playback } = this;
    this.playback = null;
    if (this.current.phase !== 'closed') this.set({ phase: 'closed' });
    if (playback !== null) void this.ports.end(playback.playback_id).catch(() => undefined);
  }

  private async open(epoch: number): Promise<void> {
    try {
      const playback = await this.ports.open();
      if (epoch === this.epoch) this.take(playback);
      // Left while it was being opened: nobody else knows of it.
      else await this.ports.end(playback.playback_id).catch(() => undefined);
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
    // The same addresses are no news to whoever plays them.
    if (!same) this.set({ phase: 'open', playback });
  }

  private fail(error: unknown, again: () => void): void {
    const refused = error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
    if (refused) {
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

function sameUrls(a: Playback, b: Playback): boolean {
  return a.playback_id === b.playback_id && a.kind === b.kind && JSON.stringify(a.urls) === JSON.stringify(b.urls);
}
