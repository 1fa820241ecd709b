import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepPush } from '../src/worker.ts';

/** A browser that was permitted to show news, as far as the page uses it. */
class World {
  public readonly stored = new Map<string, string>([['tayang.push-subscription.mymentor', 'p-1']]);
  public subscribed = true;
  public mark = 'first';
  public readonly told: string[] = [];
  private readonly subscription = { toJSON: () => ({ endpoint: 'https://push.example/1', keys: { p256dh: 'p', auth: 'a' } }) };

  public constructor() {
    const pushManager = {
      getSubscription: () => Promise.resolve(this.subscribed ? this.subscription : null),
      subscribe: () => Promise.resolve(this.subscription),
    };
    const serviceWorker = { getRegistration: () => Promise.resolve({ pushManager }) };
    vi.stubGlobal('navigator', { serviceWorker });
    vi.stubGlobal('window', { PushManager: true, Notification: true });
    vi.stubGlobal('Notification', { permission: 'granted' });
    vi.stubGlobal('location', { pathname: '/mymentor/lessons' });
    vi.stubGlobal('localStorage', { getItem: (key: string) => this.stored.get(key) ?? null, setItem: (key: string, value: string) => void this.stored.set(key, value) });
  }

  public open(): Promise<void> {
    return keepPush({
      pushKey: () => Promise.resolve({ public_key: 'k' }),
      subscribePush: ({ endpoint }) => Promise.resolve({ id: `p-${this.told.push(`${this.mark} ${endpoint}`)}` }),
      signInMark: () => this.mark,
    });
  }
}

describe('news that is pushed to this device', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => vi.unstubAllGlobals());

  test('is told to the server once for each sign-in, to which it is bound there', async () => {
    await world.open();
    await world.open();
    world.mark = 'second';
    await world.open();
    await world.open();
    expect(world.told).toEqual(['first https://push.example/1', 'second https://push.example/1']);
  });

  test('is subscribed to anew when the browser dropped it', async () => {
    await world.open();
    world.subscribed = false;
    await world.open();
    expect(world.told).toHaveLength(2);
  });

  test('stays off where it was turned off', async () => {
    world.stored.set('tayang.push-subscription.mymentor', '');
    await world.open();
    expect(world.told).toEqual([]);
  });
});
