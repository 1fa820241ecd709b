/** A viewing for as long as a page has a playback of the same addresses. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Lesson, Playback } from '@tayang/client';
import type { Answer, Snapshot } from '@tayang/player';
import { useWords } from '../words.ts';
import type { Words } from '../words/words.ts';
import { placeKey, placeOf } from './place.ts';
import { playableHere, Viewing, type Carried } from './viewing.ts';

/** Makes a viewing for a playback; only one of other addresses is another viewing, which goes on where the one before was. */
export function useViewing(lesson: Lesson, playback: Playback | null, askState: () => Promise<Answer>, stream: string | null, onSnapshot: (snapshot: Snapshot) => void): Viewing | null {
  const words = useWords();
  const latest = useRef<{ words: Words; playback: Playback | null }>({ words, playback });
  latest.current = { words, playback };
  const carried = useRef<Carried | null>(null);
  const [viewing, setViewing] = useState<Viewing | null>(null);
  useEffect(() => {
    const opened = latest.current.playback;
    if (opened === null) return undefined;
    const made = new Viewing({
      place: placeOf(opened, playableHere(), stream, location.href),
      title: lesson.title,
      askState,
      words: () => latest.current.words,
      carried: carried.current,
      onSnapshot,
    });
    setViewing(made);
    return () => {
      carried.current = made.carry();
      setViewing(null);
      made.stop();
    };
  }, [placeKey(playback)]);
  // Another right to the same addresses: what failed for want of one need not wait for a timer.
  useEffect(() => viewing?.player.wake(), [playback?.playback_id]);
  return viewing;
}
