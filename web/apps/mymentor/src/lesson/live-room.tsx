/** A lesson that is on: its picture, taking part, comments, and the word about attendance. */

import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Lesson } from '@tayang/client';
import type { Answer, Snapshot } from '@tayang/player';
import { Note, useApp } from '@tayang/shell';
import { useWords } from '../words.ts';
import { useRepeat, type Room, type Watching } from './hooks.ts';
import { channelText, mediaMs } from './place.ts';
import { Quality } from './quality.tsx';
import { RoomPanel } from './room-panel.tsx';
import { refusedScene } from './scene.ts';
import { StageMount, StageWaiting } from './stage-mount.tsx';
import { FloatingReactions, TakingPart } from './taking-part.tsx';
import { useViewing } from './use-viewing.ts';

interface LiveRoomProps {
  readonly lesson: Lesson;
  readonly room: Room;
  readonly playback: Watching;
  /** Reads the lesson anew and gives what it is now. */
  readonly look: () => Promise<Lesson | null>;
  readonly heading: preact.ComponentChildren;
}

/** While the room tells how the lesson is, the API is asked only when pictures fail, and no more often than this. */
const ASK_GAP_MS = 4_000;

/** Answers the player's question how the lesson is: from what the room said, or from the API where the room is silent. */
function useAskState(lesson: Lesson, room: Room, failing: () => boolean, look: () => Promise<Lesson | null>): () => Promise<Answer> {
  const latest = useRef({ lesson, room });
  latest.current = { lesson, room };
  const askedAt = useRef(Number.NEGATIVE_INFINITY);
  return useMemo(
    () => async () => {
      const now = performance.now();
      const known = latest.current;
      const silent = known.room.view.phase !== 'open';
      if ((silent || failing()) && now - askedAt.current > ASK_GAP_MS) {
        askedAt.current = now;
        const found = await look();
        if (found === null) return { status: 0, text: '' };
        return found.can.watch ? { status: 200, text: channelText(found) } : { status: 403, text: '' };
      }
      return { status: 200, text: channelText(known.lesson) };
    },
    [],
  );
}

export function LiveRoom({ lesson, room, playback, look, heading }: LiveRoomProps) {
  const words = useWords();
  const snapshot = useRef<Snapshot | null>(null);
  const { opened } = playback;
  const askState = useAskState(lesson, room, () => (snapshot.current?.failure ?? null) !== null, look);
  const viewing = useViewing(lesson, opened, askState, null, (next) => {
    snapshot.current = next;
  });
  // The room has news of the lesson: the player need not wait for its next question.
  useEffect(() => viewing?.player.wake(), [viewing, lesson.state, lesson.on_air, lesson.stalled]);
  const media = (): number | null => (opened === null || snapshot.current === null ? null : mediaMs(opened, snapshot.current));
  return (
    <div class="lesson lesson-live">
      <div class="lesson-show">
        <StageMount viewing={viewing}>
          {viewing === null ? <Opening lesson={lesson} playback={playback} /> : null}
          <FloatingReactions room={room} />
        </StageMount>
        {heading}
        <TakingPart room={room} mediaMs={media} />
        <Quality viewing={viewing} />
        <Attendance lesson={lesson} playing={() => isPlaying(snapshot.current)} look={look} />
        {lesson.summary === '' ? null : (
          <details class="about">
            <summary>{words.lesson.about}</summary>
            <p class="prose">{lesson.summary}</p>
          </details>
        )}
      </div>
      <RoomPanel room={room} canComment={lesson.can.comment} reviewOn={lesson.review_on || room.view.room.reviewOn} mediaMs={media} />
    </div>
  );
}

function Opening({ lesson, playback }: { lesson: Lesson; playback: Watching }) {
  const words = useWords();
  const { phase, refusal } = playback;
  const scene = lesson.state === 'ended' ? words.scene.ended : refusal !== null ? refusedScene(refusal, words) : words.scene.loading;
  const text = phase === 'unreachable' ? words.lesson.reachLost : scene.text;
  return <StageWaiting title={scene.title} text={text} />;
}

function isPlaying(snapshot: Snapshot | null): boolean {
  return snapshot !== null && snapshot.phase === 'live' && snapshot.frames > 0 && snapshot.wantsPlay && !snapshot.blocked && !snapshot.buffering;
}

/** The server counts from ten seconds on; a little later it can be asked whether it has. */
const COUNTS_FROM_SECONDS = 12;
const ASK_AGAIN_SECONDS = 20;

/** Says that attendance counts, and then that it did, as the server has it. */
function Attendance({ lesson, playing, look }: { lesson: Lesson; playing: () => boolean; look: () => Promise<Lesson | null> }) {
  const words = useWords();
  const { session } = useApp();
  const seconds = useRef(0);
  const mine = lesson.mentor.id === session.user.value?.id;
  const done = lesson.attended === true || mine;
  useRepeat(done ? null : 1_000, () => {
    if (!playing()) return;
    seconds.current += 1;
    if (seconds.current >= COUNTS_FROM_SECONDS && (seconds.current - COUNTS_FROM_SECONDS) % ASK_AGAIN_SECONDS === 0) void look();
  });
  if (mine) return null;
  return (
    <div role="status">
      <Note kind={done ? 'good' : 'plain'} icon={done ? 'check' : 'clock'}>
        {done ? words.lesson.attendDone : words.lesson.attendPending}
      </Note>
    </div>
  );
}
