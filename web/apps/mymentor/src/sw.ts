/**
 * The worker behind an app (MyMentor, MyMentee): keeps the shell so that the app opens without a network, and shows what is pushed.
 *
 * Owns the cache of the app's own files and the record of shown pushes. Answers of the API are never kept: what is old is
 * not shown as if it were so; the page says that it is offline. Media is none of its business.
 */

import { handlingOf, parsePush } from './sw-parts.ts';

declare const self: ServiceWorkerGlobalScope;

/** Filled in by `scripts/precache.mjs` after the build: a version and the files that the app needs to open. */
const [VERSION = '', ...FILES] = '__SHELL__'.split(' ');

const BASE = new URL(self.registration.scope).pathname;
/** Apps of one server share its caches: each knows its own by its place. */
const OWN = `${BASE.replaceAll('/', '')}-`;
const CACHE = OWN + VERSION;
/** A network that does not answer within this time is none; the kept shell is at hand. */
const PAGE_PATIENCE_MS = 4_000;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll([BASE, ...FILES.map((file) => BASE + file)]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith(OWN) && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const handling = handlingOf(request.method, request.mode, new URL(request.url), self.location.origin, BASE);
  if (handling === 'page') event.respondWith(page(request));
  else if (handling === 'asset') event.respondWith(asset(request));
});

/** The page is small and says which files it needs: a fresh one first, or a new version would never come. */
async function page(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(BASE);
  try {
    // Where nothing is kept there is nothing to be impatient for.
    const signal = kept === undefined ? null : AbortSignal.timeout(PAGE_PATIENCE_MS);
    const response = await fetch(request.url, { credentials: 'same-origin', signal });
    if (response.ok || kept === undefined) return response;
    return response.status >= 500 ? kept : response;
  } catch {
    return kept ?? Response.error();
  }
}

async function asset(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept !== undefined) return kept;
  const response = await fetch(request);
  // Named by its hash it never changes; engines of the player are kept when they were wanted once.
  if (response.status === 200) await cache.put(request, response.clone());
  return response;
}

// --- pushes -----------------------------------------------------------------------------------------------------------

const STORE = 'shown';
/** Records older than this are forgotten: no push is repeated after so long. */
const RECORD_MS = 14 * 86_400_000;

function openRecord(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('tayang-pushes', 1);
    opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(STORE));
    opening.addEventListener('success', () => resolve(opening.result));
    opening.addEventListener('error', () => reject(opening.error ?? new Error('no record of pushes')));
  });
}

/** Does `work` on the record of shown pushes; answers what it read. */
async function withRecord<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T> | null): Promise<T | undefined> {
  const db = await openRecord();
  try {
    return await new Promise<T | undefined>((resolve, reject) => {
      const transaction = db.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.addEventListener('complete', () => resolve(asked?.result));
      transaction.addEventListener('error', () => reject(transaction.error ?? new Error('record of pushes failed')));
    });
  } finally {
    db.close();
  }
}

async function wasShown(id: string): Promise<boolean> {
  return (await withRecord<unknown>('readonly', (store) => store.get(id))) !== undefined;
}

/** Notes a push, and forgets old ones. */
async function note(id: string): Promise<void> {
  const now = Date.now();
  await withRecord('readwrite', (store) => {
    store.put(now, id);
    const walking = store.openCursor();
    walking.addEventListener('success', () => {
      const cursor = walking.result;
      if (cursor === null) return;
      if (typeof cursor.value === 'number' && now - cursor.value > RECORD_MS) cursor.delete();
      cursor.continue();
    });
    return null;
  });
}

async function show(text: string): Promise<void> {
  const message = parsePush(text, self.location.origin, BASE);
  if (message === null) return;
  // One that comes again takes the place of the first without a sound: a push that shows nothing at all costs the
  // subscription in Safari. Without a record the tag alone keeps a repetition from making a second line.
  const again = await wasShown(message.id).catch(() => false);
  await self.registration.showNotification(message.title, {
    body: message.body,
    tag: message.id,
    silent: again ? true : null,
    icon: `${BASE}icon-192.png`,
    badge: `${BASE}badge-96.png`,
    data: { url: message.url },
  });
  if (again) return;
  // Behind the showing: one that could not be shown comes again.
  await note(message.id).catch(() => undefined);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's clients are of its own origin
  for (const client of await self.clients.matchAll({ type: 'window' })) client.postMessage({ type: 'notice' });
}

self.addEventListener('push', (event) => {
  event.waitUntil(show(event.data?.text() ?? ''));
});

/** A page that does not say within this time that it goes there (one is at its sign-in) is sent there. */
const ANSWER_MS = 1_000;

/** Asks a page to go to the address; whether it does. */
function goesThere(client: WindowClient, url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => resolve(true), { once: true });
    port1.start();
    setTimeout(() => resolve(false), ANSWER_MS);
    client.postMessage({ type: 'open', url }, [port2]);
  });
}

/** Goes to the address in a window that is open already, or opens one. */
async function openAt(url: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const client = windows.find((one) => new URL(one.url).pathname.startsWith(BASE));
  if (client !== undefined) {
    const front = await client.focus().catch(() => client);
    if (await goesThere(front, url)) return;
    // Refused for a page that this worker does not serve.
    if ((await front.navigate(url).catch(() => null)) !== null) return;
  }
  await self.clients.openWindow(url);
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const stored = (event.notification.data as { url?: unknown } | null)?.url;
  event.waitUntil(openAt(typeof stored === 'string' ? stored : self.location.origin + BASE));
});
