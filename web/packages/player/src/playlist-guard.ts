/**
 * A guard between the network and hls.js: two things that playlists may say and hls.js 1.7 cannot bear. Pure.
 *
 * 1. *A discontinuity sequence that counts from a clock.* hls.js keeps an array indexed by it and walks it from zero at
 *    every update; at 1.8 thousand million steps the page stands still. Only differences matter to a player: the first
 *    number seen becomes zero, and the others follow.
 * 2. *Dates that jump while media time goes on*, as after an outage of the publisher. hls.js lines up audio and video by
 *    date, takes segments from both sides of the jump, and loses the audio by the length of the outage. So the jump is
 *    taken out of the dates, equally in all tracks, and remembered by media sequence number: {@link shiftMs} gives it
 *    back to whoever wants the true date.
 */

const DATE = '#EXT-X-PROGRAM-DATE-TIME:';
const DURATION = '#EXTINF:';
const SEQUENCE = '#EXT-X-MEDIA-SEQUENCE:';
const DISCONTINUITY_SEQUENCE = '#EXT-X-DISCONTINUITY-SEQUENCE:';
const SKIPPED = /^#EXT-X-SKIP:.*SKIPPED-SEGMENTS=(\d+)/;
/** Less than this is the rounding of durations and the drift of an encoder's clock. */
const JUMP_MS = 1_000;
/** Outages remembered one by one; older ones are one sum, as the media that they lie in is long gone. */
const JUMPS_MAX = 256;

/** One viewing's guard. Playlists of all its tracks share it, as they share numbers and dates. */
export class PlaylistGuard {
  private base: number | null = null;
  private jumps = new Map<number, number>();

  /** What was taken out of the date of segment `msn`, in milliseconds. */
  public shiftMs(msn: number): number {
    let sum = 0;
    for (const [from, ms] of this.jumps) if (from <= msn) sum += ms;
    return sum;
  }

  /** The playlist as hls.js may have it. */
  public apply(playlist: string): string {
    const reader = new Reader();
    return playlist
      .split('\n')
      .map((line) => this.line(reader, line))
      .join('\n');
  }

  private line(reader: Reader, line: string): string {
    if (line.startsWith(DISCONTINUITY_SEQUENCE)) {
      const sequence = Number.parseInt(line.slice(DISCONTINUITY_SEQUENCE.length), 10);
      if (!Number.isFinite(sequence)) return line;
      this.base ??= sequence;
      return `${DISCONTINUITY_SEQUENCE}${Math.max(0, sequence - this.base)}`;
    }
    if (!line.startsWith(DATE)) {
      reader.take(line);
      return line;
    }
    const date = Date.parse(line.slice(DATE.length));
    if (!Number.isFinite(date)) return line;
    const jump = reader.dated(date);
    if (Math.abs(jump) > JUMP_MS && !this.jumps.has(reader.msn)) this.remember(reader.msn, jump);
    const shift = this.shiftMs(reader.msn);
    return shift === 0 ? line : `${DATE}${new Date(date - shift).toISOString()}`;
  }

  private remember(msn: number, jump: number): void {
    this.jumps.set(msn, jump);
    if (this.jumps.size <= JUMPS_MAX) return;
    const [oldest, second] = [...this.jumps.keys()].toSorted((a, b) => a - b);
    if (oldest === undefined || second === undefined) return;
    this.jumps.set(second, (this.jumps.get(second) ?? 0) + (this.jumps.get(oldest) ?? 0));
    this.jumps.delete(oldest);
  }
}

/** Where in a playlist the reading is: which segment, and which date it ought to have. */
class Reader {
  public msn = 0;
  private expected: number | null = null;
  private durationMs = 0;

  public take(line: string): void {
    if (line.startsWith(SEQUENCE)) {
      this.msn = Number.parseInt(line.slice(SEQUENCE.length), 10) || 0;
    } else if (line.startsWith(DURATION)) {
      this.durationMs = (Number.parseFloat(line.slice(DURATION.length)) || 0) * 1_000;
    } else if (line.startsWith('#EXT-X-SKIP:')) {
      this.msn += Number(SKIPPED.exec(line)?.[1] ?? 0);
    } else if (line.trim() === '#EXT-X-DISCONTINUITY') {
      // Here a jump is announced, and hls.js knows what to do.
      this.expected = null;
    } else if (line !== '' && !line.startsWith('#')) {
      this.msn += 1;
      if (this.expected !== null) this.expected += this.durationMs;
    }
  }

  /** The segment that follows is of `date`; the result is by how much that differs from what was to be expected. */
  public dated(date: number): number {
    const jump = this.expected === null ? 0 : date - this.expected;
    this.expected = date;
    return jump;
  }
}
