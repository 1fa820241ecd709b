/** The page's side of the worker: registering it, hearing from it, push on this device, and the offer to install. */

import { signal } from '@preact/signals';
import type { Api } from '@tayang/client';
import { localPath, type Router } from '@tayang/shell';
import { browserMemory } from '@tayang/ui';

/** Registers after the page has drawn itself: the worker fetches what the page has fetched already. */
export function registerWorker(base: string): void {
  if (!('serviceWorker' in navigator)) return;
  window.addEventListener('load', () => {
    // Refused (a private window): the app works without it.
    navigator.serviceWorker.register(`${base}sw.js`, { scope: base }).catch(() => undefined);
  });
}

/** A tap on a notice opens its address here; news that was pushed is counted. */
export function listenToWorker(router: Router, onNotice: () => void): () => void {
  if (!('serviceWorker' in navigator)) return () => undefined;
  const listener = ({ data, ports }: MessageEvent<{ type?: unknown; url?: unknown } | null>): void => {
    if (data?.type === 'notice') onNotice();
    if (data?.type !== 'open' || typeof data.url !== 'string') return;
    const url = new URL(data.url, location.origin);
    const path = url.origin === location.origin ? localPath(router.base, url.pathname) : null;
    if (path === null) return;
    router.go(path + url.search + url.hash);
    // The worker sends a page there that does not answer.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has but one other end
    ports[0]?.postMessage('opened');
  };
  navigator.serviceWorker.addEventListener('message', listener);
  return () => navigator.serviceWorker.removeEventListener('message', listener);
}

// --- push -------------------------------------------------------------------------------------------------------------

/** Each app of a server has a worker, and so a subscription, of its own. */
const subscriptionKey = (): string => `tayang.push-subscription.${location.pathname.split('/')[1] ?? ''}`;

/** With which sign-in the server was told of it last. */
const toldKey = (): string => `tayang.push-told.${location.pathname.split('/')[1] ?? ''}`;

export type PushAbility = 'possible' | 'unsupported' | 'denied';

export function pushAbility(): PushAbility {
  const able = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
  if (!able) return 'unsupported';
  return Notification.permission === 'denied' ? 'denied' : 'possible';
}

/** Whether this device gets pushes now. */
export async function hasPush(): Promise<boolean> {
  if (pushAbility() !== 'possible' || Notification.permission !== 'granted') return false;
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = (await registration?.pushManager.getSubscription()) ?? null;
  return subscription !== null && (browserMemory.get(subscriptionKey()) ?? '') !== '';
}

type PushApi = Pick<Api, 'pushKey' | 'subscribePush' | 'signInMark'>;

/** Subscribes this device and tells the server. */
async function subscribe(api: PushApi, registration: ServiceWorkerRegistration): Promise<void> {
  const { public_key } = await api.pushKey();
  await tell(api, await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: public_key }));
}

/** Tells the server of a subscription, and remembers under which name it has it and since which sign-in. */
async function tell(api: PushApi, subscription: PushSubscription): Promise<void> {
  const { endpoint, keys } = subscription.toJSON();
  const { id } = await api.subscribePush({ endpoint: endpoint ?? '', keys: { p256dh: keys?.['p256dh'] ?? '', auth: keys?.['auth'] ?? '' } });
  browserMemory.set(subscriptionKey(), id);
  browserMemory.set(toldKey(), api.signInMark() ?? '');
}

/** Turns pushes on; `false` if the reader did not permit it. */
export async function turnPushOn(api: Api): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false;
  await subscribe(api, await navigator.serviceWorker.ready);
  return true;
}

/**
 * What was on stays on. Browsers drop subscriptions now and then: one that is gone is made anew. The server tells a device
 * while its sign-in stands: after another it is told of the subscription again. Else news would end in silence.
 */
export async function keepPush(api: PushApi): Promise<void> {
  if (pushAbility() !== 'possible' || Notification.permission !== 'granted' || (browserMemory.get(subscriptionKey()) ?? '') === '') return;
  const registration = await navigator.serviceWorker.getRegistration();
  if (registration === undefined) return;
  const subscription = await registration.pushManager.getSubscription();
  if (subscription === null) await subscribe(api, registration);
  else if (browserMemory.get(toldKey()) !== (api.signInMark() ?? '')) await tell(api, subscription);
}

/** Turns pushes off here, and tells the server while it still knows which they were. */
export async function turnPushOff(api: Api): Promise<void> {
  const id = browserMemory.get(subscriptionKey());
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  await subscription?.unsubscribe();
  // Off from now on, whether the server hears of it or not: it finds out with its next push.
  browserMemory.set(subscriptionKey(), '');
  if (id !== null && id !== '') await api.unsubscribePush(id);
}

// --- installing -------------------------------------------------------------------------------------------------------

/** What Chromium hands over when the app can be installed. */
interface InstallEvent extends Event {
  prompt(): Promise<unknown>;
}

export const installable = signal<InstallEvent | null>(null);

/** Keeps the browser's offer for a place where it does not interrupt. */
export function offerInstall(): void {
  window.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    if ('prompt' in event) installable.value = event as InstallEvent;
  });
  window.addEventListener('appinstalled', () => {
    installable.value = null;
  });
}
