/** One lesson: waiting for it, being there, and seeing it again. Which of these is decided here; each has its own part. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem, type Lesson } from '@tayang/client';
import { Avatar, Lamp, Loading, Note, Trouble, useApp, useNow, useResource, useTitle, useWhen, type Params } from '@tayang/shell';
import { Writer } from '@tayang/ui';
import { usePlayback, useRepeat, useRoom } from '../lesson/hooks.ts';
import { LiveRoom } from '../lesson/live-room.tsx';
import { Replay } from '../lesson/replay.tsx';
import { CalendarLink, WaitingRoom } from '../lesson/waiting-room.tsx';
import { useWords } from '../words.ts';
import type { Scene } from '../words/words.ts';

/** The room opens so long before the lesson: it then tells by itself when it begins. */
const ROOM_BEFORE_MS = 15 * 60_000;
/** How often the lesson is looked at where no room tells of it. */
const LOOK_FAR_MS = 60_000;
const LOOK_NEAR_MS = 10_000;
/** An open room tells by itself; this is for what it may have missed. */
const LOOK_ROOM_MS = 10 * 60_000;
/** Nobody any more, or nobody who may know of it. */
const LOST_STATUSES = [401, 403, 404];
/** A recording is ready seconds after the end. */
const LOOK_RECORDING_MS = 8_000;

export function LessonPage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const lesson = useResource<Lesson>(id, (signal) => api.lesson(id, signal));
  const { set } = lesson;
  // Once it is not (or no longer) for this reader, the page says so instead of showing what was.
  const [gone, setGone] = useState<Problem | null>(null);
  const look = useCallback(async (): Promise<Lesson | null> => {
    try {
      const found = await api.lesson(id);
      set(found);
      return found;
    } catch (error) {
      if (error instanceof Problem && LOST_STATUSES.includes(error.status)) setGone(error);
      return null;
    }
  }, [id]);
  const again = (): void => {
    setGone(null);
    lesson.reload();
  };
  if (gone !== null) return <div class="page"><Trouble problem={gone} retry={again} /></div>;
  if (lesson.value === null) return <div class="page">{lesson.problem === null ? <Loading /> : <Trouble problem={lesson.problem} retry={lesson.reload} />}</div>;
  return <LessonShown lesson={lesson.value} set={set} look={look} />;
}

interface ShownProps {
  readonly lesson: Lesson;
  readonly set: (lesson: Lesson) => void;
  readonly look: () => Promise<Lesson | null>;
}

type Mode = 'waiting' | 'live' | 'replay' | 'word';

/** Who was there when the lesson ended sees the end, and goes to the recording when they wish. */
function useMode(lesson: Lesson): { mode: Mode; ended: boolean; toReplay: () => void } {
  const wasLive = useRef(false);
  const [replaying, setReplaying] = useState(false);
  if (lesson.state === 'live' && lesson.can.watch) wasLive.current = true;
  const ended = lesson.state === 'ended';
  const replay = ended && lesson.can.replay && (lesson.recording === 'ready' || lesson.recording === 'sealed');
  const stays = ended && wasLive.current && !replaying;
  const live = (lesson.state === 'live' && lesson.can.watch) || stays;
  const mode = live ? 'live' : replay ? 'replay' : lesson.state === 'scheduled' ? 'waiting' : 'word';
  return { mode, ended: stays && replay, toReplay: () => setReplaying(true) };
}

function lookEvery(lesson: Lesson, roomOpen: boolean, leftMs: number): number | null {
  if (lesson.state === 'live') return roomOpen ? LOOK_ROOM_MS : LOOK_NEAR_MS;
  if (lesson.state === 'scheduled') return roomOpen ? LOOK_ROOM_MS : leftMs < ROOM_BEFORE_MS ? LOOK_NEAR_MS : LOOK_FAR_MS;
  return lesson.state === 'ended' && lesson.recording !== null && lesson.recording !== 'ready' ? LOOK_RECORDING_MS : null;
}

function LessonShown({ lesson, set, look }: ShownProps) {
  const { name, now: clock } = useApp();
  useTitle(`${lesson.state === 'live' && lesson.on_air ? '● ' : ''}${lesson.title} · ${name}`);
  const now = useNow(clock, 15_000);
  const leftMs = Date.parse(lesson.starts_at) - now;
  const { mode, ended, toReplay } = useMode(lesson);
  const wantsRoom = mode === 'live' || (mode === 'waiting' && lesson.can.watch && leftMs < ROOM_BEFORE_MS);
  const latest = useRef(lesson);
  latest.current = lesson;
  const room = useRoom(lesson.id, wantsRoom, (air) => {
    const before = latest.current;
    set({ ...before, ...air });
    // Rights, times and the recording change with the state; the room tells only of the state.
    if (before.state !== air.state) void look();
  });
  const roomOpen = wantsRoom && room.view.phase === 'open';
  useRepeat(lookEvery(lesson, roomOpen, leftMs), () => void look());
  useEffect(() => {
    if (room.view.phase === 'closed') void look();
  }, [room.view.phase]);
  const [part, setPart] = useState<string | null>(null);
  const playback = usePlayback(lesson.id, (mode === 'live' && lesson.state === 'live') || mode === 'replay', () => void look(), part);
  const viewers = roomOpen && room.view.room.ready ? room.view.room.viewers : lesson.viewers;
  const heading = <Heading lesson={lesson} viewers={viewers} ended={ended} toReplay={toReplay} />;
  switch (mode) {
    case 'live':
      return <LiveRoom lesson={lesson} room={room} playback={playback} look={look} heading={heading} />;
    case 'replay':
      return <Replay key={part} lesson={lesson} playback={playback} heading={heading} onPart={setPart} />;
    case 'waiting':
      return (
        <div class="lesson lesson-single">
          <div class="lesson-show">
            <WaitingRoom lesson={lesson} />
            {heading}
            <Details lesson={lesson} />
          </div>
        </div>
      );
    case 'word':
      return (
        <div class="lesson lesson-single">
          <div class="lesson-show">
            {heading}
            <LastWord lesson={lesson} />
            <Details lesson={lesson} />
          </div>
        </div>
      );
  }
}

function Heading({ lesson, viewers, ended, toReplay }: { lesson: Lesson; viewers: number; ended: boolean; toReplay: () => void }) {
  const { router, preferences, now } = useApp();
  const words = useWords();
  const when = useWhen();
  const writer = new Writer(preferences.language.value);
  return (
    <header class="lesson-head">
      <div class="lesson-head-words">
        <p class="facts-row">
          <Lamp lesson={lesson} />
          {lesson.state === 'live' && viewers > 0 ? <span class="soft small">{words.lesson.viewers(writer.whole(viewers))}</span> : null}
        </p>
        <h1>{lesson.title}</h1>
        <p class="lesson-who">
          <Avatar name={lesson.mentor.name} id={lesson.mentor.id} />
          <span>
            <a class="plain-link" href={router.href(`/mentors/${lesson.mentor.id}`)}>
              {lesson.mentor.name}
            </a>
            <br />
            <a class="plain-link soft small" href={router.href(`/courses/${lesson.course.id}`)}>
              {lesson.course.title}
            </a>
          </span>
        </p>
        {lesson.state === 'live' ? null : <p class="soft small">{when.range(lesson.starts_at, lesson.ends_at, now())}</p>}
      </div>
      {ended ? (
        <button type="button" class="button button-strong" onClick={toReplay}>
          {words.lesson.replay}
        </button>
      ) : null}
    </header>
  );
}

/** Why there is no picture, and what to do. */
function LastWord({ lesson }: { lesson: Lesson }) {
  const { router } = useApp();
  const words = useWords();
  const scene = wordOf(lesson, words.lesson);
  // What is being prepared comes to this page by itself; with all else the course has what is next.
  const goesOn = scene !== words.lesson.recordingComing;
  return (
    <Note kind="away" icon={lesson.state === 'ended' ? 'clock' : 'warning'}>
      <p class="note-title">{scene.title}</p>
      <p>{scene.text}</p>
      {goesOn ? (
        <p>
          <a class="text-link" href={router.href(`/courses/${lesson.course.id}`)}>
            {words.lesson.toCourse}
          </a>
        </p>
      ) : null}
    </Note>
  );
}

function wordOf(lesson: Lesson, words: ReturnType<typeof useWords>['lesson']): Scene {
  if (lesson.state === 'cancelled') return words.cancelled;
  if (lesson.state === 'live') return lesson.can.enrol ? words.notEnrolled : words.revoked;
  // Whoever a recording does not play for is not told whether there is one.
  if (!lesson.can.replay && lesson.attended !== true) return words.recordingForPresent;
  return lesson.recording === null ? words.noRecording : words.recordingComing;
}

function Details({ lesson }: { lesson: Lesson }) {
  const words = useWords();
  return (
    <>
      {lesson.summary === '' ? null : (
        <section>
          <h2 class="section-title">{words.lesson.about}</h2>
          <p class="prose">{lesson.summary}</p>
        </section>
      )}
      {lesson.state === 'scheduled' ? (
        <p>
          <CalendarLink lesson={lesson} />
        </p>
      ) : null}
      {lesson.state === 'scheduled' && !lesson.can.watch && lesson.can.enrol ? <LastEnrol lesson={lesson} /> : null}
    </>
  );
}

function LastEnrol({ lesson }: { lesson: Lesson }) {
  const { router } = useApp();
  const words = useWords();
  return (
    <Note kind="away" icon="warning">
      <p class="note-title">{words.lesson.notEnrolled.title}</p>
      <p>{words.lesson.notEnrolled.text}</p>
      <p>
        <a class="text-link" href={router.href(`/courses/${lesson.course.id}`)}>
          {words.lesson.toCourse}
        </a>
      </p>
    </Note>
  );
}
