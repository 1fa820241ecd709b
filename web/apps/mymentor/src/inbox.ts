/** How many notices wait to be read, and when news came. Owns these numbers; the notices themselves belong to their page. */

import { signal, type ReadonlySignal } from '@preact/signals';
import type { Api } from '@tayang/client';

/** A badge says no more than `99+`, and one page is enough to know that something waits. */
const LOOK_AT = 50;

export class Inbox {
  private readonly count = signal(0);
  private readonly pushed = signal(0);

  public get unread(): ReadonlySignal<number> {
    return this.count;
  }

  public async look(api: Pick<Api, 'notices'>): Promise<void> {
    try {
      const { items } = await api.notices({ limit: LOOK_AT });
      this.count.value = items.filter(({ read_at }) => read_at === null).length;
    } catch {
      // A number beside an icon is not worth a message; it is asked for again.
    }
  }

  /** Rises with every piece of news that was pushed while the app is open. */
  public get heard(): ReadonlySignal<number> {
    return this.pushed;
  }

  public hear(): void {
    this.pushed.value += 1;
  }

  public clear(): void {
    this.count.value = 0;
  }
}

/** One app has one inbox. */
export const inbox = new Inbox();
