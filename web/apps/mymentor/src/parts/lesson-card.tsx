/** One lesson in a list: when, what, with whom, and what can be done with it now. */

import type { KeptPosition, Lesson } from '@tayang/client';
import { clockText, Icon, Lamp, useApp, useWhen } from '@tayang/shell';
import { Writer } from '@tayang/ui';
import { useWords } from '../words.ts';

interface LessonCardProps {
  readonly lesson: Lesson;
  /** Where one was in the recording. */
  readonly resumeMs?: number | undefined;
  readonly now: number;
  /** The page says already whose course it is. */
  readonly plain?: boolean;
}

export function lessonLengthMs({ started_at, ended_at, starts_at, ends_at }: Lesson): number {
  const from = started_at !== null && ended_at !== null ? started_at : starts_at;
  const until = started_at !== null && ended_at !== null ? ended_at : ends_at;
  return Math.max(0, Date.parse(until) - Date.parse(from));
}

function action(lesson: Lesson, words: ReturnType<typeof useWords>): { text: string; strong: boolean } {
  if (lesson.state === 'live' && lesson.can.watch) return { text: lesson.on_air ? words.lesson.watchNow : words.lesson.enter, strong: true };
  if (lesson.state === 'ended' && lesson.can.replay) return { text: words.lesson.replay, strong: false };
  return { text: words.lesson.open, strong: false };
}

export function LessonCard({ lesson, resumeMs, now, plain = false }: LessonCardProps) {
  const { router, preferences } = useApp();
  const words = useWords();
  const when = useWhen();
  const writer = new Writer(preferences.language.value);
  const { text, strong } = action(lesson, words);
  const over = lesson.state === 'ended';
  const lengthMs = lessonLengthMs(lesson);
  const soon = lesson.state === 'scheduled' && Date.parse(lesson.starts_at) - now < 86_400_000 && Date.parse(lesson.starts_at) > now;
  return (
    <li class="card lesson-card" data-state={lesson.state}>
      <div class="lesson-card-top">
        <Lamp lesson={lesson} />
        {lesson.state === 'live' && lesson.viewers > 0 ? <span class="soft">{words.lesson.viewers(writer.whole(lesson.viewers))}</span> : null}
        {soon ? <span class="soft">{when.relative(lesson.starts_at, now)}</span> : null}
        {over && lesson.attended === true ? <span class="badge-plain">{words.lesson.attended}</span> : null}
      </div>
      <h3>
        <a class="card-link" href={router.href(`/lessons/${lesson.id}`)}>
          {lesson.title}
        </a>
      </h3>
      <p class="soft">{plain ? words.lesson.by(lesson.mentor.name) : `${lesson.course.title} · ${lesson.mentor.name}`}</p>
      <p class="soft">
        {over ? `${when.day(lesson.started_at ?? lesson.starts_at, now)} · ${when.span(lengthMs)}` : when.range(lesson.starts_at, lesson.ends_at, now)}
      </p>
      {resumeMs === undefined ? null : <Progress share={lengthMs === 0 ? 0 : resumeMs / lengthMs} />}
      <p class={strong ? 'card-act card-act-strong' : 'card-act'} aria-hidden="true">
        {resumeMs === undefined ? text : words.lesson.resumeAt(clockText(resumeMs / 1_000))}
        <Icon name="forward" />
      </p>
    </li>
  );
}

/** A recording of which no more is known than where one stopped: an older one. */
export function ResumeCard({ kept: { lesson, at_ms, duration_ms } }: { kept: KeptPosition }) {
  const { router } = useApp();
  const words = useWords();
  return (
    <li class="card lesson-card" data-state="ended">
      <h3>
        <a class="card-link" href={router.href(`/lessons/${lesson.id}`)}>
          {lesson.title}
        </a>
      </h3>
      {duration_ms === null || duration_ms === 0 ? null : <Progress share={at_ms / duration_ms} />}
      <p class="card-act" aria-hidden="true">
        {words.lesson.resumeAt(clockText(at_ms / 1_000))}
        <Icon name="forward" />
      </p>
    </li>
  );
}

/** How far one is. The words beside it say the same. */
function Progress({ share }: { share: number }) {
  return (
    <svg class="progress" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="progress-ground" width={100} height={4} />
      <rect class="progress-part" width={Math.min(100, Math.max(1, share * 100))} height={4} />
    </svg>
  );
}

/** The first words of a list, and the way to all of it. */
export function SectionHead({ title, to, label }: { title: string; to?: string; label?: string }) {
  const { router } = useApp();
  return (
    <div class="section-head">
      <h2>{title}</h2>
      {to === undefined ? null : (
        <a class="text-link" href={router.href(to)}>
          {label}
          <span class="unseen"> {title}</span>
        </a>
      )}
    </div>
  );
}
