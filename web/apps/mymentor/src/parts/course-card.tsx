/** One course in a list. */

import type { Course } from '@tayang/client';
import { useApp } from '@tayang/shell';
import { Writer } from '@tayang/ui';
import { useWords } from '../words.ts';

/** `12 peserta`, or `12 dari 30 peserta` where places are limited. */
export function useEnrolledText(): (course: Pick<Course, 'enrolled' | 'capacity'>) => string {
  const words = useWords();
  const writer = new Writer(useApp().preferences.language.value);
  return ({ enrolled, capacity }) =>
    capacity === null ? words.course.enrolled(writer.whole(enrolled)) : words.course.enrolledOf(writer.whole(enrolled), writer.whole(capacity));
}

export function CourseCard({ course }: { course: Course }) {
  const { router } = useApp();
  const words = useWords();
  const enrolled = useEnrolledText();
  return (
    <li class="card course-card">
      <h3>
        <a class="card-link" href={router.href(`/courses/${course.id}`)}>
          {course.title}
        </a>
      </h3>
      {course.summary === '' ? null : <p class="soft clamp">{course.summary}</p>}
      <p class="facts-row">
        <span class="badge-plain">{course.my_enrolment === 'active' ? words.course.member : words.course.modes[course.enrolment]}</span>
        <span class="soft">{enrolled(course)}</span>
      </p>
    </li>
  );
}
