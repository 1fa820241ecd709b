/**
 * Whether the server can be reached: what the device says of its network, and what requests learned.
 *
 * A device that says *offline* is believed; one that says *online* may stand before a dead network, so that requests that
 * found nobody count too, until one is answered again. Pure: events come from whoever listens to the browser.
 */

export type Reach = 'online' | 'offline' | 'unreachable';

export class ReachWatch {
  private deviceOnline: boolean;
  private answered = true;
  private readonly listeners = new Set<(reach: Reach) => void>();

  public constructor(deviceOnline: boolean) {
    this.deviceOnline = deviceOnline;
  }

  public get reach(): Reach {
    if (!this.deviceOnline) return 'offline';
    return this.answered ? 'online' : 'unreachable';
  }

  public device(online: boolean): void {
    this.change(() => {
      this.deviceOnline = online;
      // A new network deserves a new try before anybody is told that nobody answers.
      if (online) this.answered = true;
    });
  }

  public request(answered: boolean): void {
    this.change(() => {
      this.answered = answered;
    });
  }

  public subscribe(listener: (reach: Reach) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private change(act: () => void): void {
    const before = this.reach;
    act();
    if (before !== this.reach) for (const listener of this.listeners) listener(this.reach);
  }
}
