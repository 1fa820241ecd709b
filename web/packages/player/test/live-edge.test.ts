import { describe, expect, test } from 'vitest';
import { LiveEdge, type EdgeDecision } from '../src/live-edge.ts';

const TUNING = { targetSeconds: 0.6, skipSeconds: 3, rateMax: 1.1, windowMs: 0 };

function look(edge: LiveEdge, now: number, behindSeconds: number, more: { bufferedSeconds?: number; starved?: boolean } = {}): EdgeDecision {
  return edge.look({ now, behindSeconds, bufferedSeconds: more.bufferedSeconds ?? 1, starved: more.starved ?? false });
}

describe('rate', () => {
  test('at the target it is 1', () => {
    expect(look(new LiveEdge(TUNING), 0, 0.65)).toEqual({ act: 'rate', rate: 1 });
  });

  test('a little behind it is a little faster, far behind it is 1.1 at most', () => {
    const edge = new LiveEdge(TUNING);
    expect(look(edge, 0, 0.9)).toEqual({ act: 'rate', rate: 1.06 });
    expect(look(edge, 1, 2.9)).toEqual({ act: 'rate', rate: 1.1 });
  });

  test('once faster it goes on until it is really there', () => {
    const edge = new LiveEdge(TUNING);
    expect(look(edge, 0, 0.7)).toEqual({ act: 'rate', rate: 1 });
    look(edge, 1, 0.9);
    expect(look(edge, 2, 0.7)).toMatchObject({ rate: 1.04 });
    expect(look(edge, 3, 0.63)).toEqual({ act: 'rate', rate: 1 });
  });

  test('nothing is hurried with an empty buffer', () => {
    expect(look(new LiveEdge(TUNING), 0, 2, { bufferedSeconds: 0.1 })).toEqual({ act: 'rate', rate: 1 });
  });

  test('a player 0.5 s behind its target is back within ten seconds, and stays', () => {
    const edge = new LiveEdge(TUNING);
    let behind = 1.1;
    for (let now = 0; now < 10_000; now += 200) {
      const decision = look(edge, now, behind, { bufferedSeconds: behind });
      if (decision.act === 'rate') behind -= (decision.rate - 1) * 0.2;
    }
    expect(behind).toBeLessThan(0.72);
    expect(behind).toBeGreaterThan(0.55);
  });
});

describe('skip', () => {
  test('too far behind it skips, to the target and not to the very edge', () => {
    expect(look(new LiveEdge(TUNING), 0, 3.1)).toEqual({ act: 'skip', behindSeconds: 0.6 });
  });

  test('what a key frame far back left behind is skipped soon after joining, once', () => {
    const edge = new LiveEdge(TUNING);
    const acts: [number, string][] = [];
    for (let now = 0; now < 10_000; now += 200) {
      const { act } = look(edge, now, 1.9);
      if (act === 'skip') acts.push([now, act]);
    }
    expect(acts).toEqual([[400, 'skip']]);
  });

  test('later the same delay is worked off', () => {
    const edge = new LiveEdge(TUNING);
    look(edge, 0, 0.6);
    expect(look(edge, 20_000, 1.9)).toEqual({ act: 'rate', rate: 1.1 });
  });

  test('it does not skip again before the buffer could settle', () => {
    const edge = new LiveEdge(TUNING);
    look(edge, 0, 30);
    expect(look(edge, 200, 30).act).toBe('rate');
    expect(look(edge, 3_200, 30).act).toBe('skip');
  });
});

describe('an edge that comes in bursts', () => {
  const BURSTS = { ...TUNING, targetSeconds: 0.4, windowMs: 2_200 };

  test('is judged by the lowest point of the buffer: whole segments of two seconds are not hurried to a stall', () => {
    const edge = new LiveEdge(BURSTS);
    let behind = 2.4;
    let lowest = behind;
    for (let now = 0; now < 60_000; now += 100) {
      const decision = look(edge, now, behind, { bufferedSeconds: behind });
      if (now > 2_200) lowest = Math.min(lowest, behind);
      behind -= 0.1 * (decision.act === 'rate' ? decision.rate : 1);
      if (now % 2_000 === 1_900) behind += 2;
    }
    expect(lowest).toBeGreaterThan(0.1);
  });

  test('what is never used is given up', () => {
    const edge = new LiveEdge(BURSTS);
    let behind = 1.5;
    for (let now = 0; now < 30_000; now += 100) {
      const decision = look(edge, now, behind, { bufferedSeconds: behind });
      behind -= 0.1 * ((decision.act === 'rate' ? decision.rate : 1) - 1);
    }
    expect(behind).toBeLessThan(0.55);
  });

  test('after a skip it is judged afresh', () => {
    const edge = new LiveEdge(BURSTS);
    expect(look(edge, 0, 9).act).toBe('skip');
    expect(look(edge, 200, 0.5)).toEqual({ act: 'rate', rate: 1 });
  });
});

describe('a poor network', () => {
  test('each rebuffering moves the target away, to a cap', () => {
    const edge = new LiveEdge(TUNING);
    look(edge, 0, 1, { starved: true });
    expect(edge.targetSeconds).toBeCloseTo(0.85);
    for (let at = 0; at < 50; at += 1) look(edge, at, 1, { starved: true });
    expect(edge.targetSeconds).toBeCloseTo(2.6);
  });

  test('calm brings it back all the way', () => {
    const edge = new LiveEdge(TUNING);
    look(edge, 0, 1, { starved: true });
    for (let now = 0; now < 60_000; now += 200) look(edge, now, 0.7);
    expect(edge.targetSeconds).toBeCloseTo(0.6);
  });

  test('a new hold-back of the server is taken over, the distrust of the network stays', () => {
    const edge = new LiveEdge(TUNING);
    look(edge, 0, 1, { starved: true });
    edge.retune({ ...TUNING, targetSeconds: 1 });
    expect(edge.targetSeconds).toBeCloseTo(1.25);
  });
});
