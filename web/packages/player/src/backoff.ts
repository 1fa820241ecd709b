/** Waits that grow to a cap and then stay: what is tried for ever must not be tried often. Pure; chance is handed in. */

export interface BackoffShape {
  readonly firstMs: number;
  readonly factor: number;
  readonly capMs: number;
}

/** Share by which a wait is shortened or lengthened, so that many viewers do not come back in one moment. */
const SPREAD = 0.15;

/** The wait before try `attempt` (0 is the first retry). `chance` is in [0, 1). */
export function backoffMs(shape: BackoffShape, attempt: number, chance: number): number {
  const steps = Math.min(Math.max(0, attempt), 64);
  const whole = Math.min(shape.capMs, shape.firstMs * shape.factor ** steps);
  return Math.round(whole * (1 - SPREAD + 2 * SPREAD * chance));
}
