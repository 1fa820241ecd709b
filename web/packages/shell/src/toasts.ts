/** Short words about what was just done, or was not. Owns how long they stay; the frame shows them. */

import { signal, type ReadonlySignal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'problem';
  readonly text: string;
}

/** Long enough to be read twice; a problem stays until it is put away. */
const STAY_MS = 6_000;
const TOASTS_MAX = 3;

export class Toasts {
  private readonly shown = signal<readonly Toast[]>([]);
  private last = 0;

  public constructor(private readonly after: (ms: number, task: () => void) => void = (ms, task) => void setTimeout(task, ms)) {}

  public get list(): ReadonlySignal<readonly Toast[]> {
    return this.shown;
  }

  public done(text: string): void {
    const id = this.add('done', text);
    this.after(STAY_MS, () => this.drop(id));
  }

  public problem(text: string): void {
    this.add('problem', text);
  }

  public drop(id: number): void {
    this.shown.value = this.shown.value.filter((toast) => toast.id !== id);
  }

  private add(kind: Toast['kind'], text: string): number {
    this.last += 1;
    // The same words twice are said once.
    const others = this.shown.value.filter((toast) => toast.text !== text);
    this.shown.value = [...others, { id: this.last, kind, text }].slice(-TOASTS_MAX);
    return this.last;
  }
}
