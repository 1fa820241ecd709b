/** Home: what is on air, what comes next, and what was not watched to its end. */

import { isAbort, type KeptPosition, type Lesson } from '@tayang/client';
import { Empty, Icon, Loading, PageHead, Trouble, useApp, useNow, useResource } from '@tayang/shell';
import { comingFrom, isComing } from '../parts/coming.ts';
import { useFresh } from '../parts/fresh.ts';
import { LessonCard, ResumeCard, SectionHead } from '../parts/lesson-card.tsx';
import { installable } from '../worker.ts';
import { useWords } from '../words.ts';

/** What fits under the thumb; the rest is on its own page. */
const SOON_MAX = 4;
const RECORDINGS_MAX = 4;
const RESUME_MAX = 6;
/** Some of what is read is not shown: what was missed, or is in another list. */
const READ_MAX = 20;
/** Less than this was a glance, not watching; and so close to the end it was watched. */
const BEGUN_MS = 15_000;
const DONE_MS = 30_000;
const REFRESH_MS = 30_000;

interface Home {
  readonly live: readonly Lesson[];
  readonly soon: readonly Lesson[];
  readonly recordings: readonly Lesson[];
  readonly resume: readonly KeptPosition[];
}

function useHome() {
  const { api, now } = useApp();
  return useResource<Home>('home', async (signal) => {
    const [live, soon, past, positions] = await Promise.all([
      api.lessons({ state: 'live', mine: 'attending', signal }),
      api.lessons({ state: 'scheduled', mine: 'attending', from: comingFrom(now()), limit: READ_MAX, signal }),
      api.lessons({ state: 'ended', mine: 'attended', order: 'newest', limit: READ_MAX, signal }),
      // Places that cannot be read must not cost the whole page.
      api.positions(READ_MAX, signal).catch((error: unknown) => (isAbort(error) ? Promise.reject(error) : [])),
    ]);
    return {
      live: live.items,
      soon: soon.items.filter((lesson) => isComing(lesson, now())),
      recordings: past.items.filter(({ can }) => can.replay),
      resume: positions.filter(isBegun).slice(0, RESUME_MAX),
    };
  });
}

function isBegun({ at_ms, duration_ms }: KeptPosition): boolean {
  return at_ms > BEGUN_MS && (duration_ms === null || at_ms < duration_ms - DONE_MS);
}

export function HomePage() {
  const { session, now: clock } = useApp();
  const words = useWords();
  const home = useHome();
  useFresh(home.reload);
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
            {home.resume.map((kept) => {
              const lesson = home.recordings.find(({ id }) => id === kept.lesson.id);
              return lesson === undefined ? <ResumeCard key={kept.lesson.id} kept={kept} /> : <LessonCard key={lesson.id} lesson={lesson} resumeMs={kept.at_ms} now={now} />;
            })}
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
