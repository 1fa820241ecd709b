/**
 * What the figures of a stream mean: which checks are green before a lesson, and what to do when something is amiss.
 *
 * Pure. Names advice, has no sentences: those are in `words/live.ts`. The server's own warnings are put to a name where
 * they are known, and handed on as they are where not.
 */

import type { Health } from '@tayang/client';

export type CheckName = 'onAir' | 'picture' | 'sound' | 'bitrate';
/** `wait`: nothing is known yet. `amiss`: it is there, and not as it should be. */
export type CheckState = 'wait' | 'good' | 'amiss';

export const CHECKS: readonly CheckName[] = ['onAir', 'picture', 'sound', 'bitrate'];

/** Below this a picture of a lesson cannot be read; above it phones on a plan do not keep up. In kbit/s. */
export const VIDEO_KBPS_MIN = 350;
export const VIDEO_KBPS_MAX = 6_000;
/** A hand that writes looks torn below this. */
export const FPS_MIN = 14;
/** Writing on a board needs so many lines. */
export const HEIGHT_MIN = 480;

export type AdviceName =
  | 'noPicture'
  | 'noSound'
  | 'bitrateLow'
  | 'bitrateHigh'
  | 'fpsLow'
  | 'small'
  | 'codecNarrow'
  | 'keyframes'
  | 'clock'
  | 'unsteady'
  | 'notRecorded';

export type Advice = { readonly name: AdviceName } | { readonly name: 'other'; readonly text: string };

/** The server's stable words for what is odd. */
const STABLE: Readonly<Record<string, AdviceName>> = {
  no_audio: 'noSound',
  long_gop: 'keyframes',
  late: 'unsteady',
  jumping_time: 'clock',
  not_recorded: 'notRecorded',
};

/** What a newer server may say in other words. */
const LIKELY: readonly (readonly [RegExp, AdviceName])[] = [
  [/key ?-?frame|gop/i, 'keyframes'],
  [/timestamp|clock|drift|monoton/i, 'clock'],
  [/no (audio|sound)|(audio|sound) (is )?(missing|silent)/i, 'noSound'],
  [/no (video|picture)|(video|picture) (is )?missing/i, 'noPicture'],
  [/jitter|gap|late|loss|lost|unsteady/i, 'unsteady'],
  [/bit ?-?rate.*(low|below)/i, 'bitrateLow'],
  [/bit ?-?rate.*(high|above|exceed)/i, 'bitrateHigh'],
];

/** Codecs that not every phone plays. */
const NARROW = /^(hevc|h\.?265|hvc1|hev1|av1|av01|vp9|vp09)/i;

export function checksOf(health: Health | null): Readonly<Record<CheckName, CheckState>> {
  if (health === null || !health.on_air) return { onAir: 'wait', picture: 'wait', sound: 'wait', bitrate: 'wait' };
  const { video, audio } = health;
  const rate = video?.bitrate_kbps ?? 0;
  return {
    onAir: 'good',
    picture: video === null ? 'wait' : video.height < HEIGHT_MIN || video.fps < FPS_MIN ? 'amiss' : 'good',
    sound: audio === null ? 'amiss' : 'good',
    bitrate: rate === 0 ? 'wait' : rate < VIDEO_KBPS_MIN || rate > VIDEO_KBPS_MAX ? 'amiss' : 'good',
  };
}

/** Everything is green, or nothing stands in the way but taste. */
export function isReady(checks: Readonly<Record<CheckName, CheckState>>): boolean {
  return checks.onAir === 'good' && checks.picture !== 'wait';
}

/** What to do, each once, the gravest first. Nothing while nothing arrives: that is said elsewhere. */
export function adviceOf(health: Health | null): readonly Advice[] {
  if (health === null || !health.on_air) return [];
  const { video, audio } = health;
  const names: AdviceName[] = [];
  if (video === null) names.push('noPicture');
  if (audio === null) names.push('noSound');
  if (video !== null) {
    if (video.bitrate_kbps > 0 && video.bitrate_kbps < VIDEO_KBPS_MIN) names.push('bitrateLow');
    if (video.bitrate_kbps > VIDEO_KBPS_MAX) names.push('bitrateHigh');
    if (video.fps > 0 && video.fps < FPS_MIN) names.push('fpsLow');
    if (video.height < HEIGHT_MIN) names.push('small');
    if (NARROW.test(video.codec)) names.push('codecNarrow');
  }
  const others: Advice[] = [];
  for (const text of health.warnings) {
    const known = STABLE[text] ?? LIKELY.find(([pattern]) => pattern.test(text))?.[1];
    if (known !== undefined) names.push(known);
    else if (text.trim() !== '') others.push({ name: 'other', text });
  }
  return [...[...new Set(names)].map((name) => ({ name })), ...others];
}

/** One word for the whole stream. */
export type Mood = 'off' | 'away' | 'amiss' | 'good';

export function moodOf(health: Health | null, stalled: boolean): Mood {
  if (stalled) return 'away';
  if (health === null || !health.on_air) return 'off';
  return adviceOf(health).length > 0 ? 'amiss' : 'good';
}

const CODEC_NAMES: Readonly<Record<string, string>> = {
  avc: 'H.264', avc1: 'H.264', h264: 'H.264', hevc: 'H.265', hvc1: 'H.265', hev1: 'H.265', h265: 'H.265',
  av1: 'AV1', av01: 'AV1', vp9: 'VP9', vp09: 'VP9', aac: 'AAC', mp4a: 'AAC', opus: 'Opus', mp3: 'MP3',
};

/** `H.264` for `avc1.64001f`: the name on the encoder's own menu. */
export function codecName(codec: string): string {
  return CODEC_NAMES[codec.toLowerCase().split('.')[0] ?? ''] ?? codec;
}
