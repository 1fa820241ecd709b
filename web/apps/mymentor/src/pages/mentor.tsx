/** One mentor: who that is, the courses, and the next lessons. */

import type { Course, Lesson, Mentor } from '@tayang/client';
import { Avatar, Loading, PageHead, Trouble, useApp, useResource, type Params } from '@tayang/shell';
import { comingFrom, isComing } from '../parts/coming.ts';
import { CourseCard } from '../parts/course-card.tsx';
import { useFresh } from '../parts/fresh.ts';
import { LessonCard } from '../parts/lesson-card.tsx';
import { useWords } from '../words.ts';

interface Shown {
  readonly mentor: Mentor;
  readonly courses: readonly Course[];
  readonly lessons: readonly Lesson[];
}

const LESSONS_MAX = 6;

export function MentorPage({ params }: { params: Params }) {
  const { api, now } = useApp();
  const id = params['id'] ?? '';
  const shown = useResource<Shown>(id, async (signal) => {
    const [mentor, courses, live, lessons] = await Promise.all([
      api.mentor(id, signal),
      api.courses({ mentor: id, signal }),
      api.lessons({ mentor: id, state: 'live', signal }),
      api.lessons({ mentor: id, state: 'scheduled', from: comingFrom(now()), signal }),
    ]);
    const coming = lessons.items.filter((lesson) => isComing(lesson, now()));
    return { mentor, courses: courses.items, lessons: [...live.items, ...coming].slice(0, LESSONS_MAX) };
  });
  useFresh(shown.reload);
  return <div class="page">{shown.value !== null ? <Shown {...shown.value} /> : shown.problem !== null ? <Trouble problem={shown.problem} retry={shown.reload} /> : <Loading />}</div>;
}

function Shown({ mentor, courses, lessons }: Shown) {
  const { now } = useApp();
  const words = useWords();
  return (
    <>
      <div class="mentor-head">
        <Avatar name={mentor.name} id={mentor.id} />
        <PageHead title={mentor.name} lead={mentor.headline} />
      </div>
      {mentor.bio === '' ? null : <p class="prose">{mentor.bio}</p>}
      <section>
        <h2 class="section-title">{words.mentors.courseList}</h2>
        {courses.length === 0 ? <p class="soft">{words.mentors.noCourses}</p> : null}
        <ul class="grid">
          {courses.map((course) => (
            <CourseCard key={course.id} course={course} />
          ))}
        </ul>
      </section>
      <section>
        <h2 class="section-title">{words.mentors.upcoming}</h2>
        {lessons.length === 0 ? <p class="soft">{words.mentors.noUpcoming}</p> : null}
        <ul class="grid">
          {lessons.map((lesson) => (
            <LessonCard key={lesson.id} lesson={lesson} now={now()} />
          ))}
        </ul>
      </section>
    </>
  );
}
