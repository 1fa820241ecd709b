import { describe, expect, test, vi } from 'vitest';
import { connect, Http, Problem, type Api, type HttpPorts, type Session } from '@tayang/client';
import { carriedPlace, carriedTo, carry } from '../src/carried.ts';
import { fieldText, placeProblems } from '../src/fields.ts';
import { problemText, sentence } from '../src/parts/feedback.tsx';
import { appended } from '../src/resource.ts';
import { isSame } from '../src/parts/kept.tsx';
import { lampState } from '../src/parts/lamp.tsx';
import { Preferences } from '../src/preferences.ts';
import { localPath, matchPath, safeNext } from '../src/router.ts';
import { SessionStore } from '../src/session.ts';
import { Toasts } from '../src/toasts.ts';
import { remaining, When } from '../src/when.ts';
import { en } from '../src/words/en.ts';
import { id } from '../src/words/id.ts';

/** Every text of a catalogue with the path to it. */
function textsOf(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => textsOf(inner, `${path}.${name}`));
}

test('both languages say everything, each in its own words', () => {
  const [one, two] = [textsOf(id), textsOf(en)];
  expect(one.map(([path]) => path)).toEqual(two.map(([path]) => path));
  for (const [path, text] of [...one, ...two]) expect(text.trim(), path).not.toBe('');
  const english = new Map(two);
  expect(one.filter(([path, text]) => english.get(path) === text)).toEqual([]);
});

test('what stood behind the # of a place is carried over signing in to that place, once', () => {
  const kept = new Map<string, string>();
  const memory = { get: (key: string) => kept.get(key) ?? null, set: (key: string, value: string) => void kept.set(key, value) };
  carry(memory, '/courses/1', 'undangan');
  expect([carriedTo(memory, '/courses/2'), carriedTo(memory, '/courses/1'), carriedTo(memory, '/courses/1')]).toEqual([null, 'undangan', null]);
});

test('it is kept for a day, over other places and tabs, for who comes back another way', () => {
  const kept = new Map<string, string>();
  const memory = { get: (key: string) => kept.get(key) ?? null, set: (key: string, value: string) => void kept.set(key, value) };
  carry(memory, '/courses/1', 'undangan', 0);
  carry(memory, '/', '', 1_000);
  expect([carriedPlace(memory, 3_600_000), carriedPlace(memory, 3_600_000)]).toEqual(['/courses/1#undangan', null]);
  carry(memory, '/courses/1', 'undangan', 0);
  expect([carriedPlace(memory, 25 * 3_600_000), carriedTo(memory, '/courses/1', 25 * 3_600_000)]).toEqual([null, null]);
});

describe('addresses', () => {
  test.each([
    ['/mymentor/', '/'],
    ['/mymentor', '/'],
    ['/mymentor/lessons/', '/lessons'],
    ['/mymentor/lessons/7', '/lessons/7'],
    ['/mymentors/', null],
    ['/watch/a/b', null],
  ])('%s is %j inside the app', (full, path) => {
    expect(localPath('/mymentor/', full)).toBe(path);
  });

  test('a pattern gives its parameters, decoded, or does not fit', () => {
    expect(matchPath('/lessons/:id', '/lessons/a%20b')).toEqual({ id: 'a b' });
    expect(matchPath('/lessons/:id', '/lessons')).toBeNull();
    expect(matchPath('/lessons/:id', '/lessons/')).toBeNull();
    expect(matchPath('/lessons/:id', '/lessons/%E0%A4%A')).toBeNull();
    expect(matchPath('/', '/')).toEqual({});
  });

  test.each([null, '', 'https://evil.example', '//evil.example', '/\\evil.example', '/sign-in?next=/x'])('after sign-in %j leads home', (next) => {
    expect(safeNext(next)).toBe('/');
  });

  test('after sign-in one goes on to where one wanted to go', () => {
    expect(safeNext('/lessons/7?tab=past')).toBe('/lessons/7?tab=past');
  });
});

describe('what to do next', () => {
  const refused = (status: number, language: string | null, detail: string | null = 'wait for the mentor') =>
    new Problem({ status, code: 'x', detail, language });

  test("is the server's word where it is in the reader's language", () => {
    expect(problemText(refused(403, 'en'), en, 'en')).toBe('Wait for the mentor.');
    expect(problemText(refused(403, 'id', 'tunggu mentor'), id, 'id')).toBe('Tunggu mentor.');
  });

  test('is ours for a code that we know, in both languages', () => {
    const full = new Problem({ status: 409, code: 'pins-full', detail: 'five are pinned: unpin one first', language: 'en' });
    expect([problemText(full, id, 'id'), problemText(full, en, 'en')]).toEqual([id.problem.codes['pins-full'], en.problem.codes['pins-full']]);
  });

  test('of a field is said by its code, more exactly where the field is known', () => {
    const of = (field: string, code: string) => fieldText({ field, code, detail: 'x' }, id.problem.fieldCodes);
    expect([of('title', 'too_long'), of('password', 'too_short'), of('word_filter.3', 'too_long'), of('x', 'new')]).toEqual([
      id.problem.fieldCodes['too_long'], id.problem.fieldCodes['password.too_short'], id.problem.fieldCodes['word_filter.too_long'], null,
    ]);
  });

  test('of fields goes to the field of the form, whatever the server calls it, and else to the whole form', () => {
    const problems = ['starts_at', 'word_filter.3', 'word_filter.4', 'zone', 'allow_overlap'].map((field) => ({ field, code: 'unknown', detail: field }));
    const placed = placeProblems(problems, { date: '', zone: '', word_filter: '' }, { starts_at: 'date' }, ({ detail }) => detail);
    expect(placed).toEqual({ errors: { date: 'starts_at', word_filter: 'word_filter.3', zone: 'zone' }, elsewhere: ['allow_overlap'] });
  });

  test('is ours where it is not, if the status says enough', () => {
    expect(problemText(refused(403, 'en'), id, 'id')).toBe(id.problem.forbidden);
    expect(problemText(refused(409, 'en'), id, 'id')).toBe('Wait for the mentor.');
    expect(problemText(refused(409, null, null), id, 'id')).toBe(id.problem.unknown);
  });

  test('without a network it is about the network', () => {
    expect(problemText(new Problem({ status: 0, code: 'offline' }), en, 'en')).toBe(en.problem.offline);
    expect(problemText(new Problem({ status: 429, code: 'x', retryAfterMs: 2_500 }), en, 'en')).toBe(en.problem.tooFast(3));
    expect(problemText(new Error('bug'), en, 'en')).toBe(en.problem.unknown);
  });

  test('a sentence begins large and ends', () => {
    expect(sentence('sign in and try again')).toBe('Sign in and try again.');
    expect(sentence('Already said!')).toBe('Already said!');
  });
});

describe('times', () => {
  const now = Date.parse('2026-11-28T10:00:00Z');
  const jakarta = new When('id', 'Asia/Jakarta');
  const jayapura = new When('en', 'Asia/Jayapura');

  test("are in the viewer's zone and language", () => {
    expect(jakarta.range('2026-11-28T12:00:00Z', '2026-11-28T13:30:00Z', now)).toBe('Hari ini · 19.00–20.30 WIB');
    expect(jayapura.moment('2026-11-28T16:00:00Z', now)).toBe('Tomorrow · 01:00');
    expect(jakarta.day('2026-11-27T10:00:00Z', now)).toBe('Kemarin');
    expect(jakarta.day('2026-12-07T10:00:00Z', now)).toBe('Senin, 7 Desember');
    expect(jakarta.day('2027-01-04T10:00:00Z', now)).toBe('Senin, 4 Januari 2027');
  });

  test('many of them take one formatter', () => {
    const real = Intl.DateTimeFormat;
    let made = 0;
    const counted = new Proxy(real, {
      construct: (target, args) => {
        made += 1;
        return Reflect.construct(target, args) as object;
      },
    });
    vi.stubGlobal('Intl', Object.create(Intl, { DateTimeFormat: { value: counted } }));
    for (let minute = 0; minute < 500; minute += 1) new When('id', 'Asia/Makassar').time(now + minute * 60_000);
    vi.unstubAllGlobals();
    expect(made).toBe(1);
  });

  test('spans are short', () => {
    expect([45, 60, 90].map((minutes) => jakarta.span(minutes * 60_000))).toEqual(['45 mnt', '1 jam', '1 jam 30 mnt']);
    expect(jayapura.span(5_400_000)).toBe('1 h 30 min');
    expect(jakarta.relative(now + 12 * 60_000, now)).toBe('dalam 12 menit');
  });

  test('a countdown never goes below nothing', () => {
    expect(remaining(now + 65_000, now)).toMatchObject({ clock: '01:05', days: 0, over: false });
    expect(remaining(now + 90_061_000, now)).toMatchObject({ clock: '01:01:01', days: 1 });
    expect(remaining(now - 1, now)).toMatchObject({ clock: '00:00', over: true });
  });
});

test('the lamp is red only while media arrives', () => {
  const lamp = (state: 'live' | 'scheduled' | 'ended', on_air: boolean, stalled: boolean) => lampState({ state, on_air, stalled });
  expect([lamp('live', true, false), lamp('live', false, false), lamp('live', false, true), lamp('scheduled', true, false), lamp('ended', true, false)]).toEqual([
    'onAir', 'waiting', 'stalled', 'scheduled', 'ended',
  ]);
});

describe('preferences', () => {
  const memoryOf = (kept: Record<string, string>) => ({ get: (key: string) => kept[key] ?? null, set: (key: string, value: string) => void (kept[key] = value) });

  test('what was chosen wins over the profile, and that over the browser', () => {
    const preferences = new Preferences('', ['en-GB'], memoryOf({}));
    expect(preferences.language.value).toBe('en');
    preferences.setProfileLocale('id');
    expect(preferences.language.value).toBe('id');
    preferences.setLanguage('en');
    expect(preferences.language.value).toBe('en');
  });

  test('a language in the address is a choice', () => {
    const kept = {};
    expect(new Preferences('?lang=en', ['id'], memoryOf(kept)).language.value).toBe('en');
    expect(new Preferences('', ['id'], memoryOf(kept)).language.value).toBe('en');
  });

  test('without any wish it is Indonesian', () => {
    expect(new Preferences('', ['fr'], memoryOf({})).language.value).toBe('id');
  });
});

describe('the session', () => {
  const of = (name: string | null): Session => ({
    user: name === null ? null : { id: 'u', email: '', name, locale: 'id', zone: 'Asia/Jakarta', roles: [], is_mentor: false, created_at: '' },
    csrf_token: 'c', roles: [], expires_at: null, oidc: [], passkeys: true,
  });

  function make(replies: (object | number)[]) {
    const asked: string[] = [];
    const told: string[] = [];
    const ports: HttpPorts = {
      fetch: (url, init) => {
        asked.push(`${init.method} ${url}`);
        const reply = replies.shift() ?? 0;
        if (reply === 0) return Promise.reject(new TypeError('lost'));
        return Promise.resolve(typeof reply === 'number' ? new Response(null, { status: reply }) : new Response(JSON.stringify(reply)));
      },
      after: (_, task) => queueMicrotask(task),
      randomKey: () => 'k',
      chance: () => 0,
      now: () => 0,
      isOnline: () => true,
    };
    const http = new Http(ports);
    const store = new SessionStore(connect(http), http, { tell: () => told.push('told'), onTold: () => undefined });
    return { store, http, asked, told };
  }

  test('signing in and out is told to the other tabs', async () => {
    const { store, told } = make([of('Satu'), 204, of(null)]);
    await store.signIn('a@b.c', 'x');
    expect(store.user.value?.name).toBe('Satu');
    await store.signOut();
    expect(store.user.value).toBeNull();
    expect(told).toHaveLength(2);
  });

  test('a passkey answers what the server asked, and whoever it is comes in', async () => {
    const { store, asked, told } = make([of(null), { challenge: 'c', public_key: { challenge: 'AAE', rpId: 'tayang.test' } }, of('Satu')]);
    vi.stubGlobal('PublicKeyCredential', {});
    vi.stubGlobal('navigator', { credentials: { get: async () => ({ toJSON: () => 'answer' }) } });
    await store.load();
    expect([store.user.value, store.passkeys.value]).toEqual([null, true]);
    await store.signInByPasskey();
    vi.unstubAllGlobals();
    expect([store.user.value?.name, told.length]).toEqual(['Satu', 1]);
    expect(asked).toEqual(['GET /api/v1/session', 'POST /api/v1/session/passkey/options', 'POST /api/v1/session/passkey']);
  });

  test('one that ended behind our back is learned of', async () => {
    const { store, http } = make([of('Satu'), 401, of(null)]);
    await store.load();
    await http.get('/x').catch(() => undefined);
    await store.load();
    expect(store.user.value).toBeNull();
  });

  test('a network that fails does not sign anybody out', async () => {
    const { store } = make([of('Satu'), 0, 0, 0]);
    await store.load();
    await store.load();
    expect([store.phase.value, store.user.value?.name]).toEqual(['known', 'Satu']);
  });

  test('what was asked before signing in does not undo it, nor its token', async () => {
    const late: ((session: Session) => void)[] = [];
    const asked = { signIn: () => Promise.resolve(of('Satu')), signOut: () => Promise.resolve(null), session: () => new Promise<Session>((resolve) => void late.push(resolve)) };
    const tokens: (string | null)[] = [];
    const http = { setCsrfToken: (token: string | null) => void tokens.push(token), onOutcome: () => () => undefined };
    const store = new SessionStore(asked as unknown as Api, http as unknown as Http, { tell: () => undefined, onTold: () => undefined });
    const before = store.load();
    await store.signIn('a@b.c', 'x');
    late[0]?.({ ...of(null), csrf_token: 'of nobody' });
    await before;
    expect([store.user.value?.name, tokens.at(-1)]).toEqual(['Satu', 'c']);
    const second = store.load();
    const out = store.signOut();
    await Promise.resolve();
    late[1]?.(of('Satu'));
    await second;
    expect(store.user.value).toBeNull();
    expect(late).toHaveLength(3);
    late[2]?.(of(null));
    await out;
    expect(store.user.value).toBeNull();
  });

  test('before anything is known it says that the server is not reached', async () => {
    const { store } = make([0, 0, 0]);
    await store.load();
    expect(store.phase.value).toBe('unreachable');
  });
});

test('a row of a list is the same while each of its parts is', () => {
  const [comment, acts] = [{}, {}];
  expect([isSame({ comment, acts }, { comment, acts }), isSame({ comment, acts }, { comment: {}, acts }), isSame<object>({ comment }, { comment, acts })]).toEqual([true, false, false]);
});

test('a further page goes behind the list it was asked for, and not behind one that was read anew', () => {
  const next = { items: [3], next_cursor: null };
  expect(appended({ items: [1, 2], next_cursor: 'a' }, 'a', next)).toEqual({ items: [1, 2, 3], next_cursor: null });
  expect(appended({ items: [1, 2], next_cursor: 'b' }, 'a', next)).toEqual({ items: [1, 2], next_cursor: 'b' });
});

test('a problem stays until it is put away, what was done goes by itself, and the same words come once', () => {
  const tasks: (() => void)[] = [];
  const toasts = new Toasts((_, task) => void tasks.push(task));
  toasts.done('tersimpan');
  toasts.problem('gagal');
  toasts.problem('gagal');
  for (const task of tasks) task();
  expect(toasts.list.value.map(({ text }) => text)).toEqual(['gagal']);
});
