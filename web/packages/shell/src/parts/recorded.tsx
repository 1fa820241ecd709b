/** A lesson that left several recordings: which of them plays. And taking one away as a file. */

import { mainPart, partPlayed, type Playback } from '@tayang/client';
import { useShellWords, useWhen } from '../context.ts';

interface PartsProps {
  readonly playback: Playback | null;
  /** Another is wanted, by its stream; `null`: the one that plays by itself. */
  readonly onPart: (stream: string | null) => void;
}

/** Nothing for a lesson that left one recording, as most do. */
export function RecordedParts({ playback, onPart }: PartsProps) {
  const words = useShellWords();
  const when = useWhen();
  const played = playback === null ? null : partPlayed(playback);
  if (playback === null || played === null) return null;
  const main = mainPart(playback.recordings)?.stream;
  return (
    <div class="choices recorded-parts" role="group" aria-label={words.recorded.parts}>
      {playback.recordings.map(({ stream, started_at, duration_ms }, at) => (
        <button key={stream} type="button" class="choice" aria-pressed={at === played} onClick={() => onPart(stream === main ? null : stream)}>
          {words.recorded.part(at + 1)} · <time dateTime={started_at}>{when.time(started_at)}</time> · {when.span(duration_ms)}
        </button>
      ))}
    </div>
  );
}

/** Saves the MP4 of a playback under the lesson's title, if it has one. */
export function takeAway({ base_url, urls }: Playback, title: string): void {
  if (urls.mp4 === null || urls.mp4 === undefined) return;
  const link = document.createElement('a');
  link.href = new URL(urls.mp4, new URL(base_url, location.href)).href;
  link.download = `${title.replaceAll(/[^\p{L}\p{N} _-]/gu, '').trim() || 'rekaman'}.mp4`;
  document.body.append(link);
  link.click();
  link.remove();
}
