/** One course: what it is, joining or leaving it, and its lessons. */

import { useState } from 'preact/hooks';
import { Problem, type Course, type EnrolmentState, type Lesson } from '@tayang/client';
import { Confirm, FormError, Icon, Loading, Note, PageHead, SubmitButton, TextField, Trouble, useApp, useForm, useProblemText, useResource, useShellWords, type Params } from '@tayang/shell';
import { invitationIn } from '../invitation.ts';
import { useEnrolledText } from '../parts/course-card.tsx';
import { LessonCard } from '../parts/lesson-card.tsx';
import { useWords } from '../words.ts';

interface Shown {
  readonly course: Course;
  readonly lessons: readonly Lesson[];
}

export function CoursePage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const shown = useResource<Shown>(id, async (signal) => {
    const [course, lessons] = await Promise.all([api.course(id, signal), api.lessons({ course: id, limit: 50, signal })]);
    return { course, lessons: lessons.items };
  });
  const invited = useInvitation();
  // A course by invitation is not there for who is not in it, and takes an invitation even so.
  if (shown.value === null && invited !== null && shown.problem instanceof Problem && shown.problem.status === 404) return <Invited id={id} invitation={invited} reload={shown.reload} />;
  if (shown.value === null) return <div class="page">{shown.problem === null ? <Loading /> : <Trouble problem={shown.problem} retry={shown.reload} />}</div>;
  return <CourseShown {...shown.value} reload={shown.reload} />;
}

const rank = ({ state }: Lesson): number => (state === 'live' ? 0 : state === 'scheduled' ? 1 : 2);
const at = ({ starts_at }: Lesson): number => Date.parse(starts_at);

/** What is on air first, then what comes, then what was, the newest first. */
function inOrder(lessons: readonly Lesson[]): readonly Lesson[] {
  return lessons.toSorted((a, b) => rank(a) - rank(b) || (rank(a) === 2 ? at(b) - at(a) : at(a) - at(b)));
}

function CourseShown({ course, lessons, reload }: Shown & { reload: () => void }) {
  const { router, now } = useApp();
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
      <section>
        <h2 class="section-title">{words.course.lessons}</h2>
        {lessons.length === 0 ? <p class="soft">{words.course.noLessons}</p> : null}
        <ul class="grid">
          {inOrder(lessons).map((lesson) => (
            <LessonCard key={lesson.id} lesson={lesson} now={now()} plain />
          ))}
        </ul>
      </section>
    </div>
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

/** Says that one is in, and leaves no invitation in the address. */
function useWelcome(reload: () => void): (state: EnrolmentState) => void {
  const { router, toasts } = useApp();
  const words = useWords();
  return (state) => {
    toasts.done(state === 'active' ? words.course.joined : words.course.asked);
    router.dropHash();
    reload();
  };
}

function Invited({ id, invitation, reload }: { id: string; invitation: string; reload: () => void }) {
  const { api } = useApp();
  const words = useWords();
  const welcome = useWelcome(reload);
  const form = useForm({
    initial: {},
    send: async () => welcome((await api.enrol(id, invitation)).state),
    explain: (problem) => (problem.code === 'not-invited' ? words.course.invitationVoid : null),
  });
  return (
    <div class="page">
      <PageHead title={words.course.invited} />
      <form class="card form join" noValidate onSubmit={form.onSubmit}>
        <p class="note-title">{words.course.invitationReady}</p>
        <FormError text={form.error} />
        <SubmitButton busy={form.busy}>{words.course.join}</SubmitButton>
      </form>
    </div>
  );
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
