/** One course: its lessons, its people, how others are invited, how it is set. */

import type { ComponentChildren } from 'preact';
import type { Course, CourseEnrolment, EnrolmentState } from '@tayang/client';
import { Avatar, Empty, Icon, Loading, More, Note, PageHead, Trouble, useApp, useNow, usePages, useResource, type PagedResource, type Params, type Resource } from '@tayang/shell';
import { Invitations } from '../parts/invitations.tsx';
import { useQuestion } from '../parts/ask.tsx';
import { CopyRow } from '../parts/copy.tsx';
import { readAll, useDeed, useMyWhen } from '../parts/hooks.ts';
import { LessonCard } from '../parts/lesson-card.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useCourseWords } from '../words/courses.ts';
import { SaveCourse, usePeopleText } from './courses.tsx';

const PARTS = ['lessons', 'people', 'invite', 'settings'] as const;
type Part = (typeof PARTS)[number];

export function CoursePage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const course = useResource(`course ${id}`, (signal) => api.course(id, signal));
  if (course.value === null) {
    return <div class="page">{course.problem === null ? <Loading /> : <Trouble problem={course.problem} retry={course.reload} />}</div>;
  }
  return <CourseView course={course.value} resource={course} />;
}

function CourseView({ course, resource }: { course: Course; resource: Resource<Course> }) {
  const { router } = useApp();
  const words = useCourseWords();
  const people = usePeopleText();
  const asked = router.place.value.query.get('part');
  const part = PARTS.find((one) => one === asked) ?? 'lessons';
  const tabs = PARTS.map((name) => ({ name, label: words.course.tabs[name] }));
  const choose = (name: Part): void => router.go(`/courses/${course.id}${name === 'lessons' ? '' : `?part=${name}`}`, 'replace');
  return (
    <div class="page">
      <PageHead title={course.title} lead={`${words.courses.modes[course.enrolment]} · ${people(course)}`}>
        {course.archived_at === null ? (
          <a class="button button-strong" href={router.href(`/lessons/new?course=${course.id}`)}>
            <Icon name="plus" />
            {words.course.newLesson}
          </a>
        ) : (
          <span class="badge-plain">{words.courses.archived}</span>
        )}
      </PageHead>
      {course.archived_at === null ? null : (
        <Note icon="course">
          <p>{words.course.archivedNote}</p>
        </Note>
      )}
      <Tabs label={words.course.tabsName} tabs={tabs} chosen={part} onChoose={choose}>
        {part === 'lessons' ? <CourseLessons course={course} /> : null}
        {part === 'people' ? <People course={course} /> : null}
        {part === 'invite' ? <Invitations course={course} /> : null}
        {part === 'settings' ? <CourseSettings course={course} resource={resource} /> : null}
      </Tabs>
    </div>
  );
}

function CourseLessons({ course }: { course: Course }) {
  const { api } = useApp();
  const words = useCourseWords().course;
  const now = useNow(useApp().now, 30_000);
  const lessons = useResource(`lessons ${course.id}`, () => readAll((cursor) => api.lessons({ course: course.id, mine: 'teaching', cursor, limit: 100 }), 5));
  if (lessons.value === null) return lessons.problem === null ? <Loading /> : <Trouble problem={lessons.problem} retry={lessons.reload} />;
  if (lessons.value.length === 0) return <Empty icon="lessons" title={words.noLessons} />;
  const rank = { live: 0, scheduled: 1, ended: 2, cancelled: 3 };
  const sorted = lessons.value.toSorted((a, b) => {
    const apart = rank[a.state] - rank[b.state];
    if (apart !== 0) return apart;
    const later = Date.parse(a.starts_at) - Date.parse(b.starts_at);
    return a.state === 'scheduled' ? later : -later;
  });
  return (
    <div class="stack">
      <h2 class="unseen">{words.tabs.lessons}</h2>
      {sorted.map((lesson) => (
        <LessonCard key={lesson.id} lesson={lesson} now={now} showDay />
      ))}
    </div>
  );
}

function People({ course }: { course: Course }) {
  const { api } = useApp();
  const words = useCourseWords().course;
  const list = (state: EnrolmentState) => (cursor: string | null, signal: AbortSignal) => api.enrolments(course.id, { state, cursor, limit: 50, signal });
  const asking = usePages<CourseEnrolment>(`requested ${course.id}`, list('requested'));
  const active = usePages<CourseEnrolment>(`active ${course.id}`, list('active'));
  const gone = { removed: usePages<CourseEnrolment>(`removed ${course.id}`, list('removed')), declined: usePages<CourseEnrolment>(`declined ${course.id}`, list('declined')) };
  const lists = { requested: asking, active, ...gone };
  const move = (one: CourseEnrolment, to: 'active' | 'removed' | 'declined'): void => {
    const from = one.state === 'left' ? null : lists[one.state];
    from?.change((items) => items.filter(({ user }) => user.id !== one.user.id));
    lists[to].change((items) => [{ ...one, state: to }, ...items]);
  };
  return (
    <div class="stack">
      <PeopleList title={words.requests} list={asking} row={(one) => <Request key={one.user.id} course={course} request={one} onDecided={(to) => move(one, to)} />} />
      {active.items === null ? (
        active.problem === null ? <Loading /> : <Trouble problem={active.problem} retry={active.reload} />
      ) : active.items.length === 0 ? (
        <Empty icon="people" title={words.noMembers} text={words.noMembersText} />
      ) : (
        <PeopleList title={words.members} list={active} row={(one) => <Member key={one.user.id} course={course} member={one} onRemoved={() => move(one, 'removed')} />} />
      )}
      {(['removed', 'declined'] as const).map((state) => (
        <PeopleList key={state} title={words.gone[state]} list={gone[state]} row={(one) => <Gone key={one.user.id} course={course} person={one} onLetIn={() => move(one, 'active')} />} />
      ))}
    </div>
  );
}

interface PeopleListProps {
  readonly title: string;
  readonly list: PagedResource<CourseEnrolment>;
  readonly row: (one: CourseEnrolment) => ComponentChildren;
}

/** Nothing where there is nobody. */
function PeopleList({ title, list, row }: PeopleListProps) {
  const { items, loading } = list;
  if (items === null || items.length === 0) return null;
  return (
    <section class="card stack" aria-busy={loading}>
      <h2>{title}</h2>
      <ul class="people">{items.map(row)}</ul>
      <More list={list} />
    </section>
  );
}

/** Who was put out or not let in; the mentor may think again. */
function Gone({ course, person, onLetIn }: { course: Course; person: CourseEnrolment; onLetIn: () => void }) {
  const { toasts } = useApp();
  const words = useCourseWords().course;
  const { busy, run } = useDeed();
  const { user } = person;
  const letIn = (): void =>
    run(async (api) => {
      await api.decideEnrolment(course.id, user.id, 'active');
      toasts.done(words.letInDone(user.name));
      onLetIn();
    });
  return (
    <li>
      <Avatar name={user.name} id={user.id} />
      <p>
        <strong>{user.name}</strong>
      </p>
      <button type="button" class="chip" aria-disabled={busy} aria-label={words.letInAgainOf(user.name)} onClick={letIn}>
        {words.letInAgain}
      </button>
    </li>
  );
}

function Request({ course, request, onDecided }: { course: Course; request: CourseEnrolment; onDecided: (state: 'active' | 'declined') => void }) {
  const { now, toasts } = useApp();
  const words = useCourseWords().course;
  const when = useMyWhen();
  const { busy, run } = useDeed();
  const { user, created_at } = request;
  const decide = (state: 'active' | 'declined'): void =>
    run(async (api) => {
      await api.decideEnrolment(course.id, user.id, state);
      toasts.done(state === 'active' ? words.letInDone(user.name) : words.declineDone(user.name));
      onDecided(state);
    });
  return (
    <li>
      <Avatar name={user.name} id={user.id} />
      <p>
        <strong>{user.name}</strong>
        <span class="field-note">{words.asked(when.relative(created_at, now()))}</span>
      </p>
      <span class="actions" aria-busy={busy}>
        <button type="button" class="chip chip-strong" aria-label={words.letInOf(user.name)} onClick={() => decide('active')}>
          {words.letIn}
        </button>
        <button type="button" class="chip" aria-label={words.declineOf(user.name)} onClick={() => decide('declined')}>
          {words.decline}
        </button>
      </span>
    </li>
  );
}

function Member({ course, member, onRemoved }: { course: Course; member: CourseEnrolment; onRemoved: () => void }) {
  const { now, toasts } = useApp();
  const words = useCourseWords().course;
  const when = useMyWhen();
  const { run } = useDeed();
  const { ask, dialog } = useQuestion();
  const { user, created_at } = member;
  const remove = (): void =>
    run(async (api) => {
      await api.decideEnrolment(course.id, user.id, 'removed');
      toasts.done(words.removeDone(user.name));
      onRemoved();
    });
  return (
    <li>
      <Avatar name={user.name} id={user.id} />
      <p>
        <strong>{user.name}</strong>
        <span class="field-note">{words.since(when.date(created_at, now()))}</span>
      </p>
      <button type="button" class="chip" aria-label={words.removeOf(user.name)} onClick={() => ask({ title: words.removeTitle(user.name), text: words.removeText, act: words.remove, onAct: remove })}>
        {words.remove}
      </button>
      {dialog}
    </li>
  );
}

function CourseSettings({ course, resource }: { course: Course; resource: Resource<Course> }) {
  const { toasts } = useApp();
  const words = useCourseWords().course;
  const { busy, run } = useDeed();
  const { ask, dialog } = useQuestion();
  const archive = (archived: boolean): void =>
    run(async (api) => {
      const answer = await api.changeCourse(course.id, { archived });
      resource.set({ ...course, ...answer });
      toasts.done(archived ? words.archiveDone : words.restoreDone);
    });
  return (
    <div class="stack">
      <section class="card stack">
        <CopyRow label={words.link} value={new URL(`/mymentor/courses/${course.id}`, location.origin).href} />
        <p class="field-note">{words.linkHint}</p>
      </section>
      <section class="card">
        <SaveCourse course={course} onSaved={resource.set} />
      </section>
      <div class="actions" aria-busy={busy}>
        {course.archived_at === null ? (
          <button type="button" class="button button-danger" onClick={() => ask({ title: words.archiveTitle, text: words.archiveText, act: words.archive, onAct: () => archive(true) })}>
            <Icon name="close" />
            {words.archive}
          </button>
        ) : (
          <button type="button" class="button" onClick={() => archive(false)}>
            <Icon name="check" />
            {words.restore}
          </button>
        )}
      </div>
      {dialog}
    </div>
  );
}
