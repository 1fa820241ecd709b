/** Sets a lesson that begins at this moment, and leads on to the broadcast. */

import type { Course } from '@tayang/client';
import { Dialog, FormError, SelectField, SubmitButton, TextField, useApp, useForm } from '@tayang/shell';
import { LENGTHS, TITLE_MAX } from '../logic/lesson-form.ts';
import { useMyWhen, useZone } from '../parts/hooks.ts';
import { useScheduleWords } from '../words/schedule.ts';

const SOON_MS = 60_000;

interface Props {
  readonly open: boolean;
  readonly courses: readonly Course[];
  readonly onClose: () => void;
}

export function GoLiveNow({ open, courses, onClose }: Props) {
  const words = useScheduleWords().now;
  return (
    <Dialog open={open} title={words.title} onClose={onClose}>
      <NowForm courses={courses} />
    </Dialog>
  );
}

function NowForm({ courses }: Pick<Props, 'courses'>) {
  const { api, router, now } = useApp();
  const words = useScheduleWords().now;
  const when = useMyWhen();
  const zone = useZone();
  const form = useForm({
    initial: { course_id: courses[0]?.id ?? '', title: '', minutes: '60' },
    names: { ends_at: 'minutes' },
    send: async ({ course_id, title, minutes }, key) => {
      // The server takes what is still to come, and clocks differ by a little; who goes live now means it, whatever else is set.
      const starts = now() + SOON_MS;
      const course = courses.find(({ id }) => id === course_id);
      const lesson = {
        course_id,
        title: title.trim() === '' ? (course?.title ?? '') : title.trim(),
        summary: '',
        starts_at: new Date(starts).toISOString(),
        ends_at: new Date(starts + Number(minutes) * 60_000).toISOString(),
        zone,
        allow_overlap: true,
      };
      const [made] = (await api.createLessons(lesson, key)).items;
      if (made !== undefined) router.go(`/lessons/${made.id}/publish`);
    },
  });
  const { values, set, errors } = form;
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <p>{words.lead}</p>
      <SelectField label={words.course} value={values.course_id} error={errors.course_id} onValue={(value) => set('course_id', value)} options={courses.map(({ id, title }) => [id, title] as const)} />
      <TextField label={words.name} hint={words.nameHint} optional maxLength={TITLE_MAX} value={values.title} error={errors.title} onValue={(value) => set('title', value)} />
      <SelectField label={words.minutes} value={values.minutes} error={errors.minutes} onValue={(value) => set('minutes', value)} options={LENGTHS.map((minutes) => [String(minutes), when.span(minutes * 60_000)] as const)} />
      <FormError text={form.error} />
      <SubmitButton busy={form.busy}>{words.act}</SubmitButton>
    </form>
  );
}
