/** The schedule: what is on, what comes next, a list of days, a week, and what is over. */

import { useEffect, useState } from 'preact/hooks';
import type { Course, Lesson } from '@tayang/client';
import { Empty, Icon, Loading, PageHead, Trouble, useApp, useNow, useResource, useShellWords } from '@tayang/shell';
import { agendaOf, byDay, weekOf, type Day } from '../logic/schedule.ts';
import { startOfDay, wallClockAt } from '../logic/zone.ts';
import { readAll, useMyWhen, useTaught, useZone } from '../parts/hooks.ts';
import { LessonCard } from '../parts/lesson-card.tsx';
import { useScheduleWords } from '../words/schedule.ts';
import { GoLiveNow } from './go-live-now.tsx';

const VIEWS = ['list', 'week', 'past'] as const;
type View = (typeof VIEWS)[number];

function useView(): View {
  const asked = useApp().router.place.value.query.get('view');
  return VIEWS.find((one) => one === asked) ?? 'list';
}

export function HomePage() {
  const { session, router } = useApp();
  const words = useScheduleWords().home;
  const [open, setOpen] = useState(false);
  const view = useView();
  const zone = useZone();
  const when = useMyWhen();
  const now = useNow(useApp().now, 30_000);
  const courses = useTaught();
  const teaching = courses.value?.filter(({ archived_at }) => archived_at === null) ?? null;
  const name = session.user.value?.name.split(' ')[0] ?? '';
  return (
    <div class="page">
      <PageHead title={words.title(name)} lead={words.zone(`${zone.replaceAll('_', ' ')} (${when.zoneName(now)})`)}>
        <div class="head-actions">
          <a class="button" href={router.href('/lessons/new')}>
            <Icon name="plus" />
            {words.newLesson}
          </a>
          <button type="button" class="button button-strong" onClick={() => setOpen(true)} disabled={teaching === null || teaching.length === 0}>
            <Icon name="camera" />
            {words.goLiveNow}
          </button>
        </div>
      </PageHead>
      {teaching !== null && teaching.length === 0 ? <FirstCourse /> : null}
      <Views view={view} />
      {view === 'list' ? <ListView now={now} /> : view === 'week' ? <WeekView now={now} /> : <PastView now={now} />}
      <GoLiveNow open={open} courses={teaching ?? ([] as readonly Course[])} onClose={() => setOpen(false)} />
    </div>
  );
}

function FirstCourse() {
  const words = useScheduleWords().home;
  return (
    <Empty icon="course" title={words.noCourse} text={words.noCourseText}>
      <a class="button button-strong" href={useApp().router.href('/courses/new')}>
        {words.makeCourse}
      </a>
    </Empty>
  );
}

function Views({ view }: { view: View }) {
  const { router } = useApp();
  const words = useScheduleWords().home;
  return (
    <nav class="segments" aria-label={words.views}>
      {VIEWS.map((name) => (
        <a key={name} class="segment" href={router.href(name === 'list' ? '/' : `/?view=${name}`)} aria-current={name === view ? 'page' : undefined}>
          {words[name]}
        </a>
      ))}
    </nav>
  );
}

/** A lesson that has not begun so long after its time does not begin any more. */
const LATE_MS = 12 * 3_600_000;
const RENEW_MS = 60_000;

/** Reads again each minute or so, and when the page is looked at again; not all devices in the same second. */
function useRenewal(reload: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(look, RENEW_MS * (0.8 + 0.4 * Math.random()));
    };
    const look = (): void => {
      if (document.visibilityState === 'visible') reload();
      wait();
    };
    wait();
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [reload]);
}

function ListView({ now }: { now: number }) {
  const { api, now: clock } = useApp();
  const zone = useZone();
  const words = useScheduleWords().home;
  // What is late is still to come. The key is the day, so that a list that is read again stays in sight.
  const lessons = useResource(`agenda ${wallClockAt(now, zone).date}`, async () => {
    const from = new Date(clock() - LATE_MS).toISOString();
    const [live, coming] = await Promise.all([
      api.lessons({ mine: 'teaching', state: 'live', limit: 100 }),
      readAll((cursor) => api.lessons({ mine: 'teaching', state: 'scheduled', from, cursor, limit: 100 }), 5),
    ]);
    return [...live.items, ...coming];
  });
  useRenewal(lessons.reload);
  if (lessons.value === null) return lessons.problem === null ? <Loading /> : <Trouble problem={lessons.problem} retry={lessons.reload} />;
  const agenda = agendaOf(lessons.value, now, zone);
  if (agenda.live.length === 0 && agenda.next === null) return <Empty icon="lessons" title={words.none} text={words.noneText} />;
  return (
    <>
      {agenda.live.length === 0 ? null : (
        <section class="stack">
          <h2>{words.liveNow}</h2>
          {agenda.live.map((lesson) => (
            <LessonCard key={lesson.id} lesson={lesson} now={now} />
          ))}
        </section>
      )}
      <Days days={agenda.days} now={now} />
    </>
  );
}

function Days({ days, now }: { days: readonly Day<Lesson>[]; now: number }) {
  const zone = useZone();
  const when = useMyWhen();
  return (
    <>
      {days.map(({ date, lessons }) => (
        <section key={date} class="stack">
          <h2>{when.day(startOfDay(date, zone), now)}</h2>
          {lessons.map((lesson) => (
            <LessonCard key={lesson.id} lesson={lesson} now={now} />
          ))}
        </section>
      ))}
    </>
  );
}

const QUARTER_MS = 92 * 86_400_000;

/** The server lists by begin, the oldest first; what is over is wanted from the newest on, a quarter of a year at a time. */
function PastView({ now }: { now: number }) {
  const { api, session } = useApp();
  const words = useScheduleWords().home;
  const more = useShellWords().more;
  const [quarters, setQuarters] = useState(1);
  const [today] = useState(now);
  const from = today - quarters * QUARTER_MS;
  const begun = Date.parse(session.user.value?.created_at ?? '');
  const load = (): Promise<readonly Lesson[]> =>
    readAll((cursor) => api.lessons({ mine: 'teaching', state: 'ended', from: new Date(from).toISOString(), cursor, limit: 100 }));
  const past = useResource(`past ${quarters}`, load);
  const [known, keep] = useState<readonly Lesson[] | null>(null);
  useEffect(() => {
    if (past.value !== null) keep(past.value);
  }, [past.value]);
  const lessons = past.value ?? known;
  if (lessons === null) return past.problem === null ? <Loading /> : <Trouble problem={past.problem} retry={past.reload} />;
  const older = from > begun;
  return (
    <section class="stack" aria-busy={past.loading}>
      <h2 class="unseen">{words.past}</h2>
      {lessons.length === 0 ? <Empty icon="lessons" title={words.nonePast} text={words.nonePastText} /> : null}
      {lessons.toSorted((a, b) => Date.parse(b.starts_at) - Date.parse(a.starts_at)).map((lesson) => (
        <LessonCard key={lesson.id} lesson={lesson} now={now} showDay />
      ))}
      {older ? (
        <button type="button" class="button more" aria-disabled={past.loading} onClick={() => setQuarters((before) => before + 1)}>
          {more}
        </button>
      ) : null}
    </section>
  );
}

function WeekView({ now }: { now: number }) {
  const { api, router } = useApp();
  const zone = useZone();
  const when = useMyWhen();
  const words = useScheduleWords().home;
  const today = wallClockAt(now, zone).date;
  const asked = router.place.value.query.get('from');
  const week = weekOf(asked !== null && /^\d{4}-\d{2}-\d{2}$/.test(asked) && Number.isFinite(Date.parse(asked)) ? asked : today, zone);
  const lessons = useResource(`week ${week.from}`, () => readAll((cursor) => api.lessons({ mine: 'teaching', from: week.from, until: week.until, cursor, limit: 100 }), 5));
  const days = new Map(byDay(lessons.value ?? [], zone).map((day) => [day.date, day.lessons]));
  const [first = today] = week.dates;
  const last = week.dates.at(-1) ?? today;
  const at = (date: string): number => startOfDay(date, zone);
  return (
    <section class="week" aria-busy={lessons.loading}>
      <div class="week-bar">
        <a class="round" href={router.href(`/?view=week&from=${week.before}`)} aria-label={words.weekBefore} title={words.weekBefore}>
          <Icon name="back" />
        </a>
        <h2>{week.dates.includes(today) ? words.thisWeek : `${when.shortDate(at(first))} – ${when.shortDate(at(last))}`}</h2>
        <a class="round turned" href={router.href(`/?view=week&from=${week.after}`)} aria-label={words.weekAfter} title={words.weekAfter}>
          <Icon name="back" />
        </a>
      </div>
      {lessons.value === null && lessons.problem !== null ? <Trouble problem={lessons.problem} retry={lessons.reload} /> : null}
      <div class="week-days">
        {week.dates.map((date) => (
          <WeekDay key={date} date={date} today={today} lessons={days.get(date) ?? []} />
        ))}
      </div>
    </section>
  );
}

function WeekDay({ date, today, lessons }: { date: string; today: string; lessons: readonly Lesson[] }) {
  const { router } = useApp();
  const zone = useZone();
  const when = useMyWhen();
  const words = useScheduleWords().home;
  const at = startOfDay(date, zone);
  const label = when.date(at, at);
  return (
    <section class="week-day" data-today={date === today} data-past={date < today}>
      <h3>
        <span class="week-name">{when.weekday(at)}</span>
        <span class="week-number">{Number(date.slice(8))}</span>
        {date === today ? <span class="unseen"> {words.today}</span> : null}
      </h3>
      <div class="week-list">
        {lessons.map((lesson) => (
          <a key={lesson.id} class="week-lesson" data-state={lesson.state} href={router.href(`/lessons/${lesson.id}${lesson.state === 'live' ? '/live' : ''}`)}>
            <time dateTime={lesson.starts_at}>{when.time(lesson.starts_at)}</time>
            <span>{lesson.title}</span>
          </a>
        ))}
        {lessons.length === 0 ? <p class="week-free">{words.freeDay}</p> : null}
      </div>
      {date < today ? null : (
        <a class="week-add" href={router.href(`/lessons/new?date=${date}`)} aria-label={words.addOn(label)} title={words.addOn(label)}>
          <Icon name="plus" />
        </a>
      )}
    </section>
  );
}
