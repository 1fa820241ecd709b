/** Who watched a lesson, how much of it, and what its mentor decided. */

import { useMemo, useState } from 'preact/hooks';
import type { AttendanceDecision, AttendanceEntry, Lesson } from '@tayang/client';
import {
  Avatar, Dialog, Empty, FormError, Icon, Lamp, Loading, Note, PageHead, SelectField, SubmitButton, TextField, Trouble, useApp, useForm, useNow, useResource, useShellWords, type Params,
} from '@tayang/shell';
import { lessonTime, percentOf, spansOf, tallyOf, type LessonTime } from '../logic/attendance.ts';
import { readAll, useMyWhen, useWriter } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';

/** Rows drawn at once; a lesson may have had thousands of viewers. */
const DRAWN = 100;
/** From so many on a name is easier found by typing. */
const SEARCH_FROM = 8;

export function AttendancePage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const lesson = useResource(`lesson ${id}`, (signal) => api.lesson(id, signal));
  const entries = useResource(`attendance ${id}`, () => readAll((cursor) => api.attendance(id, { cursor, limit: 100 }), 100));
  if (lesson.value === null || entries.value === null) {
    const problem = lesson.problem ?? entries.problem;
    const retry = (): void => {
      lesson.reload();
      entries.reload();
    };
    return <div class="page">{problem === null ? <Loading /> : <Trouble problem={problem} retry={retry} />}</div>;
  }
  return <Attendance lesson={lesson.value} entries={entries.value} onChanged={entries.set} />;
}

interface AttendanceProps {
  readonly lesson: Lesson;
  readonly entries: readonly AttendanceEntry[];
  readonly onChanged: (entries: readonly AttendanceEntry[]) => void;
}

function Attendance({ lesson, entries, onChanged }: AttendanceProps) {
  const { api, router } = useApp();
  const words = useLiveWords();
  const writer = useWriter();
  const [search, setSearch] = useState('');
  const [asked, ask] = useState<AttendanceEntry | null>(null);
  const now = useNow(useApp().now, 30_000);
  const tally = tallyOf(entries);
  const wanted = search.trim().toLowerCase();
  const shown = useMemo(
    () => entries.filter(({ user }) => user.name.toLowerCase().includes(wanted)).toSorted((a, b) => a.user.name.localeCompare(b.user.name)),
    [entries, wanted],
  );
  const text = words.attendance;
  return (
    <div class="page">
      <PageHead title={text.title} lead={lesson.title}>
        <div class="head-actions">
          <Lamp lesson={lesson} />
          <a class="button" href={router.href(`/lessons/${lesson.id}/recording`)}>
            <Icon name="play" />
            {words.recording.title}
          </a>
          <a class="button" href={api.attendanceCsvUrl(lesson.id)} download>
            <Icon name="download" />
            {text.csv}
          </a>
        </div>
      </PageHead>
      {lesson.state === 'live' ? (
        <Note icon="clock">
          <p>{text.measuring}</p>
        </Note>
      ) : null}
      {entries.length === 0 ? (
        <Empty icon="people" title={text.none} text={text.noneText} />
      ) : (
        <>
          <p class="tally">
            <strong>{text.tally(writer.whole(tally.present), writer.whole(tally.absent))}</strong>
            {tally.corrected === 0 ? null : <span> · {text.corrected(writer.whole(tally.corrected))}</span>}
          </p>
          {entries.length < SEARCH_FROM ? null : <TextField label={text.search} type="search" value={search} onValue={setSearch} />}
          {shown.length === 0 ? <p class="field-note">{text.noMatch}</p> : <Sheet entries={shown} time={lessonTime(lesson, now)} ask={ask} />}
        </>
      )}
      <Dialog open={asked !== null} title={asked === null ? '' : text.correctOf(asked.user.name)} onClose={() => ask(null)}>
        {asked === null ? null : (
          <CorrectForm
            lesson={lesson}
            entry={asked}
            onDone={(entry) => {
              onChanged(entries.map((one) => (one.user.id === entry.user.id ? entry : one)));
              ask(null);
            }}
          />
        )}
      </Dialog>
    </div>
  );
}

interface SheetProps {
  readonly entries: readonly AttendanceEntry[];
  readonly time: LessonTime;
  readonly ask: (entry: AttendanceEntry) => void;
}

/** The first rows, and more when they are asked for. */
function Sheet({ entries, time, ask }: SheetProps) {
  const more = useShellWords().more;
  const [count, setCount] = useState(DRAWN);
  return (
    <>
      <SheetTable entries={entries.slice(0, count)} time={time} ask={ask} />
      {count >= entries.length ? null : (
        <button type="button" class="button more" onClick={() => setCount((before) => before + DRAWN)}>
          {more}
        </button>
      )}
    </>
  );
}

/** One table: wide screens show it as such, narrow ones each row as a card. */
function SheetTable({ entries, time, ask }: SheetProps) {
  const words = useLiveWords().attendance;
  return (
    <table class="sheet" role="table">
      <caption class="unseen">{words.title}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {[words.person, words.watched, words.when, words.state].map((label) => (
            <th key={label} role="columnheader" scope="col">
              {label}
            </th>
          ))}
          <th role="columnheader" scope="col">
            <span class="unseen">{words.correct}</span>
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {entries.map((entry) => (
          <SheetRow key={entry.user.id} entry={entry} time={time} ask={ask} />
        ))}
      </tbody>
    </table>
  );
}

function SheetRow({ entry, time, ask }: { entry: AttendanceEntry; time: LessonTime; ask: (entry: AttendanceEntry) => void }) {
  const words = useLiveWords().attendance;
  const when = useMyWhen();
  const writer = useWriter();
  const percent = percentOf(entry.watched_ms, time);
  const spans = spansOf(entry.intervals, time);
  const label = words.bar(writer.whole(percent), writer.whole(spans.length));
  const times = [entry.first_at, entry.last_at].filter((at) => at !== null).map((at) => when.time(at));
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        <span class="person">
          <Avatar name={entry.user.name} id={entry.user.id} />
          {entry.user.name}
        </span>
      </th>
      <td role="cell" data-cell="watched">
        <strong>{entry.watched_ms === 0 ? '–' : when.span(entry.watched_ms)}</strong> <span class="field-note">{writer.whole(percent)}%</span>
      </td>
      <td role="cell" data-cell="when">
        <svg class="spans" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={label}>
          <rect class="spans-ground" width="1000" height="10" />
          {spans.map(({ from, to }) => (
            <rect key={from} class="spans-part" x={from * 1_000} width={Math.max(4, (to - from) * 1_000)} height="10" />
          ))}
        </svg>
        <span class="field-note">{times.join(' – ')}</span>
      </td>
      <td role="cell" data-cell="state">
        <span class="presence" data-present={entry.attended}>
          <Icon name={entry.attended ? 'check' : 'close'} />
          {entry.attended ? words.present : words.absent}
        </span>
        <span class="field-note">{entry.decision === 'measured' ? words.byMeasure : words.byMentor}</span>
      </td>
      <td role="cell" data-cell="act">
        <button type="button" class="button" onClick={() => ask(entry)}>
          <Icon name="edit" />
          {words.correct}
          <span class="unseen">: {entry.user.name}</span>
        </button>
      </td>
    </tr>
  );
}

function CorrectForm({ lesson, entry, onDone }: { lesson: Lesson; entry: AttendanceEntry; onDone: (entry: AttendanceEntry) => void }) {
  const { api, toasts } = useApp();
  const words = useLiveWords().attendance;
  const decisions: readonly AttendanceDecision[] = ['measured', 'present', 'absent'];
  const form = useForm<{ decision: AttendanceDecision; reason: string }>({
    initial: { decision: entry.decision === 'measured' ? (entry.attended ? 'absent' : 'present') : entry.decision, reason: '' },
    check: ({ reason }) => (reason.trim() === '' ? { reason: words.reasonMissing } : {}),
    send: async ({ decision, reason }) => {
      const answer = await api.correctAttendance(lesson.id, entry.user.id, decision, reason.trim());
      toasts.done(words.saved(entry.user.name));
      onDone({ ...entry, ...answer });
    },
  });
  const { values, errors, set } = form;
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <SelectField
        label={words.decision}
        hint={values.decision === 'absent' ? words.absentNote : undefined}
        value={values.decision}
        onValue={(value) => set('decision', decisions.find((one) => one === value) ?? 'measured')}
        options={decisions.map((one) => [one, words.decisions[one]] as const)}
      />
      <TextField label={words.reason} hint={words.reasonHint} required maxLength={300} value={values.reason} error={errors.reason} onValue={(value) => set('reason', value)} />
      <FormError text={form.error} />
      <SubmitButton busy={form.busy}>{words.correct}</SubmitButton>
    </form>
  );
}
