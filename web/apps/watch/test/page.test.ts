import { describe, expect, test } from 'vitest';
import { en } from '../src/text/en.ts';
import { id } from '../src/text/id.ts';
import { codecName } from '../src/view/codec.ts';
import { LatencyTrace } from '../src/view/trace.ts';
import { offeredRecording } from '../src/view/view.ts';

/** Every text of a catalogue with the path to it. */
function textsOf(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => textsOf(inner, `${path}.${name}`));
}

describe('words', () => {
  test('both languages say everything, and nothing is empty', () => {
    const [one, two] = [textsOf(id), textsOf(en)];
    expect(one.map(([path]) => path)).toEqual(two.map(([path]) => path));
    for (const [path, text] of [...one, ...two]) expect(text.trim(), path).not.toBe('');
  });

  test('no sentence was left in the other language', () => {
    const same = textsOf(id).filter(([path, text]) => textsOf(en).some(([other, english]) => other === path && english === text));
    // Names of protocols and keys are the same everywhere.
    const left = same.map(([path]) => path).filter((path) => !/^\.(route\..*\.name|keysList|video|volume)/.test(path));
    expect(left).toEqual([]);
  });
});

test.each([
  ['avc1.64001f', 'H.264'],
  ['hvc1.1.6.L93.B0', 'H.265'],
  ['av01.0.04M.08', 'AV1'],
  ['vp09.00.10.08', 'VP9'],
  ['mp4a.40.2', 'AAC'],
  ['mp4a.40.5', 'HE-AAC'],
  ['mp4a.40.34', 'MP3'],
  ['opus', 'Opus'],
  ['fLaC', 'FLAC'],
  ['ulaw', 'ulaw'],
])('%s is called %s', (codec, name) => {
  expect(codecName(codec)).toBe(name);
});

describe('the line of latency', () => {
  test('runs from left to right over a minute', () => {
    const trace = new LatencyTrace(240, 48);
    trace.add(0, 750, 'hls');
    expect(trace.add(60_000, 750, 'hls')?.line).toBe('M0.0 24.0L240.0 24.0');
    expect(trace.add(90_000, 750, 'hls')?.line).toBe('M120.0 24.0L240.0 24.0');
  });

  test('is broken where nothing was known, and begins anew for another way', () => {
    const trace = new LatencyTrace(240, 48);
    trace.add(0, 750, 'hls');
    trace.add(1_000, null, 'hls');
    expect(trace.add(2_000, 750, 'hls')?.line.match(/M/g)).toHaveLength(2);
    expect(trace.add(3_000, 750, 'flv')?.line).toBe('M240.0 24.0');
  });

  test('takes two readings a second at most and forgets the rest', () => {
    const trace = new LatencyTrace(240, 48);
    trace.add(0, 750, 'hls');
    expect(trace.add(200, 900, 'hls')).toBeNull();
    for (let now = 0; now < 3_600_000; now += 500) trace.add(now, 800, 'hls');
    expect(trace.add(3_600_000, 800, 'hls')?.line.split('L').length).toBeLessThan(125);
  });

  test('high latency stays inside the picture', () => {
    const trace = new LatencyTrace(240, 48);
    const drawn = trace.add(0, 60_000, 'ts');
    expect(Number(drawn?.line.split(' ')[1])).toBeGreaterThanOrEqual(0);
  });
});

const recording = (stream: string, state: 'recording' | 'sealed' | 'ready') => ({ stream, state, started: 0, durationSeconds: 9, bytes: 1 });
const offered = (phase: 'waiting' | 'live' | 'ended', stream: string | null, ...recordings: ReturnType<typeof recording>[]) =>
  offeredRecording({ phase, channel: { phase, stream, title: '', serverTime: null, tracks: [], recordings } });

describe('the recording that an empty stage offers', () => {
  test('after the end it is that of the stream that ended', () => {
    expect(offered('ended', 's2', recording('s3', 'ready'), recording('s2', 'sealed'))).toBe('s2');
    expect(offered('ended', 's9')).toBeNull();
  });

  test('while nothing is on air it is the newest one that is finished', () => {
    expect(offered('waiting', null, recording('s3', 'sealed'), recording('s2', 'ready'))).toBe('s3');
    expect(offered('waiting', null, recording('s3', 'recording'), recording('s2', 'ready'))).toBe('s2');
    expect(offered('waiting', null, recording('s3', 'recording'))).toBeNull();
    expect(offered('waiting', null)).toBeNull();
  });

  test('on air there is none', () => {
    expect(offered('live', 's2', recording('s1', 'ready'))).toBeNull();
    expect(offeredRecording({ phase: 'loading', channel: null })).toBeNull();
  });
});
