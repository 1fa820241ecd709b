/**
 * A guard between the network and hls.js for one number of a playlist.
 *
 * hls.js 1.7 keeps an array indexed by discontinuity sequence and walks it from zero at every playlist update. A server
 * whose sequence counts from a clock (so that it never goes back, which RFC 8216 allows) makes that walk a thousand
 * million steps long, and the page stands still. Only differences matter to a player: so the first number seen becomes
 * zero, and the others follow.
 */

const TAG = /^(#EXT-X-DISCONTINUITY-SEQUENCE:)(\d{1,20})/m;

/** Makes the sequences of one viewing small. Playlists of all its tracks share one guard, as they share the numbers. */
export class DiscontinuityGuard {
  private base: number | null = null;

  /** The playlist with its sequence counted from the first one seen. */
  public apply(playlist: string): string {
    return playlist.replace(TAG, (_whole, tag: string, digits: string) => {
      const sequence = Number(digits);
      this.base ??= sequence;
      return `${tag}${Math.max(0, sequence - this.base)}`;
    });
  }
}
