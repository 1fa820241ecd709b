/** The last minute of latency as a line. Pure text: points in, path out. */

const SPAN_MS = 60_000;
const STEP_MS = 500;
/** The scale never shows less than this, so that calm looks calm. */
const SCALE_MIN_MS = 1_500;
/** Room left above the highest point. */
const HEADROOM = 1.15;

interface Point {
  readonly at: number;
  /** `null` breaks the line. */
  readonly ms: number | null;
}

export class LatencyTrace {
  private points: readonly Point[] = [];
  private kind = '';

  public constructor(
    private readonly width: number,
    private readonly height: number,
  ) {}

  /** Takes one reading; the drawing if it has changed. Another `kind` of reading begins a new line. */
  public add(now: number, ms: number | null, kind: string): { line: string; area: string } | null {
    if (kind !== this.kind) {
      this.kind = kind;
      this.points = [];
    }
    const last = this.points.at(-1);
    if (last !== undefined && now - last.at < STEP_MS) return null;
    this.points = [...this.points.filter(({ at }) => now - at <= SPAN_MS), { at: now, ms }];
    return this.draw(now);
  }

  private draw(now: number): { line: string; area: string } {
    const highest = Math.max(0, ...this.points.map(({ ms }) => ms ?? 0));
    const scale = Math.max(SCALE_MIN_MS, highest * HEADROOM);
    let line = '';
    let area = '';
    let runStart: string | null = null;
    let x = '0';
    for (const { at, ms } of this.points) {
      if (ms === null) {
        if (runStart !== null) area += `L${x} ${this.height}Z`;
        runStart = null;
        continue;
      }
      x = (this.width * (1 - (now - at) / SPAN_MS)).toFixed(1);
      const y = (this.height * (1 - Math.min(1, Math.max(0, ms / scale)))).toFixed(1);
      line += `${runStart === null ? 'M' : 'L'}${x} ${y}`;
      area += runStart === null ? `M${x} ${this.height}L${x} ${y}` : `L${x} ${y}`;
      runStart ??= x;
    }
    if (runStart !== null) area += `L${x} ${this.height}Z`;
    return { line, area };
  }
}
