/**
 * The server's clock, seen from here.
 *
 * A viewer's own clock may be wrong by hours, and is corrected while he watches; latency measured with it would be a
 * guess. So the page keeps the offset between the server's wall clock and its own *monotonic* time. The best sample is
 * the one that travelled fastest: its error is at most half its round trip, which is kept beside it.
 */

/** Milliseconds that never go backwards; the zero point does not matter. */
export type Monotonic = () => number;

interface Sample {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
  readonly takenAt: number;
}

/** Clocks drift apart by up to about 100 ppm: this is what an old sample loses in worth, per millisecond. */
const DRIFT = 1e-4;
/** Enough to find a fast one among; more would only be older. */
const SAMPLES_MAX = 16;

export class ServerClock {
  private samples: readonly Sample[] = [];

  public constructor(private readonly monotonic: Monotonic) {}

  /**
   * One exchange: asked at `sentAt`, answered at `receivedAt` (both monotonic), and the server said `serverMs`.
   * `resolutionMs` is how coarse that was: 1000 if the text had whole seconds only.
   */
  public observe(sentAt: number, receivedAt: number, serverMs: number, resolutionMs = 1): void {
    if (!Number.isFinite(serverMs) || receivedAt < sentAt) return;
    const middle = (sentAt + receivedAt) / 2;
    const sample: Sample = {
      offsetMs: serverMs + (resolutionMs - 1) / 2 - middle,
      uncertaintyMs: (receivedAt - sentAt + resolutionMs) / 2,
      takenAt: receivedAt,
    };
    this.samples = [...this.samples, sample].slice(-SAMPLES_MAX);
  }

  /** The server's wall clock now in Unix milliseconds; `null` before the first sample. */
  public now(): number | null {
    const best = this.best();
    return best === null ? null : this.monotonic() + best.offsetMs;
  }

  /** How wrong {@link now} may be, either way; `null` before the first sample. */
  public uncertaintyMs(): number | null {
    const best = this.best();
    return best === null ? null : this.worth(best);
  }

  private worth(sample: Sample): number {
    return sample.uncertaintyMs + (this.monotonic() - sample.takenAt) * DRIFT;
  }

  private best(): Sample | null {
    let best: Sample | null = null;
    for (const sample of this.samples) {
      if (best === null || this.worth(sample) < this.worth(best)) best = sample;
    }
    return best;
  }
}

/** Reads the text of `/time` (xs:dateTime). `null` if it is none. */
export function parseTime(text: string): { serverMs: number; resolutionMs: number } | null {
  const trimmed = text.trim();
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(trimmed);
  if (match === null) return null;
  const serverMs = Date.parse(trimmed);
  return Number.isFinite(serverMs) ? { serverMs, resolutionMs: match[1] === undefined ? 1000 : 1 } : null;
}
