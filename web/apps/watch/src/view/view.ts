/** What each part of the page is drawn from, and what a part is. */

import type { Address, Snapshot } from '@tayang/player';
import type { Part as AnyPart, StageContext } from '@tayang/stage';
import type { Writer } from '@tayang/ui';
import type { Words } from '../text/words.ts';

/** One moment, in one language. */
export interface View {
  readonly snapshot: Snapshot;
  readonly words: Words;
  readonly writer: Writer;
}

/** A part of this page. */
export type Part = AnyPart<View>;

/** What parts may act on. */
export interface Context extends StageContext {
  readonly address: Address;
}

/** The recording shown now, if the server has told of it. */
export function shownRecording(snapshot: Snapshot): NonNullable<Snapshot['channel']>['recordings'][number] | null {
  return snapshot.channel?.recordings.find((one) => one.stream === snapshot.recording) ?? null;
}

/**
 * The recording that an empty stage offers: that of the stream that has just ended, and to those who come later the newest
 * one that is finished.
 */
export function offeredRecording({ phase, channel }: Pick<Snapshot, 'phase' | 'channel'>): string | null {
  const { stream = null, recordings = [] } = channel ?? {};
  if (phase === 'ended') return (recordings.find((one) => one.stream === stream) ?? recordings[0])?.stream ?? null;
  if (phase === 'waiting') return recordings.find((one) => one.state !== 'recording')?.stream ?? null;
  return null;
}
