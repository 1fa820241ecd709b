/** Before a lesson: how long it is until then, and what it will be about. */

import type { Lesson } from '@tayang/client';
import { Icon, remaining, useApp, useNow } from '@tayang/shell';
import { useWords } from '../words.ts';
import { StageWaiting } from './stage-mount.tsx';

export function WaitingRoom({ lesson }: { lesson: Lesson }) {
  const { now: clock } = useApp();
  const words = useWords();
  const now = useNow(clock, 1_000);
  const left = remaining(lesson.starts_at, now);
  return (
    <StageWaiting title={words.lesson.waitingRoom.title} text={words.lesson.waitingRoom.text}>
      {left.over ? (
        <p class="countdown-soon" role="status">
          {words.lesson.startsSoon}
        </p>
      ) : (
        <p class="countdown" role="timer" aria-live="off">
          <span class="countdown-name">{words.lesson.startsIn}</span>
          <span class="countdown-clock">
            {left.days > 0 ? <span class="countdown-days">{words.lesson.days(left.days)} </span> : null}
            {left.clock}
          </span>
        </p>
      )}
    </StageWaiting>
  );
}

/** A file that every calendar takes. */
export function CalendarLink({ lesson }: { lesson: Lesson }) {
  const { api } = useApp();
  const words = useWords();
  return (
    <a class="button" href={api.calendarUrl(lesson.id)} download>
      <Icon name="lessons" />
      {words.lesson.addToCalendar}
    </a>
  );
}
