/**
 * Which comments of a live room are due: whoever is behind the sender's picture sees a comment when their own picture is
 * there, and not before what it speaks of. Owns when each comment came; keeps no comment.
 */

import type { RoomComment } from './state.ts';

/** Nobody waits longer for a comment, be they ever so far behind. */
export const HELD_BACK_MAX_MS = 15_000;

export interface Due {
  readonly comments: readonly RoomComment[];
  /** Some are not due yet: look again soon. */
  readonly more: boolean;
}

export class DueComments {
  private readonly came = new Map<string, number>();

  /**
   * The comments, in their order, up to the first that is not due: none is shown before one that was said before it. `mediaMs`
   * is the media time of the reader's picture, `null` where it is not known, and then everything is due. `nowMs` is any clock
   * that does not run back. One's own and those that were there at the first look are due.
   */
  public at(comments: readonly RoomComment[], mediaMs: number | null, nowMs: number, own: string | null): Due {
    const first = this.came.size === 0;
    const known = new Set<string>();
    let end = comments.length;
    for (const [at, comment] of comments.entries()) {
      known.add(comment.id);
      if (!this.came.has(comment.id)) this.came.set(comment.id, first ? Number.NEGATIVE_INFINITY : nowMs);
      if (at < end && !this.isDue(comment, mediaMs, nowMs, own)) end = at;
    }
    for (const id of this.came.keys()) if (!known.has(id)) this.came.delete(id);
    return { comments: end === comments.length ? comments : comments.slice(0, end), more: end < comments.length };
  }

  private isDue(comment: RoomComment, mediaMs: number | null, nowMs: number, own: string | null): boolean {
    if (mediaMs === null || comment.media_ms === null || comment.media_ms <= mediaMs || comment.user.id === own) return true;
    return nowMs - (this.came.get(comment.id) ?? nowMs) >= HELD_BACK_MAX_MS;
  }
}
