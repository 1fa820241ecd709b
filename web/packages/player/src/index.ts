/** Watching a Tayang channel or recording: addresses, state, engines. Has no interface and no words of its own. */

export * from './address.ts';
export type { AudioTrack, Channel, ChannelPhase, ChannelTrack, RecordingEntry, VideoTrack } from './channel.ts';
export { engineFor, hasMediaSource, playableVias, warmUp } from './engines.ts';
export type { LatencyBasis, Level } from './engine.ts';
export { Player } from './player.ts';
export type { EngineFailure, Phase, Source } from './session.ts';
export type { Answer, Latency, PlayerPorts, Snapshot } from './snapshot.ts';
