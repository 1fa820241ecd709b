import { beforeEach, describe, expect, test } from 'vitest';
import { channelPlace, type Address, type Via } from '../src/address.ts';
import type { Engine, EngineRequest, Level } from '../src/engine.ts';
import { Player } from '../src/player.ts';
import type { Answer, PlayerPorts, Snapshot } from '../src/snapshot.ts';

/** A media element as far as the player uses it, whose clock the test moves. */
class FakeVideo extends EventTarget {
  public currentTime = 0;
  public paused = true;
  public ended = false;
  public muted = true;
  public volume = 1;
  public playbackRate = 1;
  public duration = Number.POSITIVE_INFINITY;
  public videoWidth = 640;
  public videoHeight = 360;
  public frames = 0;
  public end = 0;
  public refuses: string | null = null;

  public get buffered(): TimeRanges {
    const { end } = this;
    return { length: end > 0 ? 1 : 0, start: () => 0, end: () => end };
  }

  public get seekable(): TimeRanges {
    return this.buffered;
  }

  public play(): Promise<void> {
    if (this.refuses !== null) return Promise.reject(new DOMException('no', this.refuses));
    this.paused = false;
    return Promise.resolve();
  }

  public pause(): void {
    this.paused = true;
  }

  public getVideoPlaybackQuality(): { totalVideoFrames: number; droppedVideoFrames: number } {
    return { totalVideoFrames: this.frames, droppedVideoFrames: 0 };
  }
}

/** An engine that does what the test says. */
class FakeEngine implements Engine {
  public readonly label = 'fake 1';
  public alive = true;
  public behind: number | null = null;
  public captureTime: number | null = null;
  public edgeSeeks: number[] = [];
  public chosen: (number | null)[] = [];

  public constructor(public readonly request: EngineRequest) {}

  public read(): ReturnType<Engine['read']> {
    return { captureTime: this.captureTime, behindSeconds: this.behind, targetSeconds: 0.6, bitsPerSecond: null };
  }

  public levels(): readonly Level[] {
    return [{ height: 240, bitsPerSecond: 300_000 }, { height: 720, bitsPerSecond: 2_000_000 }];
  }

  public chooseLevel(at: number | null): void {
    this.chosen.push(at);
  }

  public seekToEdge(behindSeconds: number): void {
    this.edgeSeeks.push(behindSeconds);
    this.behind = behindSeconds;
  }

  public destroy(): void {
    this.alive = false;
  }
}

/** The world of one player, with a clock of its own. */
class World {
  public now = 0;
  public readonly video = new FakeVideo();
  public readonly engines: FakeEngine[] = [];
  public state: Answer = { status: 200, text: '{"state":"waiting"}' };
  public loading: ((loaded: void) => void)[] = [];
  public slowLoad = false;
  public visible = true;
  public saves = false;
  public snapshot: Snapshot | null = null;
  public readonly player: Player;
  private tasks: { at: number; task: () => void }[] = [];

  public constructor(address: Partial<Address> = {}, saves = false) {
    this.saves = saves;
    const ports: PlayerPorts = {
      video: this.video as unknown as HTMLVideoElement,
      origin: 'http://h',
      now: () => this.now,
      chance: () => 0.5,
      askState: () => Promise.resolve(this.state),
      askTime: () => Promise.resolve({ status: 200, text: new Date(1_000_000 + this.now).toISOString() }),
      after: (ms, task) => {
        const entry = { at: this.now + ms, task };
        this.tasks.push(entry);
        return () => {
          this.tasks = this.tasks.filter((one) => one !== entry);
        };
      },
      engineFor: (via: Via) => async () => {
        if (this.slowLoad) await new Promise<void>((resolve) => this.loading.push(resolve));
        return (request) => {
          expect(via).not.toBe('');
          const engine = new FakeEngine(request);
          this.engines.push(engine);
          this.video.frames = 0;
          return engine;
        };
      },
      isVisible: () => this.visible,
      beforeDetach: () => undefined,
      savesData: () => this.saves,
    };
    this.player = new Player(channelPlace({ app: 'live', name: 'k', sign: null, token: null, signed: false, stream: null, via: 'hls', ...address }), ports);
    this.player.subscribe((snapshot) => {
      this.snapshot = snapshot;
    });
    this.player.start();
  }

  public say(state: string, stream = 's1'): void {
    this.state = { status: 200, text: JSON.stringify({ state, stream }) };
  }

  public get engine(): FakeEngine {
    const engine = this.engines.at(-1);
    if (engine === undefined) throw new Error('no engine was made');
    return engine;
  }

  /** Lets time pass; while `playing`, media moves with it. */
  public async pass(ms: number, playing = false): Promise<void> {
    const end = this.now + ms;
    while (this.now < end) {
      this.now += 50;
      if (playing && !this.video.paused) {
        this.video.currentTime += 0.05 * this.video.playbackRate;
        this.video.frames += 1;
      }
      const due = this.tasks.filter(({ at }) => at <= this.now);
      this.tasks = this.tasks.filter(({ at }) => at > this.now);
      for (const { task } of due) task();
      for (let turn = 0; turn < 12; turn += 1) await Promise.resolve();
    }
  }
}

let world: World;

async function goLive(): Promise<void> {
  world.say('live');
  await world.pass(3_000);
  world.video.end = 1_000;
  await world.pass(1_000, true);
}

beforeEach(() => {
  world = new World();
});

describe('attachments', () => {
  test('a channel that goes on air is attached and played, muted', async () => {
    await world.pass(5_000);
    expect(world.snapshot?.phase).toBe('waiting');
    expect(world.engines).toHaveLength(0);
    await goLive();
    expect(world.engine.request).toMatchObject({ url: '/live/k/master.m3u8', live: true });
    expect(world.video.paused).toBe(false);
    expect(world.snapshot).toMatchObject({ phase: 'live', muted: true, buffering: false, engineLabel: 'fake 1' });
  });

  test('who saves data begins with the lowest quality; what is chosen stays chosen over attachments', async () => {
    world = new World({}, true);
    await goLive();
    expect(world.engine.request.level).toBe(0);
    expect(world.snapshot).toMatchObject({ level: 0, levels: [{ height: 240 }, { height: 720 }] });
    world.player.chooseLevel(1);
    world.player.chooseVia('flv');
    await world.pass(500);
    expect([world.engines[0]?.chosen, world.engine.request.level, world.snapshot?.level]).toEqual([[1], 1, 1]);
  });

  test('an engine that comes when another is wanted never touches the element', async () => {
    world.slowLoad = true;
    world.say('live');
    await world.pass(1_000);
    world.player.chooseVia('flv');
    world.player.chooseVia('dash');
    for (const loaded of world.loading) loaded();
    await world.pass(500);
    expect(world.engines).toHaveLength(1);
    expect(world.engine.request.url).toBe('/live/k/manifest.mpd');
  });

  test('a failed engine is let go and made anew, frames count on', async () => {
    await goLive();
    const before = world.snapshot?.frames ?? 0;
    const first = world.engine;
    first.request.listener.failed('network', 'gone');
    await world.pass(1_000);
    expect(first.alive).toBe(false);
    expect(world.engines).toHaveLength(2);
    await world.pass(1_000, true);
    expect(world.snapshot?.frames).toBeGreaterThan(before);
    expect(world.snapshot?.failure).toBeNull();
  });

  test('a late word of an old engine is not heard', async () => {
    await goLive();
    const old = world.engine;
    world.player.chooseVia('flv');
    await world.pass(500);
    old.request.listener.failed('network', 'late');
    await world.pass(5_000, true);
    expect(world.engines).toHaveLength(2);
  });

  test('pictures that stand while the channel is live are attached afresh', async () => {
    await goLive();
    await world.pass(12_000);
    expect(world.engines.length).toBeGreaterThanOrEqual(2);
    expect(world.snapshot?.stalls).toBeGreaterThanOrEqual(1);
  });

  test('pictures that stand during an outage are left alone for half an hour', async () => {
    await goLive();
    world.say('stalled');
    world.player.wake();
    await world.pass(30 * 60_000);
    expect(world.engines).toHaveLength(1);
    expect(world.snapshot?.phase).toBe('stalled');
    world.say('live');
    await world.pass(5_000, true);
    expect(world.snapshot?.phase).toBe('live');
    expect(world.engines).toHaveLength(1);
  });

  test('after the end what is left is played, then the element is let go, and a new stream is taken up', async () => {
    await goLive();
    world.say('ended');
    world.player.wake();
    await world.pass(3_000, true);
    expect(world.snapshot?.attached).not.toBeNull();
    await world.pass(3_000);
    expect(world.snapshot?.attached).toBeNull();
    expect(world.engine.alive).toBe(false);
    world.say('live', 's2');
    await world.pass(12_000, true);
    expect(world.snapshot?.attached?.stream).toBe('s2');
  });

  test('code that cannot be fetched is tried again', async () => {
    world = new World();
    let tries = 0;
    world.player['ports'] satisfies PlayerPorts;
    Object.assign(world.player['ports'], {
      engineFor: () => () => {
        tries += 1;
        return Promise.reject(new Error('offline'));
      },
    });
    world.say('live');
    await world.pass(10_000);
    expect(tries).toBeGreaterThan(2);
  });
});

describe('the live edge', () => {
  test('a viewer who fell behind plays faster, one far behind skips', async () => {
    await goLive();
    world.engine.behind = 1.5;
    await world.pass(400, true);
    expect(world.video.playbackRate).toBe(1.1);
    world.engine.behind = 9;
    await world.pass(400, true);
    expect(world.engine.edgeSeeks).toEqual([0.6]);
  });

  test('one who looked back is left there until he asks for the edge', async () => {
    await goLive();
    world.video.end = 20;
    world.video.currentTime = 19;
    world.player.seekBy(-5);
    world.engine.behind = 9;
    await world.pass(5_000, true);
    expect(world.engine.edgeSeeks).toEqual([]);
    expect(world.video.playbackRate).toBe(1);
    expect(world.snapshot?.following).toBe(false);
    world.player.goLive();
    expect(world.engine.edgeSeeks).toEqual([0.6]);
    expect(world.snapshot?.following).toBe(true);
  });

  test('a paused player is not pushed', async () => {
    await goLive();
    world.player.pause();
    world.engine.behind = 60;
    await world.pass(20_000);
    expect(world.engine.edgeSeeks).toEqual([]);
    expect(world.engines).toHaveLength(1);
    world.player.play();
    await world.pass(500, true);
    expect(world.engine.edgeSeeks).toEqual([0.6]);
  });
});

describe('latency', () => {
  test('with a capture time it is measured against the server clock', async () => {
    await goLive();
    world.engine.captureTime = 1_000_000 + world.now - 850;
    await world.pass(200);
    const latency = world.snapshot?.latency;
    expect(latency?.basis).toBe('clock');
    expect(latency?.ms).toBeGreaterThanOrEqual(850);
    expect(latency?.ms).toBeLessThanOrEqual(1_050);
  });

  test('without one it is what is buffered, and says so', async () => {
    await goLive();
    world.engine.behind = 0.4;
    await world.pass(200, true);
    expect(world.snapshot?.latency).toMatchObject({ basis: 'buffer', ms: 400 });
  });

  test('before pictures there is none', async () => {
    world.say('live');
    await world.pass(1_000);
    world.engine.captureTime = 1_000_000;
    await world.pass(200);
    expect(world.snapshot?.latency).toBeNull();
  });
});

describe('requests', () => {
  test('a browser that wants a gesture is told apart from one that does not', async () => {
    world.video.refuses = 'NotAllowedError';
    await goLive();
    expect(world.snapshot?.blocked).toBe(true);
    expect(world.engines).toHaveLength(1);
    world.video.refuses = null;
    world.player.togglePlay();
    await world.pass(200);
    expect(world.snapshot?.blocked).toBe(false);
    expect(world.video.paused).toBe(false);
  });

  test('an element that its engine paused by a change of source plays on', async () => {
    await goLive();
    world.video.paused = true;
    await world.pass(1_000, true);
    expect(world.video.paused).toBe(false);
  });

  test('a pause from outside the page is respected, and so is its play', async () => {
    await goLive();
    world.video.pause();
    world.video.dispatchEvent(new Event('pause'));
    await world.pass(5_000, true);
    expect(world.video.paused).toBe(true);
    expect(world.snapshot?.wantsPlay).toBe(false);
    world.video.dispatchEvent(new Event('play'));
    expect(world.snapshot?.wantsPlay).toBe(true);
  });

  test('what was paused because nobody looked goes on when somebody does', async () => {
    await goLive();
    world.visible = false;
    world.video.pause();
    world.video.dispatchEvent(new Event('pause'));
    world.visible = true;
    world.player.wake();
    expect(world.video.paused).toBe(false);
  });

  test('an interrupted start is no refusal', async () => {
    world.video.refuses = 'AbortError';
    await goLive();
    expect(world.snapshot?.blocked).toBe(false);
  });

  test('volume and mute go together', () => {
    world.player.setVolume(0);
    expect(world.video.muted).toBe(true);
    world.player.setMuted(false);
    expect(world.video).toMatchObject({ muted: false, volume: 0.5 });
    world.player.setVolume(7);
    expect(world.video.volume).toBe(1);
  });

  test('a recording that has to be attached afresh goes on where it was, and never says that it is at its beginning', async () => {
    world = new World({ stream: 'r1' });
    await world.pass(300);
    world.video.duration = 600;
    world.video.end = 600;
    world.player.seek(200);
    await world.pass(1_000, true);
    // The right ran out while the phone was locked.
    world.engine.request.listener.failed('missing', '403');
    world.player.wake();
    Object.assign(world.video, { currentTime: 0, duration: Number.NaN, end: 0 });
    await world.pass(300);
    expect(world.engines).toHaveLength(2);
    expect(world.snapshot?.currentTime).toBeGreaterThan(200);
    Object.assign(world.video, { duration: 600, end: 600 });
    await world.pass(400);
    expect(world.video.currentTime).toBeGreaterThan(200);
  });

  test('a recording starts at its own address and begins again after its end', async () => {
    world = new World({ stream: 'r1' });
    await world.pass(500);
    expect(world.engine.request).toMatchObject({ url: '/live/k/r1/master.m3u8', live: false });
    Object.assign(world.video, { ended: true, duration: 60, currentTime: 60 });
    world.player.play();
    expect(world.video.currentTime).toBe(0);
    world.player.seek(1_000);
    expect(world.video.currentTime).toBe(60);
    expect(world.snapshot?.latency).toBeNull();
  });
});

describe('answers', () => {
  test.each([
    [404, '', 'missing'],
    [403, '', 'forbidden'],
    [401, '', 'forbidden'],
  ])('%i is %s', async (status, text, phase) => {
    world.state = { status, text };
    await world.pass(300);
    expect(world.snapshot?.phase).toBe(phase);
  });

  test.each(['1763999999-ab01', null])('404 to a signed link is a link that is not valid (signature %s)', async (sign) => {
    world = new World({ sign, signed: true });
    world.state = { status: 404, text: '' };
    await world.pass(300);
    expect(world.snapshot?.phase).toBe('forbidden');
  });

  test.each([
    [0, ''],
    [500, 'oops'],
    [200, '<html>'],
    [200, '{"state":"odd"}'],
  ])('%i %s is a server that cannot be reached', async (status, text) => {
    await goLive();
    world.state = { status, text };
    world.player.wake();
    await world.pass(1_000, true);
    expect(world.snapshot).toMatchObject({ phase: 'live', reachable: false });
  });
});
