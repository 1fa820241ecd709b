/** One course: what it is, joining or leaving it, and its lessons. */

import { useState } from 'preact/hooks';
import { Problem, type Course, type EnrolmentState, type Lesson } from '@tayang/client';
import { Confirm, FormError, Icon, Loading, More, Note, PageHead, SubmitButton, TextField, Trouble, useApp, useForm, usePages, useProblemText, useResource, useShellWords, type PagedResource, type Params } from '@tayang/shell';
import { invitationIn } from '../invitation.ts';
import { comingFrom, isComing } from '../parts/coming.ts';
import { useEnrolledText } from '../parts/course-card.tsx';
import { useFresh } from '../parts/fresh.ts';
import { LessonCard } from '../parts/lesson-card.tsx';
import { useWords } from '../words.ts';

export function CoursePage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const invited = useInvitation();
  // A course by invitation is there for who is in it, and for who has an invitation that holds.
  const course = useResource<Course>(`${id} ${invited ?? ''}`, (signal) => api.course(id, signal, invited));
  useFresh(course.reload);
  if (course.value !== null) return <CourseShown course={course.value} reload={course.reload} />;
  if (invited !== null && course.problem instanceof Problem && course.problem.status === 404) return <VoidInvitation />;
  return <div class="page">{course.problem === null ? <Loading /> : <Trouble problem={course.problem} retry={course.reload} />}</div>;
}

function VoidInvitation() {
  const words = useWords();
  return (
    <div class="page">
      <PageHead title={words.course.invited} />
      <Note icon="warning">{words.course.invitationVoid}</Note>
    </div>
  );
}

function CourseShown({ course, reload }: { course: Course; reload: () => void }) {
  const { router } = useApp();
  const words = useWords();
  const enrolled = useEnrolledText();
  return (
    <div class="page">
      <PageHead
        title={course.title}
        lead={
          <a class="text-link" href={router.href(`/mentors/${course.mentor.id}`)}>
            {words.lesson.by(course.mentor.name)}
          </a>
        }
      />
      <p class="facts-row">
        <span class="badge-plain">{words.course.modes[course.enrolment]}</span>
        <span class="soft">{enrolled(course)}</span>
      </p>
      {course.summary === '' ? null : <p class="prose">{course.summary}</p>}
      <Enrolment course={course} reload={reload} />
      <CourseLessons course={course} />
    </div>
  );
}

/** What is on air and to come, and what was, the newest first: two lists, since a course may go on for years. */
function CourseLessons({ course }: { course: Course }) {
  const { api, now } = useApp();
  const words = useWords();
  // Rights to lessons change with the enrolment.
  const key = `${course.id} ${course.my_enrolment ?? ''}`;
  const coming = usePages<Lesson>(`${key} coming`, (cursor, signal) => api.lessons({ course: course.id, from: comingFrom(now()), cursor, signal }));
  const past = usePages<Lesson>(`${key} past`, (cursor, signal) => api.lessons({ course: course.id, until: new Date(now()).toISOString(), order: 'newest', cursor, signal }));
  useFresh(coming.reload);
  const soon = coming.items?.filter((lesson) => isComing(lesson, now())) ?? [];
  const over = past.items?.filter((lesson) => !isComing(lesson, now())) ?? [];
  if (coming.items === null || past.items === null) return coming.problem ?? past.problem ? <Trouble problem={coming.problem ?? past.problem} retry={coming.items === null ? coming.reload : past.reload} /> : <Loading />;
  const nothing = soon.length + over.length === 0 && coming.more === null && past.more === null;
  if (nothing) return <p class="soft">{words.course.noLessons}</p>;
  return (
    <>
      <LessonSection title={words.lessons.upcoming} lessons={soon.toSorted((a, b) => rank(a) - rank(b))} list={coming} />
      <LessonSection title={words.lessons.past} lessons={over} list={past} />
    </>
  );
}

/** What is on air first. */
const rank = ({ state }: Lesson): number => (state === 'live' ? 0 : 1);

function LessonSection({ title, lessons, list }: { title: string; lessons: readonly Lesson[]; list: PagedResource<Lesson> }) {
  const { now } = useApp();
  if (lessons.length === 0 && list.more === null) return null;
  return (
    <section>
      <h2 class="section-title">{title}</h2>
      <ul class="grid">
        {lessons.map((lesson) => (
          <LessonCard key={lesson.id} lesson={lesson} now={now()} plain />
        ))}
      </ul>
      <More list={list} />
    </section>
  );
}

function Enrolment({ course, reload }: { course: Course; reload: () => void }) {
  const words = useWords();
  switch (course.my_enrolment) {
    case 'active':
      return <Member course={course} reload={reload} title={words.course.member} text={words.course.memberText} act={words.course.leave} good />;
    case 'requested':
      return <Member course={course} reload={reload} title={words.course.requested} text={words.course.requestedText} act={words.course.withdraw} />;
    case 'declined':
      return <Note icon="warning">{words.course.declined}</Note>;
    case 'removed':
      return <Note icon="warning">{words.course.removed}</Note>;
    case 'left':
    case null:
      return <Join course={course} reload={reload} />;
  }
}

interface MemberProps {
  readonly course: Course;
  readonly reload: () => void;
  readonly title: string;
  readonly text: string;
  readonly act: string;
  readonly good?: boolean;
}

function Member({ course, reload, title, text, act, good = false }: MemberProps) {
  const { api, toasts } = useApp();
  const words = useWords();
  const textOf = useProblemText();
  const [asking, setAsking] = useState(false);
  const leave = (): void => {
    api.leave(course.id).then(
      () => {
        toasts.done(words.course.left);
        reload();
      },
      (problem: unknown) => toasts.problem(textOf(problem)),
    );
  };
  return (
    <div class="card member">
      <Icon name={good ? 'check' : 'clock'} />
      <div>
        <p class="note-title">{title}</p>
        <p class="soft">{text}</p>
      </div>
      <button type="button" class="button" onClick={() => (good ? setAsking(true) : leave())}>
        {act}
      </button>
      <Confirm open={asking} title={words.course.leaveTitle} text={words.course.leaveText} act={words.course.leave} onAct={leave} onClose={() => setAsking(false)} />
    </div>
  );
}

/** The token of an invitation link that led here. */
function useInvitation(): string | null {
  const { query, hash } = useApp().router.place.value;
  const asked = query.get('invitation') ?? (hash === '' ? null : hash);
  return asked === null ? null : invitationIn(asked);
}

/** Says that one is in, and leaves no invitation in the address, wherever it stood in it. */
function useWelcome(reload: () => void): (state: EnrolmentState) => void {
  const { router, toasts } = useApp();
  const words = useWords();
  const invited = useInvitation();
  return (state) => {
    toasts.done(state === 'active' ? words.course.joined : words.course.asked);
    if (invited === null) reload();
    else router.go(router.place.value.path, 'replace');
  };
}

function Join({ course, reload }: { course: Course; reload: () => void }) {
  const { api } = useApp();
  const words = useWords();
  const shell = useShellWords();
  const welcome = useWelcome(reload);
  const invited = useInvitation();
  const byInvitation = course.enrolment === 'invitation';
  const form = useForm({
    initial: { invitation: '' },
    check: ({ invitation }) => (byInvitation && invited === null && invitationIn(invitation) === null ? { invitation: shell.field.required } : {}),
    send: async ({ invitation }) => {
      welcome((await api.enrol(course.id, invited ?? invitationIn(invitation) ?? undefined)).state);
    },
    explain: (problem) => (problem.code === 'not-invited' ? words.course.invitationVoid : null),
  });
  if (course.archived_at !== null) return <Note icon="warning">{words.course.archived}</Note>;
  if (course.capacity !== null && course.enrolled >= course.capacity) return <Note icon="warning">{words.course.full}</Note>;
  return (
    <form class="card form join" noValidate onSubmit={form.onSubmit}>
      {byInvitation && invited === null ? (
        <>
          <p class="note-title">{words.course.invitationNeeded}</p>
          <TextField
            label={words.course.invitationField}
            hint={words.course.invitationHint}
            autocomplete="off"
            value={form.values.invitation}
            error={form.errors.invitation}
            onValue={(value) => form.set('invitation', value)}
          />
        </>
      ) : null}
      {invited === null ? null : <p class="note-title">{words.course.invitationReady}</p>}
      <FormError text={form.error} />
      <SubmitButton busy={form.busy}>{course.enrolment === 'approval' && invited === null ? words.course.ask : words.course.join}</SubmitButton>
    </form>
  );
}
