/** Sums over a sliding window: media bits a second, measured from what was received. Pure. */

const WINDOW_MS = 8_000;
const ENTRIES_MAX = 512;

export class RateMeter {
  private entries: readonly (readonly [at: number, bytes: number])[] = [];

  /** `bytes` came at `now` (monotonic milliseconds). */
  public add(now: number, bytes: number): void {
    this.entries = [...this.entries.filter(([at]) => now - at <= WINDOW_MS), [now, bytes] as const].slice(-ENTRIES_MAX);
  }

  /** Bits a second over the window; `null` until it spans two seconds, or when nothing came for as long as it is. */
  public bitsPerSecond(now: number): number | null {
    const inside = this.entries.filter(([at]) => now - at <= WINDOW_MS);
    const [first, ...rest] = inside;
    const last = rest.at(-1);
    if (first === undefined || last === undefined || last[0] - first[0] < 2_000) return null;
    // The first entry only opens the window: its bytes came before it.
    const bytes = rest.reduce((sum, [, more]) => sum + more, 0);
    return (bytes * 8_000) / (last[0] - first[0]);
  }
}
