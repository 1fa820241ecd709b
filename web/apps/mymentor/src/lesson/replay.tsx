/** A recording: its picture, chapters, speed, comments as they came, and going on where one was. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { mainPart, partPlayed, saidIn, type Chapter, type Comment, type Lesson, type Page, type Playback, type RecordedPart } from '@tayang/client';
import type { Answer, Snapshot } from '@tayang/player';
import { clockText, Icon, RecordedParts, takeAway, Trouble, useApp, useResource } from '@tayang/shell';
import { Writer } from '@tayang/ui';
import { useWords } from '../words.ts';
import type { Watching } from './hooks.ts';
import { Moments } from './moments.tsx';
import { Quality } from './quality.tsx';
import { ReplayComments } from './replay-comments.ts';
import { CommentRow } from './room-panel.tsx';
import { refusedScene } from './scene.ts';
import { StageMount, StageWaiting } from './stage-mount.tsx';
import { useViewing } from './use-viewing.ts';
import type { Viewing } from './viewing.ts';

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const COMMENTS_SHOWN = 60;
/** At the end of a recording: what was said after its last whole second, while the lesson came to its end. */
const AFTERWARDS_MS = 60_000;
/** The place is kept this often while it plays. */
const KEEP_MS = 10_000;
/** Nearer to the beginning or the end than this, one begins anew. */
const RESUME_EDGE_MS = 15_000;

/** A recording needs no news of the lesson. */
async function askNothing(): Promise<Answer> {
  return { status: 200, text: JSON.stringify({ state: 'ended' }) };
}

interface ReplayProps {
  readonly lesson: Lesson;
  readonly playback: Watching;
  readonly heading: preact.ComponentChildren;
  /** Another part is wanted, by its stream; `null`: the longest. */
  readonly onPart: (stream: string | null) => void;
}

export function Replay({ lesson, playback, heading, onPart }: ReplayProps) {
  const words = useWords();
  const { opened, refusal } = playback;
  const latest = useRef<Snapshot | null>(null);
  const [second, setSecond] = useState(0);
  const [length, setLength] = useState(0);
  const viewing = useViewing(lesson, opened, askNothing, lesson.id, (snapshot) => {
    latest.current = snapshot;
    setSecond(Math.floor(snapshot.currentTime));
    setLength(Math.floor(snapshot.duration));
  });
  const parts = opened?.recordings ?? [];
  const played = opened === null ? null : partPlayed(opened);
  // Places, chapters and reactions are the main part's: media times begin anew with each.
  const main = played === null || parts[played] === mainPart(parts);
  const resumed = useResume(lesson.id, main ? viewing : null, latest);
  useKeepPosition(lesson.id, main, latest);
  const scene = refusal === null ? words.scene.loading : refusedScene(refusal, words);
  return (
    <div class="lesson lesson-replay">
      <div class="lesson-show">
        <StageMount viewing={viewing}>{viewing === null ? <StageWaiting title={scene.title} text={scene.text} /> : null}</StageMount>
        {main ? <Moments lesson={lesson.id} lengthSeconds={length} second={second} onSeek={(seconds) => viewing?.player.seek(seconds)} /> : null}
        {heading}
        <RecordedParts playback={opened} onPart={onPart} />
        <div class="replay-tools">
          <Speed viewing={viewing} />
          <Quality viewing={viewing} />
          <Download lesson={lesson} playback={opened} />
        </div>
        {resumed === null ? null : (
          <p class="resumed" role="status">
            {words.lesson.resumed(clockText(resumed / 1_000))}{' '}
            <button type="button" class="link-button" onClick={() => viewing?.player.seek(0)}>
              {words.lesson.fromStart}
            </button>
          </p>
        )}
        {main ? <Chapters lesson={lesson.id} second={second} onSeek={(seconds) => viewing?.player.seek(seconds)} /> : null}
      </div>
      <ReplayPanel lesson={lesson.id} parts={parts} part={played} mediaMs={second * 1_000 + (length > 0 && second >= length ? AFTERWARDS_MS : 0)} />
    </div>
  );
}

/** Goes to where one was, once, as soon as the length is known. The place that was gone to, in milliseconds. */
function useResume(lesson: string, viewing: Viewing | null, latest: { current: Snapshot | null }): number | null {
  const { api } = useApp();
  const [resumed, setResumed] = useState<number | null>(null);
  const position = useResource(`position ${lesson}`, (signal) => api.position(lesson, signal));
  const atMs = position.value?.at_ms ?? null;
  const done = useRef(false);
  useEffect(() => {
    if (viewing === null || atMs === null || done.current) return undefined;
    const timer = setInterval(() => {
      const lengthMs = (latest.current?.duration ?? 0) * 1_000;
      if (!Number.isFinite(lengthMs) || lengthMs <= 0 || (latest.current?.attached ?? null) === null) return;
      clearInterval(timer);
      done.current = true;
      if (atMs < RESUME_EDGE_MS || atMs > lengthMs - RESUME_EDGE_MS) return;
      viewing.player.seek(atMs / 1_000);
      setResumed(atMs);
    }, 200);
    return () => clearInterval(timer);
  }, [viewing, atMs]);
  return resumed;
}

/** Keeps the place: now and then while it moves, and for good when the page is left. */
function useKeepPosition(lesson: string, wanted: boolean, latest: { current: Snapshot | null }): void {
  const { api } = useApp();
  useEffect(() => {
    if (!wanted) return undefined;
    let kept = -1;
    const keep = (leaving: boolean): void => {
      const snapshot = latest.current;
      if (snapshot === null || snapshot.frames === 0) return;
      const at = Math.round(snapshot.currentTime * 1_000);
      if (Math.abs(at - kept) < 1_000) return;
      kept = at;
      // The next keeping makes good for one that was lost.
      void api.keepPosition(lesson, at, leaving).catch(() => undefined);
    };
    const timer = setInterval(() => keep(false), KEEP_MS);
    const leave = (): void => keep(true);
    const hide = (): void => {
      if (document.visibilityState === 'hidden') keep(true);
    };
    window.addEventListener('pagehide', leave);
    document.addEventListener('visibilitychange', hide);
    return () => {
      clearInterval(timer);
      keep(true);
      window.removeEventListener('pagehide', leave);
      document.removeEventListener('visibilitychange', hide);
    };
  }, [lesson, wanted]);
}

function Speed({ viewing }: { viewing: Viewing | null }) {
  const words = useWords();
  const writer = new Writer(useApp().preferences.language.value);
  const [rate, setRate] = useState(1);
  useEffect(() => viewing?.player.setRate(rate), [viewing, rate]);
  return (
    <label class="speed">
      <span>{words.lesson.speed}</span>
      <select class="input" value={String(rate)} onChange={(event) => setRate(Number(event.currentTarget.value))}>
        {SPEEDS.map((speed) => (
          <option key={speed} value={String(speed)}>
            {words.lesson.times(writer.short(speed))}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Asked for when it is wanted: its address is good while it is fetched. */
function Download({ lesson, playback }: { lesson: Lesson; playback: Playback | null }) {
  const { api } = useApp();
  const words = useWords();
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  if (playback === null || (playback.urls.mp4 ?? null) === null) return null;
  const download = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      takeAway(await api.openDownload(lesson.id, playback.recordings[partPlayed(playback) ?? 0]?.stream), lesson.title);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void download()} aria-disabled={busy}>
        <Icon name="download" />
        {words.lesson.download}
      </button>
      {problem === null ? null : <Trouble problem={problem} retry={() => void download()} />}
    </>
  );
}

function Chapters({ lesson, second, onSeek }: { lesson: string; second: number; onSeek: (seconds: number) => void }) {
  const { api } = useApp();
  const words = useWords();
  const chapters = useResource<readonly Chapter[]>(`chapters ${lesson}`, (signal) => api.chapters(lesson, signal));
  const list = chapters.value ?? [];
  if (list.length === 0) return null;
  const current = list.findLastIndex(({ at_ms }) => at_ms <= second * 1_000);
  return (
    <section class="card chapters">
      <h2>{words.lesson.chapters}</h2>
      <ol>
        {list.map(({ at_ms, title }, at) => (
          <li key={at_ms}>
            <button type="button" aria-current={at === current ? 'true' : undefined} onClick={() => onSeek(at_ms / 1_000)}>
              <span class="chapter-at">{clockText(at_ms / 1_000)}</span>
              {title}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Comments up to the picture that is seen, as they came then. */
function ReplayPanel({ lesson, parts, part, mediaMs }: { lesson: string; parts: readonly RecordedPart[]; part: number | null; mediaMs: number }) {
  const { api } = useApp();
  const words = useWords();
  const [, setRound] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const comments = useMemo(() => {
    const read = async (from_ms: number, until_ms: number, cursor: string | null, limit: number): Promise<Page<Comment>> => {
      const page = await api.comments(lesson, { from_ms, until_ms, limit, cursor });
      return part === null ? page : { ...page, items: page.items.filter(({ at }) => saidIn(parts, part, at)) };
    };
    return new ReplayComments(read, () => performance.now(), () => setRound((before) => before + 1));
  }, [lesson, part]);
  const shown = comments.at(mediaMs, COMMENTS_SHOWN);
  const last = shown.at(-1)?.id;
  useEffect(() => list.current?.scrollTo({ top: list.current.scrollHeight }), [last]);
  return (
    <section class="room" aria-label={words.room.title}>
      <div class="room-head">
        <h2>{words.room.title}</h2>
      </div>
      <div class="room-list">
        <div class="room-scroll" ref={list} tabIndex={0} role="group" aria-label={words.room.title}>
          {shown.length === 0 ? <p class="soft room-none">{words.room.noneReplay}</p> : null}
          {shown.map((comment) => (
            <CommentRow key={comment.id} at={clockText((comment.media_ms ?? 0) / 1_000)} comment={{ ...comment, state: 'shown', pinned: false }} />
          ))}
        </div>
      </div>
    </section>
  );
}
