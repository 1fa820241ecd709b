import { describe, expect, test } from 'vitest';
import { connect } from '../src/api.ts';
import { Http, withQuery, type HttpPorts } from '../src/http.ts';
import { problemOf, retryAfterMs, type Problem } from '../src/problem.ts';

type Reply = Response | Error;

/** A server that answers what the test laid out, and remembers what it was asked. */
class World {
  public readonly asked: { url: string; init: RequestInit }[] = [];
  public online = true;
  public keys = 0;
  public readonly beacons: string[] = [];
  public takesBeacons = true;
  public readonly http: Http;

  public constructor(private readonly replies: Reply[]) {
    const ports: HttpPorts = {
      fetch: (url, init) => {
        this.asked.push({ url, init });
        const reply = this.replies.shift() ?? new TypeError('nothing laid out');
        return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
      },
      after: (_, task) => queueMicrotask(task),
      randomKey: () => `key-${(this.keys += 1)}`,
      chance: () => 0.5,
      now: () => Date.parse('2026-11-28T12:00:00.000Z'),
      isOnline: () => this.online,
      beacon: (url) => {
        if (this.takesBeacons) this.beacons.push(url);
        return this.takesBeacons;
      },
    };
    this.http = new Http(ports);
  }

  public header(at: number, name: string): string | undefined {
    return (this.asked[at]?.init.headers as Record<string, string> | undefined)?.[name];
  }
}

const json = (value: unknown, headers: Record<string, string> = {}, status = 200): Response => new Response(JSON.stringify(value), { status, headers });
const lost = (): Error => new TypeError('failed to fetch');

describe('requests', () => {
  test('a POST that got no answer is tried again with the same key', async () => {
    const world = new World([lost(), lost(), json({ ok: true })]);
    expect(await world.http.post('/x', { a: 1 })).toEqual({ ok: true });
    expect([0, 1, 2].map((at) => world.header(at, 'idempotency-key'))).toEqual(['key-1', 'key-1', 'key-1']);
  });

  test('two POSTs have two keys, and one that the caller gave is kept', async () => {
    const world = new World([json(1), json(2), json(3)]);
    await world.http.post('/x');
    await world.http.post('/x');
    await world.http.post('/x', undefined, { idempotencyKey: 'mine' });
    expect([0, 1, 2].map((at) => world.header(at, 'idempotency-key'))).toEqual(['key-1', 'key-2', 'mine']);
  });

  test('a link is opened without a word on the password, and with one once the server has asked', async () => {
    const world = new World([json({ type: '/problems/password-typed', status: 409, title: '', detail: '' }, {}, 409), json({})]);
    const api = connect(world.http);
    await expect(api.signInByLink('t')).rejects.toMatchObject({ code: 'password-typed' });
    await api.signInByLink('t', false);
    expect(world.asked.map(({ init }) => JSON.parse(String(init.body)) as unknown)).toEqual([{ token: 't' }, { token: 't', keep_password: false }]);
  });

  test('a playback that got no answer is asked for again with another key: the server keeps no answers of these', async () => {
    const world = new World([lost(), json({ playback_id: 'p' }), lost(), json({ playback_id: 'p' })]);
    const api = connect(world.http);
    await api.openPlayback('l');
    await api.refreshPlayback('p');
    expect([0, 1, 2, 3].map((at) => world.header(at, 'idempotency-key'))).toEqual(['key-1', 'key-2', 'key-3', 'key-4']);
  });

  test('a playback is ended by a beacon when the page goes away, and else, or where none is taken, by a request', async () => {
    const world = new World([json(null), json(null)]);
    const api = connect(world.http);
    await api.endPlayback('p', true);
    expect([world.beacons, world.asked.length]).toEqual([['/api/v1/playbacks/p/end'], 0]);
    world.takesBeacons = false;
    await api.endPlayback('p', true);
    await api.endPlayback('p');
    expect(world.asked.map(({ url, init }) => `${init.method} ${url} ${init.keepalive}`)).toEqual(Array(2).fill('DELETE /api/v1/playbacks/p true'));
  });

  test('a request ends with its caller although browsers at the floor cannot join signals', async () => {
    const { any } = AbortSignal;
    Object.assign(AbortSignal, { any: undefined });
    try {
      const world = new World([json({ ok: true })]);
      const aborter = new AbortController();
      expect(await world.http.get('/x', { signal: aborter.signal })).toEqual({ ok: true });
      const signal = world.asked[0]?.init.signal;
      expect(signal?.aborted).toBe(false);
      aborter.abort();
      expect(signal?.aborted).toBe(true);
    } finally {
      Object.assign(AbortSignal, { any });
    }
  });

  test.each(['patch', 'put'] as const)('a %s that got no answer is not tried again by itself', async (method) => {
    const world = new World([lost(), json({})]);
    await expect(world.http[method]('/x', {})).rejects.toMatchObject({ code: 'unreachable', status: 0 });
    expect(world.asked).toHaveLength(1);
  });

  test('a device without a network is not asked to try again', async () => {
    const world = new World([lost(), json({})]);
    world.online = false;
    await expect(world.http.get('/x')).rejects.toMatchObject({ code: 'offline' });
    expect(world.asked).toHaveLength(1);
  });

  test('the token of the session goes with what changes something, and not with a GET', async () => {
    const world = new World([json({ user: null, csrf_token: 'c', roles: [], expires_at: null, oidc: [] }), json({}), json({})]);
    await connect(world.http).session();
    await world.http.delete('/x');
    await world.http.get('/x');
    expect([0, 1, 2].map((at) => world.header(at, 'x-csrf-token'))).toEqual([undefined, 'c', undefined]);
  });

  test('a change is sent against the version that was read', async () => {
    const world = new World([json({}, { etag: '"7"' }), json({}, { etag: '"8"' }), json({})]);
    await world.http.get('/x');
    await world.http.patch('/x', {}, { ifUnchanged: true });
    await world.http.patch('/x', {}, { ifUnchanged: true });
    expect([1, 2].map((at) => world.header(at, 'if-match'))).toEqual(['"7"', '"8"']);
  });

  test('what the caller gave up is told as that, and not as a network that failed', async () => {
    const aborter = new AbortController();
    const world = new World([new DOMException('gone', 'AbortError')]);
    aborter.abort();
    await expect(world.http.get('/x', { signal: aborter.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('the clock of a device that is wrong by hours is set right by the server', async () => {
    const world = new World([json({}, { date: 'Sat, 28 Nov 2026 15:00:00 GMT' }), json({}, { date: 'Sat, 28 Nov 2026 12:00:01 GMT' })]);
    await world.http.get('/x');
    expect(world.http.serverNow()).toBe(Date.parse('2026-11-28T15:00:00.500Z'));
    await world.http.get('/x');
    expect(world.http.serverNow()).toBe(Date.parse('2026-11-28T12:00:00.000Z'));
  });

  test('a comment posted twice is the same deed', async () => {
    const world = new World([json(null), json(null)]);
    const api = connect(world.http);
    for (let n = 0; n < 2; n += 1) await api.postComment('l', { client_id: 'c-1', body: 'halo', media_ms: null });
    expect([0, 1].map((at) => world.header(at, 'idempotency-key'))).toEqual(['c-1', 'c-1']);
  });
});

describe('problems', () => {
  test('are read as the server writes them', () => {
    const body = { type: '/problems/not-now', title: 'not now', detail: 'wait', errors: [{ field: 'name', code: 'too_long', detail: 'too long' }, { field: 3 }] };
    const problem = problemOf(422, body, null, 'id-ID');
    expect(problem).toMatchObject({ status: 422, code: 'not-now', detail: 'wait', language: 'id', isNetwork: false });
    expect(problem.fields).toEqual([{ field: 'name', code: 'too_long', detail: 'too long' }]);
    expect(problem.forField('name')).toBe('too long');
  });

  test.each([[null], ['text'], [[]], [{ type: 5, errors: 'x' }]])('%j from a proxy in between is a problem too', (body) => {
    expect(problemOf(502, body, null)).toMatchObject({ status: 502, code: 'unknown', detail: null, fields: [] });
  });

  test('are told to whoever listens, as is that all is well', async () => {
    const world = new World([json({ type: '/problems/not-signed-in' }, {}, 401), json({})]);
    const told: (Problem | null)[] = [];
    world.http.onOutcome((outcome) => told.push(outcome));
    await world.http.get('/x').catch(() => undefined);
    await world.http.get('/x');
    expect(told.map((one) => one?.status ?? null)).toEqual([401, null]);
  });

  test.each([
    ['7', 7_000],
    ['Sat, 28 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 28 Nov 2026 11:00:00 GMT', 0],
    ['soon', null],
    [null, null],
  ])('Retry-After %j is %j ms', (header, ms) => {
    expect(retryAfterMs(header, Date.parse('2026-11-28T12:00:00Z'))).toBe(ms);
  });
});

test('what is absent is left out of a query', () => {
  expect(withQuery('/x', { a: 1, b: null, c: undefined, d: '', e: false, f: 'g h' })).toBe('/x?a=1&e=false&f=g+h');
  expect(withQuery('/x', {})).toBe('/x');
});
