/**
 * Comments of a recording, read in windows of media time around the playhead. Pure but for the reading that is handed in.
 *
 * A window that was read is kept; the next one is read before it is needed. One reading at a time.
 */

import type { Comment, Page } from '@tayang/client';

const WINDOW_MS = 120_000;
/** The next window is read this long before it begins. */
const AHEAD_MS = 20_000;
const PAGE = 100;
const PAGES_MAX = 10;
const RETRY_MS = 5_000;

export type ReadComments = (fromMs: number, untilMs: number, cursor: string | null, limit: number) => Promise<Page<Comment>>;

export class ReplayComments {
  private readonly windows = new Map<number, readonly Comment[]>();
  private reading = false;
  private failedAt = Number.NEGATIVE_INFINITY;

  public constructor(
    private readonly read: ReadComments,
    private readonly now: () => number,
    private readonly changed: () => void,
  ) {}

  /** Comments up to this place, the last `max` of them; reads what is missing around it. */
  public at(mediaMs: number, max: number): readonly Comment[] {
    const index = Math.floor(mediaMs / WINDOW_MS);
    this.want(index);
    if (mediaMs + AHEAD_MS >= (index + 1) * WINDOW_MS) this.want(index + 1);
    const found: Comment[] = [];
    for (let at = index; at >= 0 && found.length < max; at -= 1) {
      const window = this.windows.get(at);
      if (window === undefined) {
        // What lies further back is read only while something is missing on the page.
        this.want(at);
        break;
      }
      found.unshift(...window.filter((one) => (one.media_ms ?? 0) <= mediaMs));
    }
    return found.slice(-max);
  }

  private want(index: number): void {
    if (this.windows.has(index) || this.reading || this.now() - this.failedAt < RETRY_MS) return;
    this.reading = true;
    void this.fetch(index).finally(() => {
      this.reading = false;
      this.changed();
    });
  }

  private async fetch(index: number): Promise<void> {
    const from = index * WINDOW_MS;
    try {
      const found: Comment[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const answer: Page<Comment> = await this.read(from, from + WINDOW_MS, cursor, PAGE);
        found.push(...answer.items);
        cursor = answer.next_cursor;
        if (cursor === null) break;
      }
      const inside = found.filter(({ state, media_ms }) => (state ?? 'shown') === 'shown' && media_ms !== null);
      this.windows.set(index, inside.toSorted((a, b) => (a.media_ms ?? 0) - (b.media_ms ?? 0) || a.seq - b.seq));
    } catch {
      // Comments are beside the recording: it plays on, and they are asked for again.
      this.failedAt = this.now();
    }
  }
}
