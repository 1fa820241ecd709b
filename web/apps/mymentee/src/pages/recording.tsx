/** What a lesson left: its recording, chapters, what was said, and what can be taken along. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { mainPart, partPlayed, type Chapter, type Lesson, type Playback } from '@tayang/client';
import { Empty, Icon, Lamp, Loading, Note, PageHead, RecordedParts, takeAway, Trouble, useApp, useResource, type Params } from '@tayang/shell';
import { clockText } from '@tayang/ui';
import { Replay } from '../live/replay.tsx';
import { Stage, type Progress, type StageHandle } from '../live/stage.tsx';
import { chapterAt, CHAPTERS_MAX, chaptersOf, linesOf, parseClock, problemsOf, type ChapterLine } from '../logic/chapters.ts';
import { comingOf } from '../logic/recording.ts';
import { useDeed, useMyWhen, usePoll, useWriter } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';

const COMING_MS = 3_000;
/** The MP4 takes longer, and nobody waits for it here. */
const MP4_MS = 15_000;
const SPEEDS = [1, 1.25, 1.5, 2] as const;

export function RecordingPage({ params }: { params: Params }) {
  const { api, now } = useApp();
  const id = params['id'] ?? '';
  const lesson = useResource(`lesson ${id}`, (signal) => api.lesson(id, signal));
  const latest = lesson.value;
  const coming = latest === null ? null : comingOf(latest, now());
  const polled = usePoll((signal) => api.lesson(id, signal), coming === 'mp4' ? MP4_MS : COMING_MS, coming !== null);
  useEffect(() => {
    if (polled.value !== null) lesson.set(polled.value);
  }, [polled.value]);
  if (latest === null) {
    return <div class="page">{lesson.problem === null ? <Loading /> : <Trouble problem={lesson.problem} retry={lesson.reload} />}</div>;
  }
  return <RecordingView lesson={latest} />;
}

function RecordingView({ lesson }: { lesson: Lesson }) {
  const { router, now } = useApp();
  const words = useLiveWords();
  const when = useMyWhen();
  const playable = lesson.recording === 'sealed' || lesson.recording === 'ready';
  return (
    <div class="page page-wide">
      <PageHead title={lesson.title} lead={when.range(lesson.started_at ?? lesson.starts_at, lesson.ended_at ?? lesson.ends_at, now())}>
        <div class="head-actions">
          <Lamp lesson={lesson} />
          <a class="button" href={router.href(`/lessons/${lesson.id}/attendance`)}>
            <Icon name="people" />
            {words.attendance.title}
          </a>
        </div>
      </PageHead>
      {playable ? <Player lesson={lesson} /> : <NoRecording lesson={lesson} />}
    </div>
  );
}

function NoRecording({ lesson }: { lesson: Lesson }) {
  const words = useLiveWords().recording;
  if (lesson.state === 'scheduled' || lesson.state === 'live') return <Empty icon="play" title={words.notYet} text={words.notYetText} />;
  const coming = lesson.recording === 'recording';
  return <Empty icon="play" title={coming ? words.coming : words.none} text={coming ? words.comingText : words.noneText} />;
}

function Player({ lesson }: { lesson: Lesson }) {
  const words = useLiveWords().recording;
  const [progress, setProgress] = useState<Progress>({ seconds: 0, duration: 0 });
  const [stage, setStage] = useState<StageHandle | null>(null);
  const [part, setPart] = useState<string | null>(null);
  const [playback, setPlayback] = useState<Playback | null>(null);
  const parts = playback?.recordings ?? [];
  const played = playback === null ? null : partPlayed(playback);
  // Chapters are the main part's: media times begin anew with each.
  const main = played === null || parts[played] === mainPart(parts);
  const seek = (ms: number): void => stage?.seek(ms / 1_000);
  return (
    <div class="dash">
      <div class="dash-show stack">
        <Stage lesson={lesson} kind="recording" part={part} onOpened={setPlayback} onProgress={setProgress} onReady={setStage} />
        <RecordedParts playback={playback} onPart={setPart} />
        <div class="player-tools">
          <Speeds key={part} stage={stage} />
          <Takeaways lesson={lesson} part={part} />
        </div>
        {main ? <Chapters lesson={lesson} progress={progress} seek={seek} /> : null}
      </div>
      <div class="dash-side card stack">
        <h2>{words.comments}</h2>
        <Replay lesson={lesson} parts={parts} part={played} seconds={progress.seconds} seek={seek} />
      </div>
    </div>
  );
}

function Speeds({ stage }: { stage: StageHandle | null }) {
  const words = useLiveWords().recording;
  const writer = useWriter();
  const [speed, setSpeed] = useState(1);
  return (
    <div class="choices" role="group" aria-label={words.speed}>
      {SPEEDS.map((one) => (
        <button
          key={one}
          type="button"
          class="choice"
          aria-pressed={one === speed}
          onClick={() => {
            setSpeed(one);
            stage?.setRate(one);
          }}
        >
          {words.times(writer.decimal(one, Number.isInteger(one) ? 0 : one === 1.5 ? 1 : 2))}
        </button>
      ))}
    </div>
  );
}

/** The MP4 is asked for when it is wanted: its address is good while it is fetched. */
function Takeaways({ lesson, part }: { lesson: Lesson; part: string | null }) {
  const { api } = useApp();
  const words = useLiveWords().recording;
  const { busy, run } = useDeed();
  const download = (): void => run(async () => takeAway(await api.openDownload(lesson.id, part ?? undefined), lesson.title));
  return (
    <div class="actions">
      {lesson.recording === 'ready' ? (
        <button type="button" class="button" onClick={download} aria-disabled={busy}>
          <Icon name="download" />
          {words.download}
        </button>
      ) : (
        <Note icon="clock">
          <p>{words.downloadLater}</p>
        </Note>
      )}
      <a class="button" href={api.commentsCsvUrl(lesson.id)} download>
        <Icon name="comment" />
        {words.exportComments}
      </a>
    </div>
  );
}

interface ChapterProps {
  readonly lesson: Lesson;
  readonly progress: Progress;
  readonly seek: (ms: number) => void;
}

function Chapters(props: ChapterProps) {
  const { api } = useApp();
  const read = useResource(`chapters ${props.lesson.id}`, (signal) => api.chapters(props.lesson.id, signal));
  if (read.value === null) return read.problem === null ? <Loading rows={1} /> : <Trouble problem={read.problem} retry={read.reload} />;
  return <ChapterEditor {...props} saved={read.value} />;
}

function ChapterEditor({ lesson, progress, seek, saved }: ChapterProps & { saved: readonly Chapter[] }) {
  const { toasts } = useApp();
  const words = useLiveWords().recording;
  const { busy, run } = useDeed();
  const [lines, setLines] = useState(() => linesOf(saved));
  const [kept, setKept] = useState(saved);
  const [tried, setTried] = useState(false);
  const nextKey = useRef(saved.length);
  const problems = problemsOf(lines, progress.duration * 1_000);
  const changed = JSON.stringify(lines.map(({ at, title }) => [at, title])) !== JSON.stringify(linesOf(kept).map(({ at, title }) => [at, title]));
  const here = clockText(progress.seconds);
  const change = (key: number, part: Partial<ChapterLine>): void => setLines((before) => before.map((line) => (line.key === key ? { ...line, ...part } : line)));
  const add = (): void => {
    const key = nextKey.current;
    nextKey.current += 1;
    setLines((before) => [...before, { key, at: here, title: '' }].toSorted((a, b) => (parseClock(a.at) ?? Infinity) - (parseClock(b.at) ?? Infinity)));
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-chapter="${key}"] .chapter-title input`)?.focus());
  };
  const save = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (problems.some((one) => one !== null)) return;
    run(async (api) => {
      const chapters = chaptersOf(lines);
      await api.setChapters(lesson.id, chapters);
      setKept(chapters);
      setLines(chapters.map(({ at_ms, title }) => ({ key: nextKey.current++, at: clockText(at_ms / 1_000), title })));
      setTried(false);
      toasts.done(words.chaptersSaved);
    });
  };
  const playing = chapterAt(chaptersOf(lines.filter(({ at }) => parseClock(at) !== null)), progress.seconds * 1_000);
  return (
    <form class="card stack chapters" onSubmit={save} noValidate>
      <div>
        <h2>{words.chapters}</h2>
        <p class="field-note">{words.chaptersLead}</p>
      </div>
      {lines.length === 0 ? <p class="field-note">{words.chaptersNone}</p> : null}
      <ol>
        {lines.map((line, at) => (
          <ChapterRow key={line.key} line={line} at={at} playing={at === playing} problem={tried ? (problems[at] ?? null) : null} here={here} seek={seek} onChange={(part) => change(line.key, part)} onRemove={() => setLines((before) => before.filter(({ key }) => key !== line.key))} />
        ))}
      </ol>
      <div class="actions">
        <button type="button" class="button" onClick={add} disabled={lines.length >= CHAPTERS_MAX}>
          <Icon name="plus" />
          {words.chapterAdd} · {here}
        </button>
        {changed ? (
          <button type="submit" class="button button-strong" aria-disabled={busy}>
            <Icon name="check" />
            {words.chaptersSave}
          </button>
        ) : null}
      </div>
    </form>
  );
}

interface RowProps {
  readonly line: ChapterLine;
  readonly at: number;
  readonly playing: boolean;
  readonly problem: ReturnType<typeof problemsOf>[number];
  readonly here: string;
  readonly seek: (ms: number) => void;
  readonly onChange: (part: Partial<ChapterLine>) => void;
  readonly onRemove: () => void;
}

function ChapterRow({ line, at, playing, problem, here, seek, onChange, onRemove }: RowProps) {
  const words = useLiveWords().recording;
  const ms = parseClock(line.at);
  const noteId = `chapter-note-${line.key}`;
  const inTime = problem === 'time' || problem === 'beyond' || problem === 'same';
  return (
    <li class="chapter" data-chapter={line.key} data-playing={playing}>
      <button type="button" class="round" disabled={ms === null} aria-label={words.chapterGo(line.at)} title={words.chapterGo(line.at)} onClick={() => (ms === null ? undefined : seek(ms))}>
        <Icon name="play" />
      </button>
      <span class="chapter-at">
        <input class="input" inputMode="numeric" aria-label={`${words.chapterAt} ${at + 1}`} aria-invalid={inTime} aria-describedby={problem === null ? undefined : noteId} value={line.at} onInput={(event) => onChange({ at: event.currentTarget.value })} />
        <button type="button" class="round" aria-label={words.chapterHere(at + 1)} title={words.chapterHere(at + 1)} onClick={() => onChange({ at: here })}>
          <Icon name="clock" />
        </button>
      </span>
      <span class="chapter-title">
        <input class="input" maxLength={100} placeholder={words.chapterTitle} aria-label={`${words.chapterTitle} ${at + 1}`} aria-invalid={problem === 'title'} aria-describedby={problem === null ? undefined : noteId} value={line.title} onInput={(event) => onChange({ title: event.currentTarget.value })} />
      </span>
      <button type="button" class="round" aria-label={words.chapterRemove(at + 1)} title={words.chapterRemove(at + 1)} onClick={onRemove}>
        <Icon name="trash" />
      </button>
      {problem === null ? null : (
        <p class="form-error chapter-note" id={noteId}>
          {words.problem[problem]}
        </p>
      )}
    </li>
  );
}
