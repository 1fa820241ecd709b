/** Sets a lesson that begins at this moment, and leads on to the broadcast. */

import { useRef } from 'preact/hooks';
import { Problem, type Course } from '@tayang/client';
import { Dialog, FormError, SelectField, SubmitButton, TextField, useApp, useForm } from '@tayang/shell';
import { LENGTHS, TITLE_MAX } from '../logic/lesson-form.ts';
import { useMyWhen, useZone } from '../parts/hooks.ts';
import { useScheduleWords } from '../words/schedule.ts';

/** The server takes what is still to come, and clocks differ by a little. */
const SOON_MS = 60_000;

/**
 * The moment at which the lesson begins, which stays the same as long as it is not known what became of the request: with
 * the same key the server answers the same request alone.
 */
function useBeginning(): { readonly at: <T>(key: string, now: () => number, send: (starts: number) => Promise<T>) => Promise<T> } {
  const kept = useRef<{ readonly key: string; readonly starts: number } | null>(null);
  const at = async <T,>(key: string, now: () => number, send: (starts: number) => Promise<T>): Promise<T> => {
    const before = kept.current?.key === key ? kept.current : null;
    const starts = before?.starts ?? now() + SOON_MS;
    kept.current = { key, starts };
    try {
      return await send(starts);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.isNetwork) throw problem;
      // It was answered, so the key stands for nothing: the next one begins anew.
      kept.current = null;
      const isOld = before !== null && problem.fields.some(({ field }) => field === 'starts_at');
      if (!isOld) throw problem;
      return at(key, now, send);
    }
  };
  return { at };
}

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
  const beginning = useBeginning();
  const form = useForm({
    initial: { course_id: courses[0]?.id ?? '', title: '', minutes: '60' },
    names: { ends_at: 'minutes' },
    send: async ({ course_id, title, minutes }, key) => {
      const course = courses.find(({ id }) => id === course_id);
      // Who goes live now means it, whatever else is set.
      const lessonAt = (starts: number) => ({
        course_id,
        title: title.trim() === '' ? (course?.title ?? '') : title.trim(),
        summary: '',
        starts_at: new Date(starts).toISOString(),
        ends_at: new Date(starts + Number(minutes) * 60_000).toISOString(),
        zone,
        allow_overlap: true,
      });
      const [made] = (await beginning.at(key, now, (starts) => api.createLessons(lessonAt(starts), key))).items;
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
