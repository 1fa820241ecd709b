/** The mentor's courses, and making one. */

import { useState } from 'preact/hooks';
import type { Course, CourseFields, Enrolment } from '@tayang/client';
import {
  Empty, FormError, Icon, Loading, PageHead, SelectField, SubmitButton, Switch, TextArea, TextField, Trouble, useApp, useForm, useShellWords,
  type Form,
} from '@tayang/shell';
import { wholeOf } from '../logic/lesson-form.ts';
import { useTaught, useWriter } from '../parts/hooks.ts';
import { useCourseWords } from '../words/courses.ts';

export function CoursesPage() {
  const { router } = useApp();
  const words = useCourseWords().courses;
  const [all, setAll] = useState(false);
  const courses = useTaught();
  const archived = courses.value?.some(({ archived_at }) => archived_at !== null) ?? false;
  const shown = (courses.value ?? []).filter(({ archived_at }) => all || archived_at === null);
  return (
    <div class="page">
      <PageHead title={words.title}>
        <a class="button button-strong" href={router.href('/courses/new')}>
          <Icon name="plus" />
          {words.make}
        </a>
      </PageHead>
      {courses.value === null ? (
        courses.problem === null ? <Loading /> : <Trouble problem={courses.problem} retry={courses.reload} />
      ) : shown.length === 0 ? (
        <Empty icon="course" title={words.none} text={words.noneText} />
      ) : (
        <div class="grid">
          <h2 class="unseen">{words.title}</h2>
          {shown.map((course) => (
            <CourseCard key={course.id} course={course} />
          ))}
        </div>
      )}
      {archived ? <Switch label={words.showArchived} on={all} onChange={setAll} /> : null}
    </div>
  );
}

/** How many there are, of how many there may be. */
export function usePeopleText(): (course: Course) => string {
  const words = useCourseWords().courses;
  const writer = useWriter();
  return ({ enrolled, capacity }) => (capacity === null ? words.people(writer.whole(enrolled)) : words.peopleOf(writer.whole(enrolled), writer.whole(capacity)));
}

function CourseCard({ course }: { course: Course }) {
  const { router } = useApp();
  const words = useCourseWords().courses;
  const people = usePeopleText();
  return (
    <article class="card course-card">
      <h3>
        <a class="card-link" href={router.href(`/courses/${course.id}`)}>
          {course.title}
        </a>
      </h3>
      <p class="soft clamp">{course.summary}</p>
      <p class="facts-row">
        <span class="badge-plain">{words.modes[course.enrolment]}</span>
        {course.archived_at === null ? null : <span class="badge-plain">{words.archived}</span>}
        <span class="soft">{people(course)}</span>
      </p>
    </article>
  );
}

export interface CourseValues {
  readonly title: string;
  readonly summary: string;
  readonly enrolment: Enrolment;
  readonly capacity: string;
}

export function courseFieldsOf({ title, summary, enrolment, capacity }: CourseValues): CourseFields {
  return { title: title.trim(), summary: summary.trim(), enrolment, capacity: wholeOf(capacity) };
}

export function useCourseForm(initial: CourseValues, send: (fields: CourseFields, key: string) => Promise<void>): Form<CourseValues> {
  const words = useCourseWords().form;
  return useForm<CourseValues>({
    initial,
    check: ({ title, capacity }) => ({
      ...(title.trim() === '' ? { title: words.required } : {}),
      ...(Number.isNaN(wholeOf(capacity)) ? { capacity: words.notWhole } : {}),
    }),
    send: (values, key) => send(courseFieldsOf(values), key),
  });
}

const MODES: readonly Enrolment[] = ['open', 'approval', 'invitation'];

export function CourseFieldset({ form: { values, errors, set } }: { form: Form<CourseValues> }) {
  const words = useCourseWords();
  return (
    <>
      <TextField label={words.form.title} required maxLength={120} value={values.title} error={errors.title} onValue={(value) => set('title', value)} />
      <TextArea label={words.form.summary} hint={words.form.summaryHint} optional maxLength={2_000} value={values.summary} error={errors.summary} onValue={(value) => set('summary', value)} />
      <SelectField
        label={words.form.enrolment}
        hint={words.courses.modeHints[values.enrolment]}
        value={values.enrolment}
        error={errors.enrolment}
        onValue={(value) => set('enrolment', MODES.find((one) => one === value) ?? 'open')}
        options={MODES.map((mode) => [mode, words.courses.modes[mode]] as const)}
      />
      <TextField label={words.form.capacity} hint={words.form.capacityHint} optional type="number" min="1" value={values.capacity} error={errors.capacity} onValue={(value) => set('capacity', value)} />
    </>
  );
}

export function NewCoursePage() {
  const { api, router, toasts } = useApp();
  const words = useCourseWords().form;
  const form = useCourseForm({ title: '', summary: '', enrolment: 'open', capacity: '' }, async (fields, key) => {
    const course = await api.createCourse(fields, key);
    toasts.done(words.made);
    router.go(`/courses/${course.id}?part=invite`);
  });
  return (
    <div class="page page-form">
      <PageHead title={words.newTitle} />
      <form class="form card" onSubmit={form.onSubmit} noValidate>
        <CourseFieldset form={form} />
        <FormError text={form.error} />
        <SubmitButton busy={form.busy}>{words.act}</SubmitButton>
      </form>
    </div>
  );
}

export function SaveCourse({ course, onSaved }: { course: Course; onSaved: (course: Course) => void }) {
  const { api, toasts } = useApp();
  const shell = useShellWords();
  const capacity = course.capacity === null ? '' : String(course.capacity);
  const form = useCourseForm({ title: course.title, summary: course.summary, enrolment: course.enrolment, capacity }, async (fields) => {
    onSaved({ ...course, ...(await api.changeCourse(course.id, fields)) });
    toasts.done(shell.saved);
  });
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <CourseFieldset form={form} />
      <FormError text={form.error} />
      {form.changed ? <SubmitButton busy={form.busy}>{shell.save}</SubmitButton> : null}
    </form>
  );
}
