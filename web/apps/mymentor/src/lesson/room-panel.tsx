/** Comments of a lesson that is on: reading, writing, and what became of one's own. */

import { Component } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { DueComments, type OutgoingComment, type RoomComment } from '@tayang/client';
import { Icon, useApp, useNow, useWhen } from '@tayang/shell';
import { Writer } from '@tayang/ui';
import { useWords } from '../words.ts';
import type { Room } from './hooks.ts';
import { paceOf, windowOf, type Sample } from './window.ts';

export const COMMENT_MAX = 500;
/** From here on the reader is told how much room is left. */
const LEFT_SHOWN = 60;
/** So close to the end of the list one reads along. */
const FOLLOW_PX = 60;

interface RoomPanelProps {
  readonly room: Room;
  readonly canComment: boolean;
  readonly reviewOn: boolean;
  readonly mediaMs: () => number | null;
}

export function RoomPanel({ room, canComment, reviewOn, mediaMs }: RoomPanelProps) {
  const words = useWords();
  const { room: state, phase } = room.view;
  const comments = useDue(state.comments.filter((one) => one.state === 'shown'), mediaMs);
  return (
    <section class="room" aria-label={words.room.title}>
      <div class="room-head">
        <h2>{words.room.title}</h2>
        <p class="soft small" role="status">
          {phase === 'lost' ? words.room.lost : phase === 'connecting' ? words.room.connecting : null}
        </p>
      </div>
      <Pinned comments={state.pinned} />
      <CommentList comments={comments} outbox={state.outbox} room={room} />
      {canComment ? <Composer room={room} reviewOn={reviewOn} mediaMs={mediaMs} /> : null}
    </section>
  );
}

/** How often is looked whether a comment is due that was not. */
const LOOK_MS = 400;

/** Of the comments those that speak of what one has seen. */
function useDue(comments: readonly RoomComment[], mediaMs: () => number | null): readonly RoomComment[] {
  const own = useApp().session.user.value?.id ?? null;
  const due = useMemo(() => new DueComments(), []);
  const [, look] = useState(0);
  const { comments: shown, more } = due.at(comments, mediaMs(), performance.now(), own);
  useEffect(() => {
    if (!more) return undefined;
    const timer = setInterval(() => look((times) => times + 1), LOOK_MS);
    return () => clearInterval(timer);
  }, [more]);
  return shown;
}

function Pinned({ comments }: { comments: readonly RoomComment[] }) {
  const words = useWords();
  if (comments.length === 0) return null;
  return (
    <div class="pinned" role="group" aria-label={words.room.pinned} tabIndex={comments.length > 1 ? 0 : undefined}>
      <ul>
        {comments.map(({ id, user, body }) => (
          <li key={id}>
            <Icon name="pin" />
            <p>
              <strong>{user.name}</strong> {body}
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Follows the newest while one reads there; else keeps what one reads, and says how many came. */
function useFollowing(shown: readonly RoomComment[], outgoing: number) {
  const list = useRef<HTMLDivElement>(null);
  const [frozen, freeze] = useState<readonly RoomComment[] | null>(null);
  const { drawn, fresh } = windowOf(shown, frozen);
  const follows = frozen === null;
  const newest = shown.at(-1)?.seq ?? 0;
  useLayoutEffect(() => {
    if (follows) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [follows, newest, outgoing]);
  // What one says oneself is at the end.
  useEffect(() => {
    if (outgoing > 0) freeze(null);
  }, [outgoing]);
  const onScroll = (): void => {
    const element = list.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_PX;
    if (atEnd !== follows) freeze(atEnd ? null : drawn);
  };
  return { list, drawn, fresh, toEnd: () => freeze(null), onScroll };
}

/** Whether so much is said that it is not to be read aloud. */
function useBusy(newest: number): boolean {
  const samples = useRef<readonly Sample[]>([]);
  const known = useRef({ newest: -1, busy: false });
  if (known.current.newest !== newest) {
    const pace = paceOf(samples.current, { atMs: performance.now(), seq: newest });
    samples.current = pace.samples;
    known.current = { newest, busy: pace.busy };
  }
  return known.current.busy;
}

function CommentList({ comments, outbox, room }: { comments: readonly RoomComment[]; outbox: readonly OutgoingComment[]; room: Room }) {
  const words = useWords();
  const writer = new Writer(useApp().preferences.language.value);
  const { list, drawn, fresh, toEnd, onScroll } = useFollowing(comments, outbox.length);
  const busy = useBusy(comments.at(-1)?.seq ?? 0);
  return (
    <div class="room-list">
      <div class="room-scroll" ref={list} role="log" aria-live={busy ? 'off' : 'polite'} aria-label={words.room.title} tabIndex={0} onScroll={onScroll}>
        {comments.length + outbox.length === 0 && room.view.room.ready ? <p class="soft room-none">{words.room.none}</p> : null}
        {drawn.map((comment) => (
          <KeptRow key={comment.id} comment={comment} />
        ))}
        {outbox.map((own) => (
          <OutgoingRow key={own.client_id} own={own} room={room} />
        ))}
      </div>
      {fresh > 0 ? (
        <button type="button" class="button room-fresh" onClick={toEnd}>
          {words.room.newer(writer.whole(fresh))}
        </button>
      ) : null}
    </div>
  );
}

/** Not drawn again while its comment is the same: a list of many changes several times a second. */
class KeptRow extends Component<{ comment: RoomComment }> {
  public override shouldComponentUpdate(next: { comment: RoomComment }): boolean {
    return next.comment !== this.props.comment;
  }

  public override render() {
    return <CommentRow comment={this.props.comment} />;
  }
}

export function CommentRow({ comment, at }: { comment: RoomComment; at?: string }) {
  const words = useWords();
  return (
    <p class="comment" data-mentor={comment.user.mentor}>
      {at === undefined ? null : <span class="comment-at">{at}</span>}
      <span class="comment-name">
        {comment.user.name}
        {comment.user.mentor ? <span class="comment-role">{words.room.mentor}</span> : null}
      </span>{' '}
      <span class="comment-body">{comment.body}</span>
    </p>
  );
}

function OutgoingRow({ own, room }: { own: OutgoingComment; room: Room }) {
  const words = useWords();
  const { session } = useApp();
  const state =
    own.phase === 'sending' ? words.room.sending : own.phase === 'taken' ? words.room.taken : (words.room.refused[own.code ?? ''] ?? words.room.refused.other);
  return (
    <div class="comment comment-own" data-phase={own.phase}>
      <span class="comment-name">{session.user.value?.name}</span> <span class="comment-body">{own.body}</span>
      <p class="comment-state" role={own.phase === 'refused' ? 'alert' : undefined}>
        {state}
        {own.phase === 'refused' ? (
          <>
            {' '}
            <button type="button" class="link-button" onClick={() => room.connection.retry(own.client_id)}>
              {words.room.retry}
            </button>{' '}
            <button type="button" class="link-button" onClick={() => room.connection.forget(own.client_id)}>
              {words.room.forget}
            </button>
          </>
        ) : null}
      </p>
    </div>
  );
}

function useMutedUntil(room: Room): string | null {
  const { now: clock } = useApp();
  const { mutedUntilAt } = room.view.room;
  const now = useNow(clock, 5_000);
  return mutedUntilAt !== null && Date.parse(mutedUntilAt) > now ? mutedUntilAt : null;
}

/** Seconds until the slow mode lets one write again. */
function useSlow(slowMs: number): { waitSeconds: number; sent: () => void } {
  const [until, setUntil] = useState(0);
  const now = useNow(Date.now, 500);
  return { waitSeconds: Math.max(0, Math.ceil((until - now) / 1_000)), sent: () => setUntil(slowMs > 0 ? Date.now() + slowMs : 0) };
}

function Composer({ room, reviewOn, mediaMs }: Omit<RoomPanelProps, 'canComment'>) {
  const words = useWords();
  const when = useWhen();
  const writer = new Writer(useApp().preferences.language.value);
  const [body, setBody] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const { commentsOn, slowMs } = room.view.room;
  const mutedUntil = useMutedUntil(room);
  const slow = useSlow(slowMs);
  useEffect(() => fit(field.current), [body]);
  if (!commentsOn) return <p class="room-closed">{words.room.off}</p>;
  if (mutedUntil !== null) return <p class="room-closed">{words.room.muted(when.time(mutedUntil))}</p>;
  const left = COMMENT_MAX - body.length;
  const send = (): void => {
    const text = body.trim();
    if (text === '' || slow.waitSeconds > 0) return;
    room.connection.comment(text, mediaMs());
    slow.sent();
    setBody('');
    field.current?.focus();
  };
  const note =
    slow.waitSeconds > 0 ? words.room.wait(writer.whole(slow.waitSeconds)) : left <= LEFT_SHOWN ? words.room.left(writer.whole(left)) : slowMs > 0 ? words.room.slow(writer.whole(Math.ceil(slowMs / 1_000))) : reviewOn ? words.room.review : null;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        class="input"
        rows={1}
        maxLength={COMMENT_MAX}
        placeholder={words.room.placeholder}
        aria-label={words.room.placeholder}
        aria-describedby="composer-note"
        value={body}
        onInput={(event) => setBody(event.currentTarget.value)}
        onKeyDown={(event) => {
          // While a word is being composed (Javanese, Chinese), Enter belongs to it.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button type="submit" class="round send" aria-label={words.room.send} title={words.room.send} aria-disabled={body.trim() === '' || slow.waitSeconds > 0}>
        <Icon name="send" />
      </button>
      <p class="composer-note" id="composer-note">
        {note}
      </p>
    </form>
  );
}

/** As high as what is written, up to what the style allows. */
function fit(field: HTMLTextAreaElement | null): void {
  if (field === null) return;
  field.style.blockSize = 'auto';
  field.style.blockSize = `${field.scrollHeight + 2}px`;
}
