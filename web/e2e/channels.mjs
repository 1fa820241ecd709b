/** Channels as the server would tell of them, for tests and pictures. */

export const STREAM = '1763712000000';

export const TRACKS = [
  { kind: 'video', codec: 'avc1.42c01e', width: 640, height: 360 },
  { kind: 'audio', codec: 'mp4a.40.2', sampleRate: 48_000, channels: 2 },
];

export const RECORDINGS = [
  { stream: '1763712000000', started: 1_763_712_000_000, duration: 5_421, bytes: 1_734_000_000, state: 'ready' },
  { stream: '1763107200000', started: 1_763_107_200_000, duration: 3_318, bytes: 1_012_000_000, state: 'ready' },
];

export const LIVE = {
  state: 'live',
  stream: STREAM,
  tracks: TRACKS,
  recordings: [{ ...RECORDINGS[0], state: 'recording', duration: 812, bytes: 241_000_000 }, RECORDINGS[1]],
};
