/** Home: what is on air, what comes next, and what was not watched to its end. */

import type { Lesson } from '@tayang/client';
import { Empty, Icon, Loading, PageHead, Trouble, useApp, useNow, useResource } from '@tayang/shell';
import { LessonCard, SectionHead } from '../parts/lesson-card.tsx';
import { installable } from '../worker.ts';
import { useWords } from '../words.ts';

/** What fits under the thumb; the rest is on its own page. */
const SOON_MAX = 4;
const RECORDINGS_MAX = 4;
/** Recordings whose place is asked for: each is a question of its own. */
const POSITIONS_MAX = 6;
/** Less than this was a glance, not watching; and so close to the end it was watched. */
const BEGUN_MS = 15_000;
const DONE_MS = 30_000;
const REFRESH_MS = 30_000;

interface Home {
  readonly live: readonly Lesson[];
  readonly soon: readonly Lesson[];
  readonly recordings: readonly Lesson[];
  readonly resume: readonly { readonly lesson: Lesson; readonly atMs: number }[];
}

const byStart = (a: Lesson, b: Lesson): number => Date.parse(a.starts_at) - Date.parse(b.starts_at);

function useHome() {
  const { api, now } = useApp();
  return useResource<Home>('home', async (signal) => {
    const [live, soon, past] = await Promise.all([
      api.lessons({ state: 'live', mine: 'attending', signal }),
      api.lessons({ state: 'scheduled', mine: 'attending', from: new Date(now()).toISOString(), signal }),
      api.lessons({ state: 'ended', mine: 'attending', signal }),
    ]);
    const recordings = past.items.filter(({ can }) => can.replay).toSorted((a, b) => byStart(b, a));
    const positions = await Promise.all(
      recordings.slice(0, POSITIONS_MAX).map(async (lesson) => {
        // One place that cannot be read must not cost the whole page.
        const position = await api.position(lesson.id, signal).catch(() => null);
        return { lesson, atMs: position?.at_ms ?? 0 };
      }),
    );
    const resume = positions.filter(({ lesson, atMs }) => atMs > BEGUN_MS && !isDone(lesson, atMs));
    return { live: live.items.toSorted(byStart), soon: soon.items.toSorted(byStart), recordings, resume };
  });
}

function isDone({ started_at, ended_at }: Lesson, atMs: number): boolean {
  return started_at !== null && ended_at !== null && atMs > Date.parse(ended_at) - Date.parse(started_at) - DONE_MS;
}

export function HomePage() {
  const { session, now: clock } = useApp();
  const words = useWords();
  const home = useHome();
  const now = useNow(clock, REFRESH_MS);
  const name = session.user.value?.name.split(' ')[0] ?? '';
  return (
    <div class="page">
      <PageHead title={words.home.title(name)} />
      {home.value !== null ? (
        <HomeLists home={home.value} now={now} />
      ) : home.problem !== null ? (
        <Trouble problem={home.problem} retry={home.reload} />
      ) : (
        <Loading />
      )}
      <InstallOffer />
    </div>
  );
}

function HomeLists({ home, now }: { home: Home; now: number }) {
  const { router } = useApp();
  const words = useWords();
  const resumed = new Set(home.resume.map(({ lesson }) => lesson.id));
  const recordings = home.recordings.filter(({ id }) => !resumed.has(id)).slice(0, RECORDINGS_MAX);
  if (home.live.length + home.soon.length + home.recordings.length === 0) {
    return (
      <Empty icon="people" title={words.home.none.title} text={words.home.none.text}>
        <a class="button button-strong" href={router.href('/mentors')}>
          {words.home.findMentors}
        </a>
      </Empty>
    );
  }
  return (
    <>
      <Lessons title={words.home.live} lessons={home.live} now={now} />
      <Lessons title={words.home.soon} lessons={home.soon.slice(0, SOON_MAX)} now={now} to="/lessons" />
      {home.resume.length === 0 ? null : (
        <section>
          <SectionHead title={words.home.resume} />
          <ul class="grid">
            {home.resume.map(({ lesson, atMs }) => (
              <LessonCard key={lesson.id} lesson={lesson} resumeMs={atMs} now={now} />
            ))}
          </ul>
        </section>
      )}
      <Lessons title={words.home.recordings} lessons={recordings} now={now} to="/lessons?tab=past" />
    </>
  );
}

function Lessons({ title, lessons, now, to }: { title: string; lessons: readonly Lesson[]; now: number; to?: string }) {
  const words = useWords();
  if (lessons.length === 0) return null;
  return (
    <section>
      <SectionHead title={title} {...(to === undefined ? {} : { to, label: words.home.all })} />
      <ul class="grid">
        {lessons.map((lesson) => (
          <LessonCard key={lesson.id} lesson={lesson} now={now} />
        ))}
      </ul>
    </section>
  );
}

/** Shown only where the browser has offered it. */
function InstallOffer() {
  const words = useWords();
  const offer = installable.value;
  if (offer === null) return null;
  return (
    <aside class="card install">
      <Icon name="device" />
      <div>
        <p class="note-title">{words.install.title}</p>
        <p class="soft">{words.install.text}</p>
      </div>
      <button
        type="button"
        class="button"
        onClick={() => {
          installable.value = null;
          void offer.prompt();
        }}
      >
        {words.install.act}
      </button>
    </aside>
  );
}
