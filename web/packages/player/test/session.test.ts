import { describe, expect, test } from 'vitest';
import type { Channel, ChannelPhase } from '../src/channel.ts';
import { begin, beginEffects, step, type Effect, type Session, type SessionEvent } from '../src/session.ts';

function channel(phase: ChannelPhase, stream: string | null = 's1'): Channel {
  return { phase, stream, title: '', serverTime: null, tracks: [], recordings: [] };
}

const told = (phase: ChannelPhase, stream: string | null = 's1'): SessionEvent => ({ type: 'answered', channel: channel(phase, stream) });
const lost: SessionEvent = { type: 'unanswered', why: 'network' };
const failed: SessionEvent = { type: 'engine-failed', failure: 'network' };

/** Feeds events one after the other; the last session, and the effects of the last event. */
function after(start: Session, ...events: readonly SessionEvent[]): { session: Session; effects: readonly Effect[] } {
  let session = start;
  let effects: readonly Effect[] = [];
  for (const event of events) ({ session, effects } = step(session, event, 0.5));
  return { session, effects };
}

const kinds = (effects: readonly Effect[]): string[] => effects.map(({ type }) => type).toSorted();
const pollMs = (effects: readonly Effect[]): number | undefined => effects.find((one) => one.type === 'poll')?.inMs;
const live = begin('hls', null);

describe('what the viewer is told', () => {
  test.each(['waiting', 'live', 'stalled', 'ended'] as const)('%s is what the channel says', (phase) => {
    expect(after(live, told(phase)).session.phase).toBe(phase);
  });

  test('what has ended stays ended when the server forgets it, until another stream comes', () => {
    const ended = after(live, told('live'), told('ended'), { type: 'played-out' }).session;
    const kept = after(ended, told('waiting', null), lost, told('waiting', null)).session;
    expect(kept).toMatchObject({ phase: 'ended', channel: { phase: 'ended', stream: 's1' }, attached: null });
    const { session, effects } = after(kept, told('live', 's2'));
    expect(session).toMatchObject({ phase: 'live', channel: { stream: 's2' } });
    expect(kinds(effects)).toEqual(['attach', 'poll']);
    expect(after(session, told('waiting', null)).session.phase).toBe('waiting');
  });

  test('recordings that are told of after that are taken up', () => {
    const ended = after(live, told('ended')).session;
    const recording = { stream: 's1', started: 0, durationSeconds: 9, state: 'ready', bytes: 1 } as const;
    const answer: SessionEvent = { type: 'answered', channel: { ...channel('waiting', null), recordings: [recording] } };
    expect(after(ended, answer).session.channel?.recordings).toEqual([recording]);
  });

  test('what is left of an ended stream is shown to its end though the server forgets it', () => {
    const { session, effects } = after(live, told('live'), told('ended'), told('waiting', null));
    expect(session.attached?.stream).toBe('s1');
    expect(kinds(effects)).toEqual(['poll']);
  });

  test('no engine failure changes it', () => {
    expect(after(live, told('live'), failed, failed).session.phase).toBe('live');
    expect(after(live, told('stalled'), failed).session.phase).toBe('stalled');
  });

  test('a server that cannot be reached leaves it as it was, and play too', () => {
    const { session, effects } = after(live, told('live'), lost, lost);
    expect(session).toMatchObject({ phase: 'live', reachable: false });
    expect(session.attached).not.toBeNull();
    expect(kinds(effects)).toEqual(['poll']);
  });

  test('an unknown channel and a refused link are answers, and end play', () => {
    const { session, effects } = after(live, told('live'), { type: 'unanswered', why: 'forbidden' });
    expect(session).toMatchObject({ phase: 'forbidden', attached: null });
    expect(kinds(effects)).toEqual(['detach', 'poll']);
    expect(after(live, { type: 'unanswered', why: 'missing' }).session.phase).toBe('missing');
  });
});

describe('attaching', () => {
  test('begins with the question, not with the media', () => {
    expect(beginEffects(live)).toEqual([{ type: 'poll', inMs: 0 }]);
  });

  test('a channel on air is attached once, however often it says so', () => {
    const first = after(live, told('live'));
    expect(first.effects).toContainEqual({ type: 'attach', source: { kind: 'live', via: 'hls', stream: 's1' } });
    expect(kinds(after(first.session, told('live')).effects)).toEqual(['poll']);
  });

  test('a channel that waits or has ended is not', () => {
    expect(kinds(after(live, told('waiting')).effects)).toEqual(['poll']);
    expect(kinds(after(live, told('ended')).effects)).toEqual(['poll']);
  });

  test('an outage keeps the attachment', () => {
    const { session, effects } = after(live, told('live'), told('stalled'), told('stalled'), told('live'));
    expect(session.attached?.stream).toBe('s1');
    expect(kinds(effects)).toEqual(['poll']);
  });

  test('an outage of half an hour is asked about to its end and nothing is let go', () => {
    let { session } = after(live, told('live'));
    let elapsed = 0;
    while (elapsed < 30 * 60_000) {
      const next = after(session, told('stalled'));
      session = next.session;
      expect(kinds(next.effects)).toEqual(['poll']);
      elapsed += pollMs(next.effects) ?? Number.POSITIVE_INFINITY;
    }
    expect(after(session, told('live')).session.attached?.stream).toBe('s1');
  });

  test('another stream is attached in place of the old one', () => {
    const { effects } = after(live, told('live'), told('live', 's2'));
    expect(effects).toContainEqual({ type: 'attach', source: { kind: 'live', via: 'hls', stream: 's2' } });
  });

  test('a new stream after the end is attached by itself', () => {
    const { effects } = after(live, told('live'), told('ended'), { type: 'played-out' }, told('live', 's2'));
    expect(kinds(effects)).toEqual(['attach', 'poll']);
  });

  test('a server that forgot the stream is let go of', () => {
    const { session, effects } = after(live, told('live'), told('waiting', null));
    expect(session.attached).toBeNull();
    expect(kinds(effects)).toEqual(['detach', 'poll']);
  });

  test('another way is attached at once, and the same way is not', () => {
    const on = after(live, told('live')).session;
    expect(after(on, { type: 'choose-via', via: 'flv' }).effects).toEqual([{ type: 'attach', source: { kind: 'live', via: 'flv', stream: 's1' } }]);
    expect(after(on, { type: 'choose-via', via: 'hls' }).effects).toEqual([]);
    const waiting = after(live, told('waiting'), { type: 'choose-via', via: 'flv' });
    expect(waiting.effects).toEqual([]);
    expect(waiting.session.via).toBe('flv');
  });
});

describe('failing', () => {
  test('an engine that gave up is attached afresh after a growing wait, and the channel is asked', () => {
    const waits: (number | undefined)[] = [];
    let { session } = after(live, told('live'));
    for (let at = 0; at < 8; at += 1) {
      const gone = after(session, failed);
      expect(kinds(gone.effects)).toEqual(['poll', 'reattach']);
      waits.push(gone.effects.find((one) => one.type === 'reattach')?.inMs);
      const again = after(gone.session, { type: 'reattach-due' });
      expect(kinds(again.effects)).toEqual(['attach']);
      session = again.session;
    }
    expect(waits).toEqual([300, 600, 1_200, 2_400, 4_800, 5_000, 5_000, 5_000]);
  });

  test('the first picture takes the failures back', () => {
    const { session } = after(live, told('live'), failed, { type: 'reattach-due' }, { type: 'engine-moved' });
    expect(session).toMatchObject({ failures: 0, failure: null });
  });

  test('a codec that cannot be played is tried seldom', () => {
    const { effects } = after(live, told('live'), { type: 'engine-failed', failure: 'codec' });
    expect(effects.find((one) => one.type === 'reattach')?.inMs).toBe(10_000);
  });

  test('after the end a failing engine is the end of the media', () => {
    const { session, effects } = after(live, told('live'), told('ended'), failed);
    expect(session.attached).toBeNull();
    expect(kinds(effects)).toEqual(['detach']);
  });

  test('when the channel ended before the fresh attachment was due, the element is let go', () => {
    const { session, effects } = after(live, told('live'), failed, told('ended'), { type: 'reattach-due' });
    expect(session.attached).toBeNull();
    expect(effects).toEqual([{ type: 'detach' }]);
  });

  test('a late failure of what is no longer attached means nothing', () => {
    expect(after(live, told('waiting'), failed).effects).toEqual([]);
  });
});

describe('asking', () => {
  test('seldom while live, at once when there is trouble', () => {
    const on = after(live, told('live'));
    expect(pollMs(on.effects)).toBe(10_000);
    expect(pollMs(after(on.session, { type: 'trouble' }).effects)).toBeLessThan(400);
  });

  test('every two seconds while it waits, a little slower with time', () => {
    let { session, effects } = after(live, told('waiting'));
    expect(pollMs(effects)).toBe(2_000);
    for (let at = 0; at < 100; at += 1) ({ session, effects } = after(session, told('waiting')));
    expect(pollMs(effects)).toBe(4_000);
  });

  test('a lost server is asked soon at first, and never less than every eight seconds', () => {
    let { session, effects } = after(live, told('live'), lost);
    expect(pollMs(effects)).toBe(1_000);
    for (let at = 0; at < 100; at += 1) ({ session, effects } = after(session, lost));
    expect(pollMs(effects)).toBe(8_000);
  });

  test('pictures that move during an outage make it ask whether it is over', () => {
    const { effects } = after(live, told('live'), told('stalled'), { type: 'engine-moved' });
    expect(effects).toEqual([{ type: 'poll', inMs: 0 }]);
  });

  test('every answer plans exactly one question', () => {
    const events: SessionEvent[] = [told('waiting'), told('live'), told('stalled'), told('ended'), lost, { type: 'unanswered', why: 'missing' }];
    for (const one of events) {
      for (const two of events) expect(after(live, one, two).effects.filter(({ type }) => type === 'poll')).toHaveLength(1);
    }
  });
});

describe('a recording', () => {
  const recorded = begin('flv', 'r1');

  test('plays without waiting for the channel, and once only', () => {
    expect(kinds(beginEffects(recorded))).toEqual(['attach', 'poll']);
    expect(kinds(after(recorded, told('live')).effects)).toEqual(['poll']);
  });

  test('is not disturbed by what the channel does', () => {
    for (const phase of ['waiting', 'live', 'stalled', 'ended'] as const) {
      expect(after(recorded, told(phase, 's9')).session).toMatchObject({ phase: 'recording', attached: { kind: 'recording', stream: 'r1' } });
    }
    expect(kinds(after(recorded, { type: 'unanswered', why: 'missing' }).effects)).toEqual(['poll']);
  });

  test('at its end stays where it is', () => {
    expect(after(recorded, { type: 'played-out' }).effects).toEqual([]);
  });

  test('that is not there is told, and tried seldom', () => {
    const { session, effects } = after(recorded, { type: 'engine-failed', failure: 'missing' });
    expect(session.failure).toBe('missing');
    expect(effects.find((one) => one.type === 'reattach')?.inMs).toBe(10_000);
  });
});

describe('the ladder', () => {
  const climber = begin('hls', null, ['hls', 'flv', 'ts']);
  const codec: SessionEvent = { type: 'engine-failed', failure: 'codec' };

  test('a format that one way cannot play leads to the next way at once', () => {
    const { session, effects } = after(climber, told('live'), codec);
    expect(session.via).toBe('flv');
    expect(session.failure).toBeNull();
    expect(effects).toContainEqual({ type: 'attach', source: { kind: 'live', via: 'flv', stream: 's1' } });
  });

  test('a way that brings no picture three times is left', () => {
    expect(after(climber, told('live'), failed, failed).session.via).toBe('hls');
    expect(after(climber, told('live'), failed, failed, failed).session.via).toBe('flv');
  });

  test('every way is tried once, and the last is kept with its waits', () => {
    const { session, effects } = after(climber, told('live'), codec, codec, codec);
    expect(session.via).toBe('ts');
    expect(session.failure).toBe('codec');
    expect(kinds(effects)).toEqual(['poll', 'reattach']);
  });

  test('pictures that move begin a new count', () => {
    const { session } = after(climber, told('live'), codec, codec, { type: 'engine-moved' }, codec);
    expect(session.via).toBe('hls');
  });

  test('a server that cannot be reached is no reason to leave a way', () => {
    expect(after(climber, told('live'), lost, failed, failed, failed).session.via).toBe('hls');
  });

  test('who has chosen a way stays on it', () => {
    expect(after(climber, told('live'), { type: 'choose-via', via: 'ts' }, codec).session.via).toBe('ts');
  });
});
