/** Settings of the room that take effect at once, while the lesson is on. */

import type { Lesson, LessonChange } from '@tayang/client';
import { SelectField, Switch } from '@tayang/shell';
import { slowOptions } from '../logic/slow.ts';
import { useDeed } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';
import { useScheduleWords } from '../words/schedule.ts';

export function RoomSettings({ lesson, onChanged }: { lesson: Lesson; onChanged: (lesson: Lesson) => void }) {
  const words = useScheduleWords().form;
  const title = useLiveWords().room.settings;
  const { busy, run } = useDeed();
  const change = (what: LessonChange): void =>
    run(async (api) => {
      // The lesson changes by itself while it is on: what is changed is the newest version, not the one read at first.
      await api.lesson(lesson.id);
      onChanged({ ...lesson, ...(await api.changeLesson(lesson.id, what)) });
    });
  const slow = String(Math.round(lesson.slow_ms / 1_000));
  return (
    <section class="stack" aria-busy={busy}>
      <h2>{title}</h2>
      <Switch label={words.comments} on={lesson.comments_on} onChange={(on) => change({ comments_on: on })} />
      <Switch label={words.review} hint={words.reviewHint} on={lesson.review_on} disabled={!lesson.comments_on} onChange={(on) => change({ review_on: on })} />
      <SelectField label={words.slow} value={slow} options={slowOptions(slow, words.slowStep)} onValue={(value) => change({ slow_ms: Number(value) * 1_000 })} />
    </section>
  );
}
