/** What was said in a lesson, beside its recording: what still waits for the mentor, and the rest around the playhead. */

import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isAbort, saidIn, type Comment, type CommentState, type Lesson, type RecordedPart } from '@tayang/client';
import { Avatar, kept, Loading, Trouble, useApp } from '@tayang/shell';
import { clockText } from '@tayang/ui';
import { useDeed } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';

const PAGE = 100;
/** 50,000 comments: five a second for nearly three hours. */
const PAGES_MAX = 500;
/** Rows drawn before and behind the playhead; more are drawn when they are asked for. */
const BEFORE = 100;
const BEHIND = 50;

interface Said {
  readonly comments: readonly Comment[];
  /** All pages were read. */
  readonly whole: boolean;
  readonly problem: unknown;
}

/** Reads page by page; what came is shown while the rest is on its way. */
function useSaid(lesson: string): Said & { readonly retry: () => void; readonly change: (id: string, state: CommentState) => void } {
  const { api } = useApp();
  const [said, setSaid] = useState<Said>({ comments: [], whole: false, problem: null });
  const [round, setRound] = useState(0);
  const latest = useRef(said);
  latest.current = said;
  useEffect(() => {
    const aborter = new AbortController();
    const read = async (): Promise<void> => {
      const found = [...latest.current.comments];
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const { items } = await api.comments(lesson, { after: found.at(-1)?.seq ?? 0, limit: PAGE }, aborter.signal);
        found.push(...items);
        const whole = items.length < PAGE;
        setSaid((before) => ({ comments: [...before.comments, ...items], whole, problem: null }));
        if (whole) return;
      }
      setSaid((before) => ({ ...before, whole: true }));
    };
    read().catch((problem: unknown) => {
      if (!isAbort(problem)) setSaid((before) => ({ ...before, problem }));
    });
    return () => aborter.abort();
  }, [lesson, round]);
  return {
    ...said,
    retry: () => setRound((before) => before + 1),
    change: (id, state) => setSaid((before) => ({ ...before, comments: before.comments.map((one) => (one.id === id ? { ...one, state } : one)) })),
  };
}

/** Which rows are drawn around the playhead: from, until. */
export function windowOf(count: number, playhead: number, before: number, behind: number): readonly [number, number] {
  return [Math.max(0, playhead - before), Math.min(count, Math.max(0, playhead) + behind)];
}

const isShown = ({ state }: Comment): boolean => state === undefined || state === 'shown';

interface ReplayProps {
  readonly lesson: Lesson;
  /** What the lesson left. */
  readonly parts: readonly RecordedPart[];
  /** Which of several plays. */
  readonly part: number | null;
  readonly seconds: number;
  readonly seek: (ms: number) => void;
}

export function Replay({ lesson, parts, part, seconds, seek }: ReplayProps) {
  const words = useLiveWords().recording;
  const said = useSaid(lesson.id);
  const shown = useMemo(
    () => said.comments.filter((one) => isShown(one) && (part === null || saidIn(parts, part, one.at))),
    [said.comments, parts, part],
  );
  const held = useMemo(() => said.comments.filter(({ state }) => state === 'held'), [said.comments]);
  if (said.comments.length === 0 && !said.whole) return said.problem === null ? <Loading rows={2} /> : <Trouble problem={said.problem} retry={said.retry} />;
  return (
    <>
      <Held lesson={lesson} held={held} onDecided={said.change} />
      {shown.length === 0 ? <p class="chat-none">{words.commentsNone}</p> : <Stream shown={shown} seconds={seconds} seek={seek} />}
      {said.problem === null ? null : <Trouble problem={said.problem} retry={said.retry} />}
    </>
  );
}

/** What waited when the lesson ended can be shown or deleted still. */
function Held({ lesson, held, onDecided }: { lesson: Lesson; held: readonly Comment[]; onDecided: (id: string, state: CommentState) => void }) {
  const words = useLiveWords().room;
  const { run } = useDeed();
  if (held.length === 0) return null;
  const decide = (id: string, state: CommentState): void =>
    run(async (api) => {
      await api.moderate(lesson.id, id, { state });
      onDecided(id, state);
    });
  return (
    <section class="chat-held">
      <h3>{words.heldTitle}</h3>
      <ul>
        {held.map(({ id, user, body }) => (
          <li key={id} class="comment" data-held>
            <Avatar name={user.name} id={user.id} />
            <div class="comment-main">
              <p class="comment-who">
                <strong>{user.name}</strong>
              </p>
              <p class="comment-body">{body}</p>
              <div class="comment-acts" role="group" aria-label={words.actions(user.name)}>
                <button type="button" class="chip" onClick={() => decide(id, 'shown')}>
                  {words.show}
                </button>
                <button type="button" class="chip" onClick={() => decide(id, 'deleted')}>
                  {words.remove}
                </button>
              </div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Comments in the order of time; those up to the playhead stand out. */
function Stream({ shown, seconds, seek }: { shown: readonly Comment[]; seconds: number; seek: (ms: number) => void }) {
  const words = useLiveWords();
  const [more, setMore] = useState({ before: BEFORE, behind: BEHIND });
  const last = useMemo(() => shown.findLastIndex(({ media_ms }) => media_ms !== null && media_ms <= seconds * 1_000), [shown, seconds]);
  const [from, until] = windowOf(shown.length, last, more.before, more.behind);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const { current } = list;
    const row = current?.querySelector(`[data-at="${Math.max(0, last)}"]`);
    if (current === null || !(row instanceof HTMLElement) || current.contains(document.activeElement)) return;
    current.scrollTop = row.offsetTop - current.clientHeight / 2;
  }, [last]);
  // The same from one drawing to the next, though the stage behind it may be another.
  const latest = useRef(seek);
  latest.current = seek;
  const go = useCallback((ms: number) => latest.current(ms), []);
  return (
    <ol class="chat-list replay" ref={list} tabIndex={0} aria-label={words.recording.comments}>
      {from === 0 ? null : (
        <li key="older">
          <button type="button" class="button more" onClick={() => setMore((now) => ({ ...now, before: now.before + BEFORE }))}>
            {words.room.older}
          </button>
        </li>
      )}
      {shown.slice(from, until).map((comment, at) => (
        <Row key={comment.id} comment={comment} at={from + at} past={from + at <= last} seek={go} />
      ))}
      {until === shown.length ? null : (
        <li key="later">
          <button type="button" class="button more" onClick={() => setMore((now) => ({ ...now, behind: now.behind + BEFORE }))}>
            {words.recording.later}
          </button>
        </li>
      )}
    </ol>
  );
}

interface RowProps {
  readonly comment: Comment;
  readonly at: number;
  readonly past: boolean;
  readonly seek: (ms: number) => void;
}

/** Drawn again when the playhead passes it, not with every step of it. */
const Row = kept(function Row({ comment: { user, body, media_ms }, at, past, seek }: RowProps) {
  const words = useLiveWords();
  return (
    <li class="comment" data-past={past} data-at={at}>
      <Avatar name={user.name} id={user.id} />
      <div class="comment-main">
        <p class="comment-who">
          <strong>{user.name}</strong>
          {user.mentor ? <span class="badge-plain">{words.room.mentor}</span> : null}
          {media_ms === null ? null : (
            <button type="button" class="time-link" aria-label={words.recording.chapterGo(clockText(media_ms / 1_000))} onClick={() => seek(media_ms)}>
              {clockText(media_ms / 1_000)}
            </button>
          )}
        </p>
        <p class="comment-body">{body}</p>
      </div>
    </li>
  );
});
