/** MyMentee: starts the app of mentors, and keeps what lives as long as it does (news, the worker). */

import './styles/main.css';
import { useEffect } from 'preact/hooks';
import { inbox, keepPush, listenToWorker, NoticesPage, offerInstall, registerWorker } from '@tayang/mymentor/account';
import { later, startApp, useApp, type MenuEntry, type Params } from '@tayang/shell';
import { CoursePage } from './pages/course.tsx';
import { CoursesPage, NewCoursePage } from './pages/courses.tsx';
import { HomePage } from './pages/home.tsx';
import { LessonPage } from './pages/lesson.tsx';
import { EditLessonPage, NewLessonPage } from './pages/lesson-edit.tsx';
import { MentorPage } from './pages/mentor.tsx';
import { PublishPage } from './pages/publish.tsx';
import { forBoth, forMentors, forOperators, homeOf, useIsMentor, useIsOperator } from './parts/gate.tsx';
import { useScheduleWords } from './words/schedule.ts';

const BASE = '/mymentee/';
/** News comes by push; this is for those who have it off. */
const INBOX_EVERY_MS = 5 * 60_000;

interface PageProps {
  readonly params: Params;
}

/** Players are large: they come with the first lesson that is opened. */
const LivePage = later<PageProps>(async () => (await import('./pages/live.tsx')).LivePage);
const RecordingPage = later<PageProps>(async () => (await import('./pages/recording.tsx')).RecordingPage);

/** What is opened now and then comes when it is. */
const AttendancePage = later<PageProps>(async () => (await import('./pages/tools.ts')).AttendancePage);
const AccountPage = later<PageProps>(async () => (await import('./pages/settings.tsx')).AccountPage);
const KeysPage = later<PageProps>(async () => (await import('./pages/tools.ts')).KeysPage);
const WebhooksPage = later<PageProps>(async () => (await import('./pages/tools.ts')).WebhooksPage);
const NewWebhookPage = later<PageProps>(async () => (await import('./pages/tools.ts')).NewWebhookPage);
const WebhookPage = later<PageProps>(async () => (await import('./pages/tools.ts')).WebhookPage);
const UsersPage = later<PageProps>(async () => (await import('./pages/operators.ts')).UsersPage);
const UserPage = later<PageProps>(async () => (await import('./pages/operators.ts')).UserPage);
const AuditPage = later<PageProps>(async () => (await import('./pages/operators.ts')).AuditPage);

function useMenu(): readonly MenuEntry[] {
  const { menu, unread } = useScheduleWords();
  const mentor = useIsMentor();
  const operator: readonly MenuEntry[] = useIsOperator() ? [{ to: '/operator', also: ['/webhooks'], icon: 'people', label: menu.operate }] : [];
  const account: readonly MenuEntry[] = [
    { to: '/notices', icon: 'bell', label: menu.notices, badge: { count: inbox.unread.value, meaning: unread } },
    { to: '/settings', icon: 'person', label: menu.settings },
  ];
  if (!mentor) return [...operator, ...account];
  return [
    { to: '/', also: ['/lessons'], icon: 'lessons', label: menu.home },
    { to: '/courses', icon: 'course', label: menu.courses },
    { to: '/page', also: ['/keys', ...(operator.length > 0 ? [] : ['/webhooks'])], icon: 'edit', label: menu.page },
    ...operator,
    ...account,
  ];
}

/** Looks for news at the start, now and then, when the page is looked at again, and when the worker says so. */
function Background() {
  const { api, router } = useApp();
  useEffect(() => {
    const look = (): void => {
      if (document.visibilityState === 'visible') void inbox.look(api);
    };
    look();
    // Not worth a message: it is tried again with the next opening.
    keepPush(api).catch(() => undefined);
    const timer = setInterval(look, INBOX_EVERY_MS);
    document.addEventListener('visibilitychange', look);
    const stop = listenToWorker(router, look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
      stop();
    };
  }, []);
  return null;
}

const root = document.getElementById('tayang');
if (root !== null) {
  offerInstall();
  startApp(root, {
    name: 'MyMentee',
    base: BASE,
    useMenu,
    always: Background,
    routes: [
      { path: '/', page: homeOf(HomePage) },
      { path: '/lessons/new', page: forMentors(NewLessonPage) },
      { path: '/lessons/:id', page: forMentors(LessonPage) },
      { path: '/lessons/:id/edit', page: forMentors(EditLessonPage) },
      { path: '/lessons/:id/publish', page: forMentors(PublishPage) },
      { path: '/lessons/:id/live', page: forMentors(LivePage) },
      { path: '/lessons/:id/recording', page: forMentors(RecordingPage) },
      { path: '/lessons/:id/attendance', page: forMentors(AttendancePage) },
      { path: '/courses', page: forMentors(CoursesPage) },
      { path: '/courses/new', page: forMentors(NewCoursePage) },
      { path: '/courses/:id', page: forMentors(CoursePage) },
      { path: '/page', page: forMentors(MentorPage) },
      { path: '/keys', page: forMentors(KeysPage) },
      { path: '/webhooks', page: forBoth(WebhooksPage) },
      { path: '/webhooks/new', page: forBoth(NewWebhookPage) },
      { path: '/webhooks/:id', page: forBoth(WebhookPage) },
      { path: '/operator', page: forOperators(UsersPage) },
      { path: '/operator/users/:id', page: forOperators(UserPage) },
      { path: '/operator/audit', page: forOperators(AuditPage) },
      { path: '/notices', page: NoticesPage },
      { path: '/settings', page: AccountPage },
    ],
  });
  registerWorker(BASE);
}
