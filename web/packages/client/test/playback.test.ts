import { describe, expect, test } from 'vitest';
import { ReachWatch } from '../src/online.ts';
import type { Playback } from '../src/models.ts';
import { PlaybackKeeper, type PlaybackState } from '../src/playback.ts';
import { Problem } from '../src/problem.ts';

const playback = (id: string, refresh_after_ms = 60_000, more: Partial<Playback> = {}): Playback => ({
  playback_id: id, kind: 'live', base_url: '/live/k/', urls: { llhls: '/live/k/master.m3u8' }, expires_at: '', refresh_after_ms,
  live_offset_at: null, media_started_at: null, recordings: [], ...more,
});
const elsewhere = { urls: { llhls: '/live/other/master.m3u8' } };
const gone = new Problem({ status: 404, code: 'not-found' });
const lost = new Problem({ status: 0, code: 'unreachable' });
const settle = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 0));

class World {
  public now = 0;
  public opened = 0;
  public refreshed: string[] = [];
  public ended: string[] = [];
  public opens: (Playback | Problem)[] = [];
  public refreshes: (Playback | Problem)[] = [];
  public states: PlaybackState[] = [];
  public renewed: Playback[] = [];
  public readonly keeper: PlaybackKeeper;
  private tasks: { at: number; task: () => void }[] = [];

  public constructor() {
    const give = (answer: Playback | Problem | undefined): Promise<Playback> =>
      answer === undefined || answer instanceof Problem ? Promise.reject(answer ?? lost) : Promise.resolve(answer);
    this.keeper = new PlaybackKeeper(
      {
        open: () => {
          this.opened += 1;
          return give(this.opens.shift());
        },
        refresh: (id) => {
          this.refreshed.push(id);
          return give(this.refreshes.shift());
        },
        end: (id) => Promise.resolve(void this.ended.push(id)),
        after: (ms, task) => {
          const entry = { at: this.now + ms, task };
          this.tasks.push(entry);
          return () => {
            this.tasks = this.tasks.filter((one) => one !== entry);
          };
        },
        chance: () => 0.5,
      },
      (state) => this.states.push(state),
      (one) => this.renewed.push(one),
    );
  }

  public async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    await settle();
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

  public phases(): string[] {
    return this.states.map(({ phase }) => phase);
  }
}

describe('the right to play', () => {
  test('is renewed before it runs out, which is no news to whoever plays', async () => {
    const world = new World();
    world.opens = [playback('a')];
    world.refreshes = [playback('a'), playback('a')];
    world.keeper.start();
    await world.pass(59_000);
    expect(world.refreshed).toEqual(['a']);
    await world.pass(60_000);
    expect(world.refreshed).toEqual(['a', 'a']);
    expect(world.phases()).toEqual(['opening', 'open']);
  });

  test('is given back with the page, and renewed no more', async () => {
    const world = new World();
    world.opens = [playback('a')];
    world.keeper.start();
    await settle();
    world.keeper.stop();
    await world.pass(600_000);
    expect(world.ended).toEqual(['a']);
    expect(world.refreshed).toEqual([]);
  });

  test('that came after the page was left is given back at once', async () => {
    const world = new World();
    world.opens = [playback('a')];
    world.keeper.start();
    world.keeper.stop();
    await settle();
    expect(world.ended).toEqual(['a']);
    expect(world.phases()).toEqual(['opening', 'closed']);
  });

  test('that a restarted server forgot is asked for anew, and one that is lost is told', async () => {
    const world = new World();
    world.opens = [playback('a'), playback('b', 60_000, elsewhere), gone];
    world.refreshes = [gone, gone];
    world.keeper.start();
    await world.pass(60_000);
    expect(world.keeper.state).toMatchObject({ phase: 'open', playback: { playback_id: 'b' } });
    expect(world.phases()).toEqual(['opening', 'open', 'open']);
    await world.pass(60_000);
    expect(world.keeper.state).toMatchObject({ phase: 'refused', problem: { status: 404 } });
  });

  test('stays open while the network is away, and is tried again', async () => {
    const world = new World();
    world.opens = [playback('a')];
    world.refreshes = [lost, lost, playback('a')];
    world.keeper.start();
    await world.pass(65_000);
    expect(world.refreshed.length).toBe(3);
    expect(world.keeper.state.phase).toBe('open');
  });

  test('is asked for until the network is there', async () => {
    const world = new World();
    world.opens = [lost, lost, playback('a')];
    world.keeper.start();
    await world.pass(10_000);
    expect(world.phases()).toEqual(['opening', 'unreachable', 'open']);
  });

  test('another playback of the same addresses is no news to whoever plays them, and is the one that is given back', async () => {
    const world = new World();
    world.opens = [playback('a'), playback('b')];
    world.refreshes = [gone];
    world.keeper.start();
    await world.pass(61_000);
    expect(world.phases()).toEqual(['opening', 'open']);
    expect(world.renewed.map(({ playback_id }) => playback_id)).toEqual(['b']);
    world.keeper.stop();
    expect(world.ended).toEqual(['b']);
  });

  test('learns with a renewal when media began', async () => {
    const world = new World();
    const began = { media_started_at: '2026-11-28T12:00:00.000Z' };
    world.opens = [playback('a')];
    world.refreshes = [playback('a', 60_000, began)];
    world.keeper.start();
    await world.pass(61_000);
    expect(world.keeper.state).toMatchObject({ phase: 'open', playback: began });
    expect([world.phases(), world.renewed.length]).toEqual([['opening', 'open'], 1]);
  });

  test.each(['answered-once', 'worked-on', 'outcome-unknown'])('a repetition that is told %s is no refusal: it is asked again', async (code) => {
    const world = new World();
    const again = new Problem({ status: 409, code });
    world.opens = [again, playback('a')];
    world.refreshes = [again, playback('a')];
    world.keeper.start();
    await world.pass(65_000);
    expect([world.opened, world.refreshed.length, world.keeper.state.phase]).toEqual([2, 2, 'open']);
    expect(world.phases()).not.toContain('refused');
  });

  test('a server that asks for patience gets it', async () => {
    const world = new World();
    world.opens = [new Problem({ status: 429, code: 'too-fast', retryAfterMs: 30_000 }), playback('a')];
    world.keeper.start();
    await world.pass(29_000);
    expect(world.opened).toBe(1);
    await world.pass(2_000);
    expect(world.keeper.state.phase).toBe('open');
  });
});

test('a device that says it is offline is believed; one that says online is tried', () => {
  const watch = new ReachWatch(true);
  const told: string[] = [];
  watch.subscribe((reach) => told.push(reach));
  watch.request(false);
  watch.request(false);
  watch.device(false);
  watch.device(true);
  watch.request(true);
  expect(told).toEqual(['unreachable', 'offline', 'online']);
});
