/** One lesson: when it is, how it is set, and what can be done with it. */

import { useState } from 'preact/hooks';
import type { Lesson } from '@tayang/client';
import {
  Dialog, FormError, Icon, Lamp, Loading, Note, PageHead, remaining, TextField, Trouble, useApp, useForm, useNow, useResource, useShellWords, type Params, type Resource,
} from '@tayang/shell';
import { ShareButton } from '../parts/copy.tsx';
import { readAll, useMyWhen, useWriter } from '../parts/hooks.ts';
import { LessonCard } from '../parts/lesson-card.tsx';
import { useScheduleWords } from '../words/schedule.ts';

export function LessonPage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const lesson = useResource(`lesson ${id}`, (signal) => api.lesson(id, signal));
  if (lesson.value === null) {
    return <div class="page">{lesson.problem === null ? <Loading /> : <Trouble problem={lesson.problem} retry={lesson.reload} />}</div>;
  }
  return <LessonView lesson={lesson.value} resource={lesson} />;
}

function LessonView({ lesson, resource }: { lesson: Lesson; resource: Resource<Lesson> }) {
  const when = useMyWhen();
  const now = useNow(useApp().now, 1_000);
  const words = useScheduleWords().lesson;
  return (
    <div class="page">
      <PageHead title={lesson.title} lead={when.range(lesson.starts_at, lesson.ends_at, now)}>
        <Lamp lesson={lesson} />
      </PageHead>
      {lesson.state === 'cancelled' ? (
        <Note kind="away" icon="warning">
          <p>{words.cancelledNote}</p>
        </Note>
      ) : null}
      <div class="split">
        <div class="stack">
          <NextStep lesson={lesson} now={now} />
          <section class="card stack">
            <p class="prose">{lesson.summary === '' ? words.noSummary : lesson.summary}</p>
            <Facts lesson={lesson} />
          </section>
        </div>
        <div class="stack">
          <Tools lesson={lesson} resource={resource} />
          {lesson.series_id === null ? null : <Series lesson={lesson} now={now} />}
        </div>
      </div>
    </div>
  );
}

function NextStep({ lesson, now }: { lesson: Lesson; now: number }) {
  const { router } = useApp();
  const words = useScheduleWords().lesson;
  const at = `/lessons/${lesson.id}`;
  if (lesson.state === 'cancelled') return null;
  if (lesson.state === 'ended') {
    return (
      <section class="card stack">
        <h2>{words.after}</h2>
        <div class="actions">
          <a class="button button-strong" href={router.href(`${at}/recording`)}>
            <Icon name="play" />
            {words.recording}
          </a>
          <a class="button" href={router.href(`${at}/attendance`)}>
            <Icon name="people" />
            {words.attendance}
          </a>
        </div>
      </section>
    );
  }
  const left = remaining(lesson.starts_at, now);
  const live = lesson.state === 'live';
  return (
    <section class="card next-step">
      {live ? null : (
        <p class="countdown" role="timer">
          <span class="countdown-label">{left.over ? words.nowDue : words.startsIn}</span>
          {left.over ? null : <span class="countdown-clock">{left.days > 0 ? words.days(left.days) : left.clock}</span>}
        </p>
      )}
      <a class="button button-strong" href={router.href(live ? `${at}/live` : `${at}/publish`)}>
        <Icon name="camera" />
        {live ? words.dashboard : words.prepare}
      </a>
    </section>
  );
}

function Facts({ lesson }: { lesson: Lesson }) {
  const { router } = useApp();
  const words = useScheduleWords().lesson;
  const when = useMyWhen();
  const writer = useWriter();
  const filter = lesson.word_filter?.length ?? 0;
  const room = [
    lesson.comments_on ? words.commentsOn : words.commentsOff,
    ...(lesson.comments_on && lesson.review_on ? [words.reviewOn] : []),
    ...(lesson.slow_ms > 0 ? [words.slow(writer.whole(lesson.slow_ms / 1_000))] : []),
    ...(filter > 0 ? [words.words(writer.whole(filter))] : []),
  ].join(' · ');
  return (
    <dl class="facts">
      <dt>{words.course}</dt>
      <dd>
        <a class="text-link" href={router.href(`/courses/${lesson.course.id}`)}>
          {lesson.course.title}
        </a>
      </dd>
      <dt>{words.length}</dt>
      <dd>{when.span(Date.parse(lesson.ends_at) - Date.parse(lesson.starts_at))}</dd>
      <dt>{words.capacity}</dt>
      <dd>{lesson.capacity === null ? words.noCapacity : writer.whole(lesson.capacity)}</dd>
      <dt>{words.room}</dt>
      <dd>{room}</dd>
    </dl>
  );
}

function Tools({ lesson, resource }: { lesson: Lesson; resource: Resource<Lesson> }) {
  const { api, router } = useApp();
  const words = useScheduleWords().lesson;
  const [asking, setAsking] = useState(false);
  const open = lesson.state === 'scheduled';
  const share = new URL(`/mymentor/lessons/${lesson.id}`, location.origin).href;
  return (
    <section class="tools">
      {lesson.state === 'scheduled' || lesson.state === 'live' ? (
        <a class="button" href={router.href(`/lessons/${lesson.id}/edit`)}>
          <Icon name="edit" />
          {words.edit}
        </a>
      ) : null}
      {lesson.state === 'cancelled' ? null : <ShareButton url={share} text={lesson.title} label={words.share} />}
      {open ? (
        <a class="button" href={api.calendarUrl(lesson.id)} download>
          <Icon name="lessons" />
          {words.calendar}
        </a>
      ) : null}
      {open ? (
        <button type="button" class="button button-danger" onClick={() => setAsking(true)}>
          <Icon name="close" />
          {words.cancel}
        </button>
      ) : null}
      <Dialog open={asking} title={words.cancelTitle} onClose={() => setAsking(false)}>
        <CancelForm lesson={lesson} resource={resource} onClose={() => setAsking(false)} />
      </Dialog>
    </section>
  );
}

function CancelForm({ lesson, resource, onClose }: { lesson: Lesson; resource: Resource<Lesson>; onClose: () => void }) {
  const { api, toasts } = useApp();
  const words = useScheduleWords().lesson;
  const required = useShellWords().field.required;
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => (reason.trim() === '' ? { reason: required } : {}),
    send: async ({ reason }) => {
      resource.set({ ...lesson, ...(await api.cancelLesson(lesson.id, reason.trim())), state: 'cancelled' });
      toasts.done(words.cancelled);
      onClose();
    },
  });
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <p>{words.cancelText}</p>
      <TextField label={words.cancelReason} hint={words.cancelReasonHint} required maxLength={300} value={form.values.reason} error={form.errors.reason} onValue={(value) => form.set('reason', value)} />
      <FormError text={form.error} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          {words.keep}
        </button>
        <button type="submit" class="button button-danger" aria-disabled={form.busy}>
          {words.cancelAct}
        </button>
      </div>
    </form>
  );
}

function Series({ lesson, now }: { lesson: Lesson; now: number }) {
  const { api } = useApp();
  const words = useScheduleWords().lesson;
  const others = useResource(`series ${lesson.series_id ?? ''}`, () => readAll((cursor) => api.lessons({ course: lesson.course.id, mine: 'teaching', cursor, limit: 100 }), 3));
  const list = (others.value ?? []).filter(({ id, series_id }) => series_id === lesson.series_id && id !== lesson.id);
  if (list.length === 0) return null;
  return (
    <section class="stack">
      <h2>{words.series}</h2>
      {list.map((one) => (
        <LessonCard key={one.id} lesson={one} now={now} showDay />
      ))}
    </section>
  );
}
