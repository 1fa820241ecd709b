/** The stage as a part of a page: mounts a {@link mountViewing viewing} and tells what it shows. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Lesson, Playback, PlaybackState } from '@tayang/client';
import type { Snapshot } from '@tayang/player';
import { useApp } from '@tayang/shell';
import { useLiveWords } from '../words/live-en.ts';
import { mountViewing, type Viewing } from './viewing.ts';

export interface StageHandle {
  readonly seek: (seconds: number) => void;
  readonly setRate: (rate: number) => void;
}

/** Where a recording is, in whole quarters of a second, so that a page is not drawn for every picture. */
export interface Progress {
  readonly seconds: number;
  readonly duration: number;
}

interface StageProps {
  readonly lesson: Lesson;
  readonly kind: 'live' | 'recording';
  /** Stream of one of several recordings; without it the longest plays. */
  readonly part?: string | null;
  /** The right to play, each time that it is given. */
  readonly onOpened?: (playback: Playback) => void;
  readonly onProgress?: (progress: Progress) => void;
  readonly onReady?: (handle: StageHandle) => void;
}

const STEP = 4;

export function Stage({ lesson, kind, part = null, onOpened, onProgress, onReady }: StageProps) {
  const { api } = useApp();
  const place = useRef<HTMLDivElement>(null);
  const words = useLiveWords();
  const latest = useRef({ lesson, words, onProgress });
  latest.current = { lesson, words, onProgress };
  const viewing = useRef<Viewing | null>(null);
  const [state, setState] = useState<PlaybackState['phase']>('opening');
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    let told = '';
    const tell = ({ currentTime, duration }: Snapshot): void => {
      const progress = { seconds: Math.floor(currentTime * STEP) / STEP, duration: Number.isFinite(duration) ? Math.floor(duration) : 0 };
      const text = `${progress.seconds} ${progress.duration}`;
      if (text === told) return;
      told = text;
      latest.current.onProgress?.(progress);
    };
    const made = mountViewing({
      place: element,
      api,
      lesson,
      kind,
      part,
      now: () => latest.current.lesson,
      words: () => latest.current.words,
      onSnapshot: tell,
      onPlayback: (next) => {
        setState(next.phase);
        if (next.phase === 'open') onOpened?.(next.playback);
      },
    });
    viewing.current = made;
    onReady?.(made);
    return () => made.stop();
  }, [lesson.id, kind, part]);
  useEffect(() => viewing.current?.refresh(), [lesson.state, lesson.on_air, lesson.stalled, lesson.recording, words]);
  const scene = state === 'open' ? null : state === 'refused' ? (kind === 'live' && !lesson.on_air ? words.scene.waiting : words.scene.missing) : words.scene.loading;
  return (
    <div class="stage-place">
      <div ref={place} hidden={scene !== null} />
      {scene === null ? null : (
        <div class="stage stage-empty">
          <div class="scene" role="status">
            <div class="scene-words">
              <p class="scene-title">{scene.title}</p>
              <p class="scene-text">{scene.text}</p>
            </div>
          </div>
        </div>
      )}
    </div>
  );
}
