/** What the worker decides, without the worker: pure, so that it can be tested. */

/** What a push says, as the server sends it. */
export interface PushMessage {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly body: string;
  /** Path on this server that a tap opens. */
  readonly url: string;
}

const TEXT_MAX = 500;

/** Reads a push; `null` if it is none of ours. Foreign addresses are refused: a tap must stay on this server. */
export function parsePush(text: string, origin: string, base: string): PushMessage | null {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null) return null;
  const of = (name: string): string => {
    const value = (fields as Record<string, unknown>)[name];
    return typeof value === 'string' ? value.slice(0, TEXT_MAX) : '';
  };
  if (of('id') === '' || of('title') === '') return null;
  return { id: of('id'), kind: of('kind'), title: of('title'), body: of('body'), url: safeUrl(of('url'), origin, base) };
}

function safeUrl(url: string, origin: string, base: string): string {
  try {
    const full = new URL(url === '' ? base : url, origin);
    return full.origin === origin ? full.href : origin + base;
  } catch {
    return origin + base;
  }
}

export type Handling = 'page' | 'asset' | 'network';

/** How a request is served: pages from the network or the kept shell, files named by their hash from what is kept. */
export function handlingOf(method: string, mode: string, url: URL, origin: string, base: string): Handling {
  if (method !== 'GET' || url.origin !== origin || !url.pathname.startsWith(base)) return 'network';
  if (mode === 'navigate') return 'page';
  return url.pathname.slice(base.length).startsWith('assets/') ? 'asset' : 'network';
}
