/**
 * Requests to the server: JSON both ways, problems as {@link Problem}, the CSRF header, idempotency keys, versions.
 *
 * Owns the CSRF token and the versions (`ETag`) of what was read; owns no session and no words. Every `POST` carries a key
 * and is tried again with the *same* key when no answer came, since the server then does it once; where the server keeps
 * no answers (`freshKey`) each try is a deed of its own. Nothing else that changes something is tried again by itself.
 */

import { backoffMs, type BackoffShape } from '@tayang/player/backoff';
import { Problem, problemOf, retryAfterMs } from './problem.ts';

/** The world outside. */
export interface HttpPorts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Runs `task` once after `ms`. */
  readonly after: (ms: number, task: () => void) => void;
  /** 128 random bits as text, for idempotency keys. */
  readonly randomKey: () => string;
  /** In [0, 1). */
  readonly chance: () => number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** What the device itself says of its network. */
  readonly isOnline: () => boolean;
  /** Sends an empty `POST` that outlives the page; `false` if it was not taken. */
  readonly beacon?: (url: string) => boolean;
}

export type QueryValue = string | number | boolean | null | undefined;

export interface RequestOptions {
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Sends `If-Match` with the version that was last read of this path. */
  readonly ifUnchanged?: boolean;
  /** A key of the caller's own: a form that is sent again by hand stays one deed. */
  readonly idempotencyKey?: string;
  /** Each try has a key of its own: the server keeps no answer of this, and would refuse a repetition. */
  readonly freshKey?: boolean;
  /** Goes on when the page goes away (the last word of a page that is left). */
  readonly keepalive?: boolean;
  /** For questions that the server answers late on purpose. */
  readonly timeoutMs?: number;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A question that takes longer than this was lost. */
const TIMEOUT_MS = 15_000;
/** Tries of what may be repeated, the first among them. */
const TRIES_MAX = 3;
const RETRY: BackoffShape = { firstMs: 400, factor: 2.5, capMs: 3_000 };
/** Versions kept: more than one page ever shows at once. */
const VERSIONS_MAX = 200;

/** A device clock that is off by less is not corrected. */
const CLOCK_TRUST_MS = 3_000;

/** Path with its query; what is absent, `null` or empty is left out. */
export function withQuery(path: string, query: Readonly<Record<string, QueryValue>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

export class Http {
  private csrfToken: string | null = null;
  private language: string | null = null;
  /** The server's clock less the device's, from the `Date` of its answers: good to a second, which a countdown needs. */
  private clockOffsetMs = 0;
  private readonly versions = new Map<string, string>();
  private readonly listeners = new Set<(outcome: Problem | null) => void>();

  public constructor(private readonly ports: HttpPorts) {}

  /** The token that `GET /session` answered. */
  public setCsrfToken(token: string | null): void {
    this.csrfToken = token;
  }

  /** Tells one sign-in from another without being worth anything itself; `null` for nobody. */
  public signInMark(): string | null {
    return this.csrfToken === null ? null : markOf(this.csrfToken);
  }

  /** In which language the server should say what to do next. */
  public setLanguage(language: string): void {
    this.language = language;
  }

  /** The server's wall clock in Unix milliseconds; the device's until an answer came. */
  public serverNow(): number {
    return this.ports.now() + this.clockOffsetMs;
  }

  /** Calls back with every outcome (`null`: it was done): a lost session or network is everybody's business. */
  public onOutcome(listener: (outcome: Problem | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  public newKey(): string {
    return this.ports.randomKey();
  }

  public get<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('GET', path, options);
  }

  public post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('POST', path, { ...options, body });
  }

  public put<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PUT', path, { ...options, body });
  }

  public patch<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('PATCH', path, { ...options, body });
  }

  public delete<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.request<T>('DELETE', path, options);
  }

  /** Says something to the server while the page goes away, without waiting for an answer; `false` if it was not taken. */
  public beacon(path: string): boolean {
    return this.ports.beacon?.(path) ?? false;
  }

  private async request<T>(method: Method, path: string, options: RequestOptions): Promise<T> {
    const kept = method === 'POST' && options.freshKey !== true ? (options.idempotencyKey ?? this.ports.randomKey()) : null;
    const repeatable = (method === 'GET' || method === 'POST') && options.keepalive !== true;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const key = method === 'POST' ? (kept ?? this.ports.randomKey()) : null;
        const answer = await this.once<T>(method, path, options, key);
        this.tell(null);
        return answer;
      } catch (error) {
        const again = repeatable && error instanceof Problem && error.code === 'unreachable' && attempt + 1 < TRIES_MAX;
        if (!again) {
          if (error instanceof Problem) this.tell(error);
          throw error;
        }
        await this.pause(backoffMs(RETRY, attempt, this.ports.chance()), options.signal);
      }
    }
  }

  private async once<T>(method: Method, path: string, options: RequestOptions, key: string | null): Promise<T> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
    const signal = firstOf(timeout, options.signal);
    let response: Response;
    let text: string;
    try {
      response = await this.ports.fetch(withQuery(path, options.query), {
        method,
        headers: this.headers(method, path, options, key),
        credentials: 'same-origin',
        cache: 'no-store',
        ...(options.keepalive === true ? { keepalive: true } : { signal }),
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
      text = await response.text();
    } catch (error) {
      // Our own patience is a network that does not answer; the caller's is not.
      if (options.signal?.aborted === true) throw new DOMException('given up', 'AbortError');
      if (!(error instanceof TypeError) && !timeout.aborted) throw error;
      throw new Problem({ status: 0, code: this.ports.isOnline() ? 'unreachable' : 'offline' });
    }
    return this.take<T>(path, response, text);
  }

  private tell(outcome: Problem | null): void {
    for (const listener of this.listeners) listener(outcome);
  }

  private headers(method: Method, path: string, options: RequestOptions, key: string | null): Record<string, string> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (this.language !== null) headers['accept-language'] = this.language;
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    if (method !== 'GET' && this.csrfToken !== null) headers['x-csrf-token'] = this.csrfToken;
    if (key !== null) headers['idempotency-key'] = key;
    const version = options.ifUnchanged === true ? this.versions.get(path) : undefined;
    if (version !== undefined) headers['if-match'] = version;
    return headers;
  }

  private take<T>(path: string, response: Response, text: string): T {
    const json = parseJson(text);
    this.observeClock(response.headers.get('date'));
    if (!response.ok) {
      const { headers } = response;
      throw problemOf(response.status, json, retryAfterMs(headers.get('retry-after'), this.ports.now()), headers.get('content-language'));
    }
    this.remember(path, response.headers.get('etag'));
    // The server's own schema is the contract; its answers are taken at their word.
    return json as T;
  }

  /** A device whose clock is right to a few seconds is left alone: `Date` has whole seconds, and the answer travelled. */
  private observeClock(date: string | null): void {
    const at = date === null ? Number.NaN : Date.parse(date);
    if (!Number.isFinite(at)) return;
    const offset = at + 500 - this.ports.now();
    this.clockOffsetMs = Math.abs(offset) < CLOCK_TRUST_MS ? 0 : offset;
  }

  private remember(path: string, version: string | null): void {
    if (version === null) return;
    this.versions.delete(path);
    this.versions.set(path, version);
    const oldest = this.versions.keys().next();
    if (this.versions.size > VERSIONS_MAX && oldest.done !== true) this.versions.delete(oldest.value);
  }

  private pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new DOMException('given up', 'AbortError'));
      if (signal?.aborted === true) return giveUp();
      signal?.addEventListener('abort', giveUp, { once: true });
      return this.ports.after(ms, resolve);
    });
  }
}

/** Aborts with whichever comes first. By hand: `AbortSignal.any` is younger than the browsers that the build aims at. */
function firstOf(timeout: AbortSignal, given: AbortSignal | undefined): AbortSignal {
  if (given === undefined) return timeout;
  const first = new AbortController();
  for (const one of [given, timeout]) {
    if (one.aborted) first.abort(one.reason);
    else one.addEventListener('abort', () => first.abort(one.reason), { once: true, signal: first.signal });
  }
  return first.signal;
}

/** FNV-1a: short, and of no use to whoever finds it. */
function markOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}

function parseJson(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The browser as the world outside. */
export function browserHttpPorts(): HttpPorts {
  return {
    fetch: (url, init) => fetch(url, init),
    after: (ms, task) => void setTimeout(task, ms),
    randomKey,
    chance: Math.random,
    now: Date.now,
    isOnline: () => navigator.onLine,
    beacon: (url) => navigator.sendBeacon(url),
  };
}

/** 128 random bits in hex. Not `randomUUID`, which pages without TLS do not have. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
