/** Sets lessons and changes them: the form, and what the dates will be. */

import { useMemo, useState } from 'preact/hooks';
import type { Course, Lesson, Problem, SeriesScope } from '@tayang/client';
import {
  Empty, FormError, Loading, PageHead, SelectField, SubmitButton, Switch, TextArea, TextField, Trouble, useApp, useForm, useResource, When,
  type Form, type Params,
} from '@tayang/shell';
import {
  checkLesson, emptyLesson, LENGTHS, LESSON_NAMES, lessonChangeOf, newLessonOf, SUMMARY_MAX, TITLE_MAX, valuesOf, wholeOf, type LessonValues,
} from '../logic/lesson-form.ts';
import { planLessons, WEEKS_MAX } from '../logic/repeat.ts';
import { slowOptions } from '../logic/slow.ts';
import { knownZones } from '../logic/zone.ts';
import { useTaught, useZone } from '../parts/hooks.ts';
import { useScheduleWords } from '../words/schedule.ts';

export function NewLessonPage() {
  const words = useScheduleWords();
  const courses = useTaught();
  const teaching = courses.value?.filter(({ archived_at }) => archived_at === null) ?? null;
  return (
    <div class="page page-form">
      <PageHead title={words.form.newTitle} />
      {teaching === null ? (
        courses.problem === null ? <Loading /> : <Trouble problem={courses.problem} retry={courses.reload} />
      ) : teaching.length === 0 ? (
        <Empty icon="course" title={words.home.noCourse} text={words.home.noCourseText}>
          <a class="button button-strong" href={useApp().router.href('/courses/new')}>
            {words.home.makeCourse}
          </a>
        </Empty>
      ) : (
        <NewLesson courses={teaching} />
      )}
    </div>
  );
}

function NewLesson({ courses }: { courses: readonly Course[] }) {
  const { api, router, toasts, now } = useApp();
  const words = useScheduleWords().form;
  const zone = useZone();
  const { query } = router.place.value;
  const course = courses.find(({ id }) => id === query.get('course')) ?? courses[0];
  const overlap = useOverlap();
  const form = useForm<LessonValues>({
    initial: emptyLesson(now(), zone, course?.id ?? '', query.get('date')),
    check: (values) => checkLesson(values, now(), words.errors),
    send: async (values, key) => {
      const { items } = await api.createLessons(overlap.permit(newLessonOf(values)), key);
      toasts.done(words.made(items.length));
      const [only] = items;
      router.go(items.length === 1 && only !== undefined ? `/lessons/${only.id}` : '/');
    },
    names: LESSON_NAMES,
    explain: overlap.explain,
  });
  const weeks = wholeOf(form.values.repeat_weeks) ?? 1;
  return (
    <form class="form card" onSubmit={form.onSubmit} noValidate>
      <WhatFields form={form} courses={courses} />
      <WhenFields form={form} repeat />
      <Preview values={form.values} />
      <RoomFields form={form} />
      <FormError text={form.error} />
      <OverlapSwitch overlap={overlap} />
      <SubmitButton busy={form.busy}>{words.act(weeks >= 1 && weeks <= WEEKS_MAX ? weeks : 1)}</SubmitButton>
    </form>
  );
}

export function EditLessonPage({ params }: { params: Params }) {
  const { api } = useApp();
  const words = useScheduleWords();
  const id = params['id'] ?? '';
  const lesson = useResource(`lesson ${id}`, (signal) => api.lesson(id, signal));
  return (
    <div class="page page-form">
      <PageHead title={words.form.editTitle} lead={lesson.value?.title} />
      {lesson.value === null ? lesson.problem === null ? <Loading /> : <Trouble problem={lesson.problem} retry={lesson.reload} /> : <EditLesson lesson={lesson.value} />}
    </div>
  );
}

function EditLesson({ lesson }: { lesson: Lesson }) {
  const { api, router, toasts, now } = useApp();
  const words = useScheduleWords().form;
  const [scope, setScope] = useState<SeriesScope>('one');
  const [before] = useState(() => valuesOf(lesson));
  const overlap = useOverlap();
  const moved = (values: LessonValues): boolean => (['date', 'time', 'zone', 'minutes'] as const).some((name) => values[name] !== before[name]);
  const form = useForm<LessonValues>({
    initial: before,
    check: (values) => checkLesson(values, moved(values) && lesson.state === 'scheduled' ? now() : null, words.errors),
    send: async (values) => {
      const change = lessonChangeOf(before, values);
      if (Object.keys(change).length === 0) return toasts.done(words.nothing);
      await api.changeLesson(lesson.id, overlap.permit(change), scope);
      toasts.done(words.changed);
      return router.go(`/lessons/${lesson.id}`);
    },
    names: LESSON_NAMES,
    explain: overlap.explain,
  });
  return (
    <form class="form card" onSubmit={form.onSubmit} noValidate>
      <WhatFields form={form} courses={null} />
      {lesson.state === 'scheduled' ? <WhenFields form={form} repeat={false} /> : null}
      {lesson.state === 'scheduled' ? <Preview values={form.values} /> : null}
      <RoomFields form={form} />
      {lesson.series_id === null ? null : (
        <SelectField
          label={words.scope}
          value={scope}
          onValue={(value) => setScope(value === 'following' ? 'following' : 'one')}
          options={[['one', words.one], ['following', words.following]]}
        />
      )}
      <FormError text={form.error} />
      <OverlapSwitch overlap={overlap} />
      <SaveButton busy={form.busy} />
    </form>
  );
}

interface Overlap {
  /** The server refused two lessons at one time; the mentor may want them all the same. */
  readonly met: boolean;
  readonly allowed: boolean;
  readonly allow: (on: boolean) => void;
  readonly permit: <T extends object>(fields: T) => T;
  readonly explain: (problem: Problem) => string | null;
}

function useOverlap(): Overlap {
  const words = useScheduleWords().form;
  const [met, meet] = useState(false);
  const [allowed, allow] = useState(false);
  return {
    met,
    allowed,
    allow,
    permit: (fields) => (allowed ? { ...fields, allow_overlap: true } : fields),
    explain: ({ code }) => {
      if (code !== 'overlaps') return null;
      meet(true);
      return words.overlaps;
    },
  };
}

function OverlapSwitch({ overlap }: { overlap: Overlap }) {
  const words = useScheduleWords().form;
  return overlap.met ? <Switch label={words.overlap} on={overlap.allowed} onChange={overlap.allow} /> : null;
}

function SaveButton({ busy }: { busy: boolean }) {
  return <SubmitButton busy={busy}>{useScheduleWords().form.editTitle}</SubmitButton>;
}

type LessonForm = { readonly form: Form<LessonValues> };

function WhatFields({ form: { values, errors, set }, courses }: LessonForm & { courses: readonly Course[] | null }) {
  const words = useScheduleWords().form;
  return (
    <fieldset class="fields">
      <legend>{words.what}</legend>
      {courses === null ? null : (
        <SelectField label={words.course} value={values.course_id} error={errors.course_id} onValue={(value) => set('course_id', value)} options={courses.map(({ id, title }) => [id, title] as const)} />
      )}
      <TextField label={words.title} required maxLength={TITLE_MAX} value={values.title} error={errors.title} onValue={(value) => set('title', value)} />
      <TextArea label={words.summary} hint={words.summaryHint} optional maxLength={SUMMARY_MAX} value={values.summary} error={errors.summary} onValue={(value) => set('summary', value)} />
    </fieldset>
  );
}

function WhenFields({ form: { values, errors, set }, repeat }: LessonForm & { repeat: boolean }) {
  const words = useScheduleWords().form;
  const mine = useZone();
  const zones = useMemo(() => knownZones(mine).map((zone) => [zone, zone.replaceAll('_', ' ')] as const), [mine]);
  return (
    <fieldset class="fields fields-two">
      <legend>{words.when}</legend>
      <TextField label={words.date} type="date" required value={values.date} error={errors.date} onValue={(value) => set('date', value)} />
      <TextField label={words.time} type="time" required value={values.time} error={errors.time} onValue={(value) => set('time', value)} />
      <TextField label={words.minutes} type="number" required min="5" max="720" value={values.minutes} error={errors.minutes} onValue={(value) => set('minutes', value)} />
      <div class="lengths" role="group" aria-label={words.minutes}>
        {LENGTHS.map((minutes) => (
          <button key={minutes} type="button" class="chip" aria-pressed={values.minutes === String(minutes)} onClick={() => set('minutes', String(minutes))}>
            {minutes}
          </button>
        ))}
      </div>
      {repeat ? (
        <TextField label={words.repeat} hint={words.repeatHint} type="number" min="1" max={String(WEEKS_MAX)} value={values.repeat_weeks} error={errors.repeat_weeks} onValue={(value) => set('repeat_weeks', value)} />
      ) : null}
      <SelectField label={words.zone} value={values.zone} error={errors.zone} onValue={(value) => set('zone', value)} options={zones.some(([zone]) => zone === values.zone) ? zones : [[values.zone, values.zone], ...zones]} />
    </fieldset>
  );
}

function RoomFields({ form: { values, errors, set } }: LessonForm) {
  const words = useScheduleWords().form;
  return (
    <fieldset class="fields">
      <legend>{words.room}</legend>
      <TextField label={words.capacity} hint={words.capacityHint} optional type="number" min="1" value={values.capacity} error={errors.capacity} onValue={(value) => set('capacity', value)} />
      <Switch label={words.comments} on={values.comments_on} onChange={(on) => set('comments_on', on)} />
      <Switch label={words.review} hint={words.reviewHint} on={values.review_on} disabled={!values.comments_on} onChange={(on) => set('review_on', on)} />
      <SelectField label={words.slow} value={values.slow_s} error={errors.slow_s} onValue={(value) => set('slow_s', value)} options={slowOptions(values.slow_s, words.slowStep)} />
      <TextArea label={words.words} hint={words.wordsHint} optional rows={3} value={values.word_filter} error={errors.word_filter} onValue={(value) => set('word_filter', value)} />
    </fieldset>
  );
}

function Preview({ values }: { values: LessonValues }) {
  const { preferences, now } = useApp();
  const words = useScheduleWords().form;
  const mine = useZone();
  const { date, time, zone } = values;
  const weeks = wholeOf(values.repeat_weeks) ?? 1;
  const plan = planLessons({ date, time, zone, minutes: Number(values.minutes), weeks }, mine);
  if (plan.length === 0) return null;
  const there = new When(preferences.language.value, zone);
  const here = new When(preferences.language.value, mine);
  return (
    <section class="preview" aria-live="polite">
      <h2>{words.preview}</h2>
      <ol>
        {plan.map((one) => (
          <li key={one.startsAt}>
            <p>
              <strong>{there.date(one.startsAt, now())}</strong>
              <span>
                {there.time(one.startsAt)} {there.zoneName(one.startsAt)} · {words.previewEnds(there.time(one.endsAt))}
              </span>
            </p>
            {zone === mine ? null : <p class="field-note">{words.previewYours(`${here.day(one.startsAt, now())} ${here.time(one.startsAt)} ${here.zoneName(one.startsAt)}`)}</p>}
            {one.kind === 'plain' ? null : <p class="preview-note">{words[one.kind]}</p>}
            {one.movesForReader ? <p class="preview-note">{words.moves}</p> : null}
          </li>
        ))}
      </ol>
    </section>
  );
}
