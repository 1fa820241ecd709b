/** MyMentor: starts the app, and keeps what lives as long as it does (news, the worker). */

import './styles/main.css';
import { useEffect } from 'preact/hooks';
import { carriedMemory, carriedPlace, later, startApp, useApp, type MenuEntry, type Params } from '@tayang/shell';
import { inbox } from './inbox.ts';
import { CoursePage } from './pages/course.tsx';
import { HomePage } from './pages/home.tsx';
import { LessonsPage } from './pages/lessons.tsx';
import { MentorPage } from './pages/mentor.tsx';
import { MentorsPage } from './pages/mentors.tsx';
import { NoticesPage } from './pages/notices.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { keepPush, listenToWorker, offerInstall, registerWorker } from './worker.ts';
import { useWords } from './words.ts';

const BASE = '/mymentor/';
/** News comes by push; this is for those who have it off. */
const INBOX_EVERY_MS = 5 * 60_000;

/** Players are large: they come with the first lesson that is opened. */
const LessonPage = later<{ params: Params }>(async () => (await import('./pages/lesson.tsx')).LessonPage);

function useMenu(): readonly MenuEntry[] {
  const { menu, unread } = useWords();
  return [
    { to: '/', icon: 'home', label: menu.home },
    { to: '/lessons', icon: 'lessons', label: menu.lessons },
    { to: '/mentors', also: ['/courses'], icon: 'people', label: menu.mentors },
    { to: '/notices', icon: 'bell', label: menu.notices, badge: { count: inbox.unread.value, meaning: unread } },
    { to: '/settings', icon: 'person', label: menu.settings },
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
    // Who made an account for an invitation comes back by the link in the mail.
    const wanted = router.place.value.path === '/' ? carriedPlace(carriedMemory) : null;
    if (wanted !== null) router.go(wanted, 'replace');
    // Not worth a message: it is tried again with the next opening.
    keepPush(api).catch(() => undefined);
    const timer = setInterval(look, INBOX_EVERY_MS);
    document.addEventListener('visibilitychange', look);
    const stop = listenToWorker(router, () => {
      look();
      inbox.hear();
    });
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
    name: 'MyMentor',
    base: BASE,
    useMenu,
    always: Background,
    routes: [
      { path: '/', page: HomePage },
      { path: '/lessons', page: LessonsPage },
      { path: '/lessons/:id', page: LessonPage },
      { path: '/mentors', page: MentorsPage },
      { path: '/mentors/:id', page: MentorPage },
      { path: '/courses/:id', page: CoursePage },
      { path: '/notices', page: NoticesPage },
      { path: '/settings', page: SettingsPage },
    ],
  });
  registerWorker(BASE);
}
