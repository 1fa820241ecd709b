/** Waits between two comments of one person, as choices. Pure. */

import { SLOW_STEPS } from './lesson-form.ts';

/** The usual waits in seconds, and whatever is set already. */
export function slowOptions(present: string, label: (seconds: string) => string): readonly (readonly [string, string])[] {
  const steps = [...new Set([...SLOW_STEPS.map(String), present])].toSorted((a, b) => Number(a) - Number(b));
  return steps.map((step) => [step, label(step)] as const);
}
