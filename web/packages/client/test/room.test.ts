import { describe, expect, test } from 'vitest';
import type { Comment, CommentKept } from '../src/models.ts';
import { Problem } from '../src/problem.ts';
import { RoomConnection, type LineListener, type RoomOptions, type RoomPorts, type RoomWay } from '../src/room/connection.ts';
import { DueComments, HELD_BACK_MAX_MS } from '../src/room/due.ts';
import { closeCode, parseFrame, type RoomEvent } from '../src/room/events.ts';
import { applyEvent, applyEvents, EMPTY_ROOM, gapOf, withGapFilled, withOutgoing, type RoomState } from '../src/room/state.ts';

const comment = (seq: number, more: Partial<Comment> = {}): Comment => ({
  id: `k-${seq}`, seq, user: { id: 'u', name: 'Peserta', mentor: false }, body: `kata ${seq}`, at: '', media_ms: null, client_id: null, ...more,
});
const hello = (seq: number) => ({ t: 'hello', seq, viewers: 3, pinned: [], slow_ms: 0, comments_on: true, me: { muted_until_at: null, hand: false } });
const came = (seq: number, more: Partial<Comment> = {}): RoomEvent => ({ t: 'comment', comment: comment(seq, more) });

function after(...events: readonly unknown[]): RoomState {
  return parseFrame(JSON.stringify(events)).reduce(applyEvent, EMPTY_ROOM);
}

describe('frames', () => {
  test('an unknown event, a broken one and broken text are passed over', () => {
    expect(parseFrame('[{"t":"new"},{"t":"comment","id":1},{"t":"viewers","n":4},7,null]')).toEqual([{ t: 'viewers', n: 4 }]);
    expect(parseFrame('{')).toEqual([]);
  });

  test('counts of kinds that are not known are left out', () => {
    expect(parseFrame('[{"t":"reactions","media_ms":1,"counts":{"hati":2,"x":9,"tawa":-1}}]')).toEqual([{ t: 'reactions', media_ms: 1, counts: { hati: 2 }, totals: null }]);
  });
});

describe('what is known of a room', () => {
  test('a comment is there once, in its place, however often it came', () => {
    let room = after(hello(0));
    for (const seq of [2, 1, 2, 3, 1]) room = applyEvent(room, came(seq));
    expect(room.comments.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(gapOf(room)).toBeNull();
  });

  test('who comes late is missing the last of what was said', () => {
    expect(gapOf(after(hello(500)))).toEqual({ after: 440, upTo: 500 });
    expect(gapOf(after(hello(5)))).toEqual({ after: 0, upTo: 5 });
  });

  test('a jump is a gap until it was asked for, even if nothing is shown for it', () => {
    let room = applyEvent(after(hello(0)), came(1));
    room = applyEvent(room, came(4));
    const gap = gapOf(room);
    expect(gap).toEqual({ after: 1, upTo: 4 });
    if (gap !== null) room = withGapFilled(room, gap, [comment(3)]);
    expect(room.comments.map(({ seq }) => seq)).toEqual([1, 3, 4]);
    expect(gapOf(room)).toBeNull();
  });

  test("one's own comment is in the outbox or in the room, never in both", () => {
    const out = withOutgoing(after(hello(0)), { client_id: 'c', body: 'x', media_ms: 1 });
    const acked = applyEvent(out, { t: 'ack', client_id: 'c', seq: 1, held: false });
    expect(acked.outbox).toMatchObject([{ phase: 'sending', seq: 1 }]);
    expect(applyEvent(acked, came(1)).outbox).toEqual([]);
    expect(applyEvent(out, came(1, { client_id: 'c' })).outbox).toEqual([]);
    expect(applyEvent(applyEvent(out, came(1)), { t: 'ack', client_id: 'c', seq: 1, held: false }).outbox).toEqual([]);
  });

  test("one's own comment that is held waits for the mentor, and is in the room once it is shown", () => {
    const out = withOutgoing(after(hello(0)), { client_id: 'c', body: 'x', media_ms: 1 });
    const held = parseFrame('[{"t":"ack","client_id":"c","seq":1,"state":"held"},{"t":"skip","seq":1}]').reduce(applyEvent, out);
    expect(held.outbox).toMatchObject([{ phase: 'taken', seq: 1 }]);
    const shown = applyEvent(held, came(1, { client_id: 'c' }));
    expect([shown.outbox, shown.comments.length]).toEqual([[], 1]);
  });

  test('who comes in sees the room as it is: lesson, totals, settings, hands, and how they stand', () => {
    const room = after({
      ...hello(0), review_on: true, lesson: { state: 'live', on_air: true, stalled: false }, totals: { hati: 7 },
      me: { muted_until_at: '2026-11-28T12:00:00.000Z', hand: true }, hands: [{ id: 'a', name: 'A', since_at: '' }, { id: 'b', name: 'B', since_at: '' }],
    });
    expect(room).toMatchObject({ reviewOn: true, lesson: { state: 'live', on_air: true, stalled: false }, totals: { hati: 7 }, handRaised: true, mutedUntilAt: '2026-11-28T12:00:00.000Z' });
    expect(room.hands.map(({ id }) => id)).toEqual(['a', 'b']);
    const freed = parseFrame('[{"t":"me","muted_until_at":null,"hand":false}]').reduce(applyEvent, room);
    expect([freed.mutedUntilAt, freed.handRaised]).toEqual([null, false]);
  });

  test('a number with nothing to show is no gap', () => {
    const room = [came(1), { t: 'skip', seq: 2 } as const, came(3)].reduce(applyEvent, after(hello(0)));
    expect([gapOf(room), room.completeTo]).toEqual([null, 3]);
    expect(gapOf(applyEvent(room, { t: 'skip', seq: 6 }))).toEqual({ after: 3, upTo: 6 });
  });

  test('a comment that was deleted is neither shown nor pinned', () => {
    let room = applyEvent(after(hello(0)), came(1));
    room = applyEvent(room, { t: 'comment_changed', id: 'k-1', state: 'shown', pinned: true });
    expect(room.pinned.map(({ id }) => id)).toEqual(['k-1']);
    room = applyEvent(room, { t: 'comment_changed', id: 'k-1', state: 'deleted', pinned: true });
    expect(room.pinned).toEqual([]);
    expect(room.comments[0]?.state).toBe('deleted');
  });

  test('hands stand in the order in which they were raised', () => {
    const hand = (id: string, raised: boolean): RoomEvent => ({ t: 'hand', user: { id, name: id }, raised });
    const room = [hand('a', true), hand('b', true), hand('a', true), hand('c', true), hand('b', false)].reduce(applyEvent, EMPTY_ROOM);
    expect(room.hands.map(({ id }) => id)).toEqual(['a', 'c']);
  });

  test('a frame is applied as its events would be one by one', () => {
    const events: RoomEvent[] = [came(1), came(2), { t: 'comment_changed', id: 'k-2', state: 'deleted', pinned: false }, came(4), { t: 'skip', seq: 3 }, came(3), came(5), came(5)];
    const { newest, comments, completeTo, held } = events.reduce(applyEvent, after(hello(0)));
    expect(applyEvents(after(hello(0)), events)).toMatchObject({ newest, comments, completeTo, held });
  });

  test('pins stand in the order of what was said, also one that is not in memory', () => {
    let room = after({ ...hello(900), pinned: [comment(40), comment(3)] });
    room = applyEvents(room, [came(901), { t: 'comment_changed', id: 'k-901', state: 'shown', pinned: true }]);
    expect(room.pinned.map(({ seq }) => seq)).toEqual([3, 40, 901]);
  });

  test('memory stays bounded', () => {
    let room = after(hello(0));
    for (let seq = 1; seq <= 2_000; seq += 1) room = applyEvent(room, came(seq));
    expect(room.comments.length).toBe(600);
    expect(room.comments.at(-1)?.seq).toBe(2_000);
  });
});

/** The world of one connection, with a clock of its own. */
class World {
  public now = 0;
  public dials: { way: RoomWay; listener: LineListener; sent: string[]; closed: boolean }[] = [];
  public stored: Comment[] = [];
  public reads: number[] = [];
  public posts: string[] = [];
  public readFails: Problem | null = null;
  public postFails: Problem | null = null;
  public kept: CommentKept | null = null;
  public reactFails: Problem | null = null;
  public hasSockets = true;
  public visible = true;
  public readonly room: RoomConnection;
  private tasks: { at: number; task: () => void }[] = [];
  private ids = 0;

  public constructor(options: RoomOptions = {}) {
    const ports: RoomPorts = {
      dial: (way, listener) => {
        if (way === 'socket' && !this.hasSockets) return null;
        const dial = { way, listener, sent: [] as string[], closed: false };
        this.dials.push(dial);
        return { send: way === 'socket' ? (text) => void dial.sent.push(text) : null, close: () => void (dial.closed = true) };
      },
      comments: (from, limit) => {
        this.reads.push(from);
        if (this.readFails !== null) return Promise.reject(this.readFails);
        return Promise.resolve(this.stored.filter(({ seq }) => seq > from).slice(0, limit));
      },
      postComment: ({ client_id }) => {
        this.posts.push(client_id);
        return this.postFails === null ? Promise.resolve(this.kept) : Promise.reject(this.postFails);
      },
      postReaction: ({ kind, n }) => (this.reactFails === null ? Promise.resolve(void this.posts.push(`${kind} ${n}`)) : Promise.reject(this.reactFails)),
      postHand: (raised) => Promise.resolve(void this.posts.push(`hand ${raised}`)),
      after: (ms, task) => {
        // As browsers have it: in whole milliseconds.
        const entry = { at: this.now + Math.floor(ms), task };
        this.tasks.push(entry);
        return () => {
          this.tasks = this.tasks.filter((one) => one !== entry);
        };
      },
      now: () => this.now,
      chance: () => 0.4567,
      newId: () => `c-${(this.ids += 1)}`,
      isVisible: () => this.visible,
    };
    this.room = new RoomConnection(ports, options);
    this.room.start();
  }

  public get last(): World['dials'][number] {
    const dial = this.dials.at(-1);
    if (dial === undefined) throw new Error('nothing was dialled');
    return dial;
  }

  public frame(...events: unknown[]): void {
    this.last.listener.frame(JSON.stringify(events));
  }

  public async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const next = this.tasks.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.tasks = this.tasks.filter((one) => one !== next);
      this.now = next.at;
      next.task();
      await settle();
    }
    this.now = until;
    await settle();
  }

  public seqs(): number[] {
    return this.room.view().room.comments.map(({ seq }) => seq);
  }
}

const settle = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

describe('the connection', () => {
  test('reads what was said before, and what was missed while it was cut', async () => {
    const world = new World();
    world.stored = [comment(1), comment(2)];
    world.frame(hello(2));
    await settle();
    expect(world.seqs()).toEqual([1, 2]);
    world.last.listener.closed();
    expect(world.room.view().phase).toBe('lost');
    world.stored.push(comment(3), comment(4));
    await world.pass(5_000);
    world.frame(hello(4));
    await world.pass(1_000);
    expect(world.room.view().phase).toBe('open');
    expect(world.seqs()).toEqual([1, 2, 3, 4]);
    // What was known may have been moderated meanwhile: it is read again.
    expect(world.reads).toEqual([0, 0]);
  });

  test('what was moderated while it was cut is as it is now: deleted is gone, and let through is there', async () => {
    const world = new World();
    world.stored = [comment(1), comment(2), comment(4)];
    world.frame(hello(4));
    await settle();
    world.last.listener.closed();
    await world.pass(5_000);
    world.stored = [comment(1), comment(3), comment(4)];
    world.frame(hello(4));
    await world.pass(2_000);
    expect(world.seqs()).toEqual([1, 3, 4]);
  });

  test('what the room says while that is read is the newer word', async () => {
    const world = new World();
    world.stored = [comment(1), comment(2)];
    world.frame(hello(2));
    await settle();
    world.last.listener.closed();
    await world.pass(5_000);
    world.frame(hello(2), { t: 'comment_changed', id: 'k-2', state: 'deleted', pinned: false });
    await world.pass(2_000);
    expect(world.room.view().room.comments.map(({ seq, state }) => `${seq} ${state}`)).toEqual(['1 shown', '2 deleted']);
  });

  test('who comes back to thousands of comments reads the last of them in one page, after a wait of their own', async () => {
    const world = new World();
    world.stored = Array.from({ length: 5_000 }, (_, at) => comment(at + 1));
    world.frame(hello(100));
    await settle();
    world.last.listener.closed();
    await world.pass(5_000);
    world.reads = [];
    world.frame(hello(5_000));
    await settle();
    expect(world.reads).toEqual([]);
    await world.pass(2_000);
    expect(world.reads).toEqual([4_940]);
    expect([world.seqs()[0], world.seqs().at(-1), world.seqs().length]).toEqual([4_941, 5_000, 60]);
  });

  test('a server that does not answer is not asked again with each frame', async () => {
    const world = new World();
    world.readFails = new Problem({ status: 503, code: 'unavailable' });
    world.frame(hello(5));
    await settle();
    for (let n = 0; n < 10; n += 1) {
      world.frame({ t: 'viewers', n });
      await world.pass(50);
    }
    expect(world.reads).toHaveLength(1);
    world.readFails = null;
    await world.pass(5_000);
    expect(world.reads).toHaveLength(2);
  });

  test('a busy room is told a few times a second, and to nobody while nobody looks', async () => {
    const world = new World();
    world.frame(hello(0));
    let told = 0;
    world.room.subscribe(() => (told += 1));
    told = 0;
    for (let seq = 1; seq <= 100; seq += 1) {
      world.frame({ t: 'comment', ...comment(seq) });
      await world.pass(10);
    }
    expect(told).toBeGreaterThan(4);
    expect(told).toBeLessThan(9);
    await world.pass(1_000);
    told = 0;
    world.visible = false;
    world.frame({ t: 'comment', ...comment(101) });
    await world.pass(1_000);
    expect(told).toBe(0);
    world.frame({ t: 'lesson', state: 'ended', on_air: false, stalled: false });
    expect(told).toBe(1);
    world.frame({ t: 'comment', ...comment(102) });
    world.visible = true;
    world.room.wake();
    expect([told, world.seqs().at(-1)]).toEqual([2, 102]);
  });

  test('a hand that the room does not take is down again, and why is told', async () => {
    const world = new World();
    world.frame(hello(0));
    world.room.raiseHand(true);
    world.frame({ t: 'refused', code: 'too-fast', retry_after_ms: 500 });
    expect(world.room.view().room).toMatchObject({ handRaised: false, refusal: { number: 1, code: 'too-fast' } });
    world.room.raiseHand(true);
    world.frame({ t: 'me', muted_until_at: null, hand: true });
    // This one is about something else.
    world.frame({ t: 'refused', code: 'comments-off' });
    expect(world.room.view().room).toMatchObject({ handRaised: true, refusal: { number: 2 } });
  });

  test('a reaction that was posted and refused is told', async () => {
    const world = new World();
    world.hasSockets = false;
    world.last.listener.closed();
    await world.pass(5_000);
    world.frame(hello(0));
    world.reactFails = new Problem({ status: 429, code: 'too-fast' });
    world.room.react('hati', null);
    await world.pass(1_000);
    expect(world.room.view().room.refusal).toMatchObject({ code: 'too-fast' });
  });

  test('what is pinned and is not in memory is looked for, unless it was unpinned meanwhile', async () => {
    const world = new World();
    world.stored = Array.from({ length: 500 }, (_, at) => comment(at + 1));
    world.frame(hello(500));
    await settle();
    world.frame({ t: 'comment_changed', id: 'k-300', state: 'shown', pinned: true }, { t: 'comment_changed', id: 'k-301', state: 'shown', pinned: true });
    world.frame({ t: 'comment_changed', id: 'k-301', state: 'shown', pinned: false });
    await world.pass(5_000);
    expect(world.room.view().room.pinned.map(({ seq, pinned }) => [seq, pinned])).toEqual([[300, true]]);
    expect(world.reads).toEqual([440, 340, 240]);
  });

  test("a mentor's queue is whole: what waited before they came, and what waits behind hundreds of others", async () => {
    const world = new World({ readsHeld: true });
    world.stored = Array.from({ length: 1_000 }, (_, at) => comment(at + 1, [7, 450].includes(at + 1) ? { state: 'held' } : {}));
    world.frame(hello(1_000));
    await world.pass(100);
    const held = (): number[] => world.room.view().room.held.map(({ seq }) => seq);
    expect(held()).toEqual([7, 450]);
    world.frame({ t: 'comment', ...comment(1_001, { state: 'held' }) });
    for (let seq = 1_002; seq < 1_800; seq += 1) world.frame({ t: 'comment', ...comment(seq) });
    expect(held()).toEqual([7, 450, 1_001]);
    world.frame({ t: 'comment_changed', id: 'k-450', state: 'deleted', pinned: false }, { t: 'comment', ...comment(1_001) });
    expect(held()).toEqual([7]);
  });

  test('waits longer and longer between dials', async () => {
    const world = new World();
    const gaps: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      const from = world.now;
      const dials = world.dials.length;
      world.last.listener.closed();
      while (world.dials.length === dials) await world.pass(100);
      gaps.push(world.now - from);
    }
    expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps);
    expect(gaps.at(-1)).toBeGreaterThan(8_000);
  });

  test('takes events where sockets are cut before a word, and tries sockets again later', async () => {
    const world = new World();
    const ways: RoomWay[] = [];
    for (let n = 0; n < 4; n += 1) {
      ways.push(world.last.way);
      world.last.listener.closed();
      await world.pass(8_000);
    }
    expect(ways).toEqual(['socket', 'socket', 'events', 'socket']);
  });

  test('without sockets it listens and posts', async () => {
    const world = new World();
    world.hasSockets = false;
    world.last.listener.closed();
    await world.pass(5_000);
    expect(world.last.way).toBe('events');
    world.frame(hello(0));
    world.room.comment('halo', 5);
    world.room.react('hati', 5);
    world.room.react('hati', 5);
    world.room.raiseHand(true);
    await world.pass(1_000);
    expect(world.posts).toEqual(['c-1', 'hand true', 'hati 2']);
  });

  test('a comment without an answer goes out again with the same id after a cut', async () => {
    const world = new World();
    world.frame(hello(0));
    world.room.comment('halo', null);
    expect(world.last.sent).toHaveLength(1);
    const first = world.last.sent[0];
    world.last.listener.closed();
    await world.pass(5_000);
    world.frame(hello(0));
    expect(world.last.sent).toEqual([first]);
    world.frame({ t: 'comment', ...comment(1, { client_id: 'c-1' }) }, { t: 'ack', client_id: 'c-1', seq: 1 });
    expect(world.room.view().room.outbox).toEqual([]);
    expect(world.seqs()).toEqual([1]);
  });

  test('what was refused can be sent again, as another comment', () => {
    const world = new World();
    world.frame(hello(0));
    world.room.comment('halo', null);
    world.frame({ t: 'refused', client_id: 'c-1', code: 'too-fast', retry_after_ms: 500 });
    expect(world.room.view().room.outbox).toMatchObject([{ phase: 'refused', code: 'too-fast' }]);
    world.room.retry('c-1');
    expect(world.last.sent.map((text) => (JSON.parse(text) as { client_id: string }).client_id)).toEqual(['c-1', 'c-2']);
  });

  test('who may no longer be there stops dialling', async () => {
    const world = new World();
    world.readFails = new Problem({ status: 404, code: 'not-found' });
    world.frame(hello(3));
    await settle();
    expect(world.room.view().phase).toBe('closed');
    await world.pass(120_000);
    expect(world.dials).toHaveLength(1);
  });

  test.each([4001, 4002])('a room that closed for good (%i) is not dialled again', async (code) => {
    const world = new World();
    world.frame(hello(0));
    world.last.listener.closed(code);
    await world.pass(120_000);
    expect([world.room.view().phase, world.dials.length]).toEqual(['closed', 1]);
  });

  test('server-sent events say why they close as sockets do', () => {
    expect([closeCode('{"code":4001,"reason":"x"}'), closeCode('{"code":"4001"}'), closeCode('{'), closeCode(undefined)]).toEqual([4001, undefined, undefined, undefined]);
  });

  test('where comments are looked at first, one that was posted waits for the mentor', async () => {
    const world = new World();
    world.hasSockets = false;
    world.last.listener.closed();
    await world.pass(5_000);
    world.frame({ ...hello(0), review_on: true });
    world.kept = { client_id: 'c-1', seq: 1 };
    world.room.comment('halo', null);
    await settle();
    expect(world.room.view().room.outbox).toMatchObject([{ phase: 'taken', seq: 1 }]);
  });

  test('an old line says nothing any more, and a stopped one does not dial', async () => {
    const world = new World();
    world.frame(hello(0));
    const old = world.last.listener;
    old.closed();
    await world.pass(5_000);
    old.frame(JSON.stringify([{ t: 'viewers', n: 99 }]));
    old.closed();
    expect(world.room.view().room.viewers).toBe(3);
    world.room.stop();
    await world.pass(60_000);
    expect(world.dials).toHaveLength(2);
    expect(world.last.closed).toBe(true);
  });

  test('a device that wakes does not trust an old silence', async () => {
    const world = new World();
    world.frame(hello(0));
    await world.pass(5_000);
    world.room.wake();
    expect(world.dials).toHaveLength(1);
    await world.pass(60_000);
    world.room.wake();
    expect(world.dials).toHaveLength(2);
  });
});

describe('comments at the reader\'s own picture', () => {
  const said = (seq: number, media_ms: number | null, user = 'u') =>
    ({ ...comment(seq, { media_ms }), user: { id: user, name: 'Peserta', mentor: false }, state: 'shown', pinned: false }) as const;
  const seqs = (due: { comments: readonly { seq: number }[] }) => due.comments.map(({ seq }) => seq);

  test('one that speaks of what is still to come waits until the picture is there, and those behind it with it', () => {
    const due = new DueComments();
    const list = [said(1, 1_000)];
    expect(due.at(list, 0, 0, null)).toEqual({ comments: list, more: false });
    const more = [...list, said(2, 5_000), said(3, 2_000)];
    const early = due.at(more, 3_000, 10, null);
    expect([seqs(early), early.more]).toEqual([[1], true]);
    expect(seqs(due.at(more, 5_000, 20, null))).toEqual([1, 2, 3]);
  });

  test('nobody waits for long, for one\'s own, for one without a time, or without a picture', () => {
    const due = new DueComments();
    due.at([said(1, 0)], 0, 0, 'me');
    const list = [said(1, 0), said(2, 99_000)];
    expect(seqs(due.at(list, 0, 10, 'me'))).toEqual([1]);
    expect(seqs(due.at(list, null, 20, 'me'))).toEqual([1, 2]);
    expect(seqs(due.at(list, 0, 10 + HELD_BACK_MAX_MS - 1, 'me'))).toEqual([1]);
    expect(seqs(due.at(list, 0, 10 + HELD_BACK_MAX_MS, 'me'))).toEqual([1, 2]);
    expect(seqs(due.at([said(3, 99_000, 'me'), said(4, null)], 0, 30, 'me'))).toEqual([3, 4]);
  });
});
