/** One lesson in a list: when, what, how it stands, and the one thing to do with it now. */

import type { Lesson } from '@tayang/client';
import { Icon, Lamp, useApp } from '@tayang/shell';
import { isSoon } from '../logic/schedule.ts';
import { useScheduleWords } from '../words/schedule.ts';
import { useMyWhen, useWriter } from './hooks.ts';

interface Step {
  readonly to: string;
  readonly label: string;
  readonly strong: boolean;
}

function useStep(lesson: Lesson, now: number): Step {
  const words = useScheduleWords().card;
  const at = `/lessons/${lesson.id}`;
  if (lesson.state === 'live') return { to: `${at}/live`, label: words.dashboard, strong: true };
  if (isSoon(lesson, now)) return { to: `${at}/publish`, label: words.prepare, strong: true };
  if (lesson.state === 'ended' && lesson.recording !== null) return { to: `${at}/recording`, label: words.recording, strong: false };
  return { to: at, label: words.open, strong: false };
}

export function LessonCard({ lesson, now, showDay = false }: { lesson: Lesson; now: number; showDay?: boolean }) {
  const { router } = useApp();
  const when = useMyWhen();
  const writer = useWriter();
  const words = useScheduleWords().card;
  const step = useStep(lesson, now);
  return (
    <article class="slot card" data-state={lesson.state}>
      {showDay ? <p class="slot-day">{when.day(lesson.starts_at, now)}</p> : null}
      <div class="slot-time">
        <time dateTime={lesson.starts_at}>{when.time(lesson.starts_at)}</time>
        <span class="slot-end">–{when.time(lesson.ends_at)}</span>
      </div>
      <div class="slot-what">
        <h3>
          <a class="slot-link" href={router.href(`/lessons/${lesson.id}`)}>
            {lesson.title}
          </a>
        </h3>
        <p class="slot-course">
          {lesson.course.title}
          {lesson.series_id === null ? null : <span class="badge-plain">{words.series}</span>}
        </p>
        <p class="slot-state">
          <Lamp lesson={lesson} />
          {lesson.state === 'live' ? <span>{words.viewers(writer.whole(lesson.viewers))}</span> : null}
        </p>
      </div>
      <a class={step.strong ? 'button button-strong' : 'button'} href={router.href(step.to)}>
        {step.strong ? <Icon name="camera" /> : null}
        {step.label}
        <span class="unseen">: {lesson.title}</span>
      </a>
    </article>
  );
}
