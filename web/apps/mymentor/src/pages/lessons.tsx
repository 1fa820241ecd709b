/** My lessons: those to come by day, those past with their recordings, and the calendar to subscribe to. */

import { useRef, useState } from 'preact/hooks';
import type { Lesson } from '@tayang/client';
import { Confirm, copyText, Dialog, Empty, Icon, Loading, More, PageHead, Trouble, useApp, useNow, usePages, useProblemText, useShellWords, useWhen } from '@tayang/shell';
import { comingFrom, isComing } from '../parts/coming.ts';
import { useFresh } from '../parts/fresh.ts';
import { LessonCard } from '../parts/lesson-card.tsx';
import { useWords } from '../words.ts';

type Tab = 'upcoming' | 'past';
const REFRESH_MS = 30_000;
/** A page of a list as the server gives it by itself, and the most that it gives at once. */
const PAGE = 20;
const PAGE_MAX = 100;

export function LessonsPage() {
  const { router } = useApp();
  const words = useWords();
  const tab: Tab = router.place.value.query.get('tab') === 'past' ? 'past' : 'upcoming';
  return (
    <div class="page">
      <PageHead title={words.lessons.title}>
        <CalendarButton />
      </PageHead>
      <nav class="tabs" aria-label={words.lessons.title}>
        {(['upcoming', 'past'] as const).map((one) => (
          <a key={one} href={router.href(one === 'past' ? '/lessons?tab=past' : '/lessons')} aria-current={one === tab ? 'page' : undefined}>
            {words.lessons[one]}
          </a>
        ))}
      </nav>
      <LessonList key={tab} tab={tab} />
    </div>
  );
}

function useLessons(tab: Tab) {
  const { api, now } = useApp();
  // What was grown is read again as long as it is, or the reader would lose the place.
  const shown = useRef(PAGE);
  const lessons = usePages<Lesson>(tab, async (cursor, signal) => {
    const limit = cursor === null ? Math.min(PAGE_MAX, shown.current) : PAGE;
    // With what was missed: it is said of each whether one was there.
    if (tab === 'past') return api.lessons({ state: 'ended', mine: 'attending', order: 'newest', limit, cursor, signal });
    const coming = api.lessons({ state: 'scheduled', mine: 'attending', from: comingFrom(now()), limit, cursor, signal });
    if (cursor !== null) return coming;
    const [live, page] = await Promise.all([api.lessons({ state: 'live', mine: 'attending', signal }), coming]);
    return { ...page, items: [...live.items, ...page.items] };
  });
  shown.current = Math.max(PAGE, lessons.items?.length ?? 0);
  useFresh(shown.current > PAGE_MAX ? null : lessons.reload);
  return { ...lessons, items: lessons.items?.filter((lesson) => tab === 'past' || isComing(lesson, now())) ?? null };
}

function LessonList({ tab }: { tab: Tab }) {
  const { now: clock } = useApp();
  const words = useWords();
  const when = useWhen();
  const now = useNow(clock, REFRESH_MS);
  const lessons = useLessons(tab);
  if (lessons.items === null) return lessons.problem === null ? <Loading /> : <Trouble problem={lessons.problem} retry={lessons.reload} />;
  if (lessons.items.length === 0 && lessons.more === null) {
    const { title, text } = tab === 'past' ? words.lessons.nonePast : words.lessons.none;
    return <Empty icon="lessons" title={title} text={text} />;
  }
  const days = byDay(lessons.items, tab, (at) => when.day(at, now));
  return (
    <>
      {days.map(({ day, items }) => (
        <section key={day}>
          <h2 class="day">{day}</h2>
          <ul class="grid">
            {items.map((lesson) => (
              <LessonCard key={lesson.id} lesson={lesson} now={now} />
            ))}
          </ul>
        </section>
      ))}
      <More list={lessons} />
    </>
  );
}

interface Day {
  readonly day: string;
  readonly items: readonly Lesson[];
}

/** In the order of time, those past from the newest on. */
function byDay(lessons: readonly Lesson[], tab: Tab, dayOf: (at: string) => string): readonly Day[] {
  const sign = tab === 'past' ? -1 : 1;
  const sorted = lessons.toSorted((a, b) => sign * (Date.parse(a.starts_at) - Date.parse(b.starts_at)));
  const days = new Map<string, Lesson[]>();
  for (const lesson of sorted) {
    const day = dayOf(lesson.starts_at);
    days.set(day, [...(days.get(day) ?? []), lesson]);
  }
  return [...days].map(([day, items]) => ({ day, items }));
}

/** The address of one's own calendar is a secret: it is fetched when it is asked for, and shown to be copied. */
function CalendarButton() {
  const { api, toasts } = useApp();
  const words = useWords();
  const shell = useShellWords();
  const textOf = useProblemText();
  const [url, setUrl] = useState<string | null>(null);
  const [asking, ask] = useState(false);
  const open = (): void => {
    api.calendar().then(
      (calendar) => setUrl(new URL(calendar.url, location.origin).href),
      (problem: unknown) => toasts.problem(textOf(problem)),
    );
  };
  const copy = (): void => {
    if (url === null) return;
    void copyText(url).then((done) => {
      if (!done) return toasts.problem(shell.problem.unknown);
      toasts.done(words.lessons.copied);
      return setUrl(null);
    });
  };
  const askWithdraw = (): void => {
    setUrl(null);
    ask(true);
  };
  const withdraw = (): void => {
    api.withdrawCalendar().then(
      () => toasts.done(words.lessons.withdrawn),
      (problem: unknown) => toasts.problem(textOf(problem)),
    );
  };
  return (
    <>
      <button type="button" class="button" onClick={open}>
        <Icon name="lessons" />
        {words.lessons.calendar}
      </button>
      <Dialog open={url !== null} title={words.lessons.calendar} onClose={() => setUrl(null)}>
        <p>{words.lessons.calendarText}</p>
        <input class="input" readOnly value={url ?? ''} aria-label={words.lessons.calendar} onFocus={(event) => event.currentTarget.select()} />
        <div class="dialog-actions">
          <button type="button" class="button button-quiet" onClick={askWithdraw}>
            {words.lessons.withdraw}
          </button>
          <button type="button" class="button button-strong" onClick={copy}>
            <Icon name="copy" />
            {words.lessons.copy}
          </button>
        </div>
      </Dialog>
      <Confirm open={asking} title={words.lessons.withdrawTitle} text={words.lessons.withdrawText} act={words.lessons.withdraw} onAct={withdraw} onClose={() => ask(false)} />
    </>
  );
}
