/** The chat of a lesson as its mentor sees it: held comments first, pinned ones, the stream of the rest, and a line to write. */

import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RoomComment, RoomConnection, RoomView } from '@tayang/client';
import { Avatar, Icon, kept, useApp, useNow } from '@tayang/shell';
import { useMyWhen, useWriter } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';
import type { Acts, Moderation } from './moderation.ts';
import { mutedAt } from './outcasts.ts';

const BODY_MAX = 500;
/** More rows than anybody reads at once; the rest is drawn when it is asked for. */
const DRAWN = 150;
/** A mute that is over is looked for this often. */
const MUTES_MS = 5_000;
/** So near to the end a reader follows what comes. */
const NEAR_PX = 80;

interface ChatProps {
  readonly room: RoomConnection;
  readonly view: RoomView;
  readonly moderation: Moderation;
}

export function Chat({ room, view, moderation }: ChatProps) {
  const words = useLiveWords().room;
  const { comments, held, pinned, outbox, commentsOn } = view.room;
  const { acts } = moderation;
  const now = useNow(useApp().now, MUTES_MS);
  const muted = new Set(mutedAt(moderation.outcasts.muted, now).map(({ user }) => user.id));
  const shown = comments.filter(({ state }) => state === 'shown');
  return (
    <section class="chat">
      <h2 class="unseen">{words.title}</h2>
      {view.phase === 'open' ? null : (
        <p class="chat-line" role="status">
          {view.phase === 'connecting' ? words.connecting : words.lost}
        </p>
      )}
      {held.length === 0 ? null : (
        <section class="chat-held">
          <h3>{words.heldTitle}</h3>
          <ul>
            {held.map((comment) => (
              <CommentRow key={comment.id} comment={comment} isMuted={muted.has(comment.user.id)} acts={acts} />
            ))}
          </ul>
        </section>
      )}
      {pinned.length === 0 ? null : (
        <section class="chat-pinned">
          <h3>{words.pinned}</h3>
          <ul>
            {pinned.map((comment) => (
              <CommentRow key={comment.id} comment={comment} isMuted={muted.has(comment.user.id)} acts={acts} />
            ))}
          </ul>
        </section>
      )}
      <Stream shown={shown} muted={muted} acts={acts} />
      {outbox.map(({ client_id, body, phase }) => (
        <p key={client_id} class="chat-out" data-phase={phase}>
          {body}
          {phase === 'refused' ? (
            <>
              <span class="field-note"> {words.refused}</span>
              <button type="button" class="button button-quiet" onClick={() => room.retry(client_id)}>
                {words.send}
              </button>
            </>
          ) : null}
        </p>
      ))}
      {commentsOn ? null : <p class="chat-line">{words.closed}</p>}
      <Composer room={room} />
    </section>
  );
}

function Stream({ shown, muted, acts }: { shown: readonly RoomComment[]; muted: ReadonlySet<string>; acts: Acts }) {
  const words = useLiveWords().room;
  const writer = useWriter();
  const list = useRef<HTMLUListElement>(null);
  const following = useRef(true);
  const [seen, setSeen] = useState(0);
  // Whoever reads further up keeps what they read in place: the list begins there and grows downwards.
  const [anchor, setAnchor] = useState<number | null>(null);
  const from = anchor === null ? Math.max(0, shown.length - DRAWN) : Math.max(0, shown.findIndex(({ seq }) => seq >= anchor));
  const drawn = shown.slice(from);
  const last = shown.at(-1)?.seq ?? 0;
  const toEnd = (): void => {
    const { current } = list;
    following.current = true;
    setAnchor(null);
    if (current !== null) current.scrollTop = current.scrollHeight;
    setSeen(last);
  };
  useLayoutEffect(() => {
    if (following.current) toEnd();
  }, [last]);
  const onScroll = (): void => {
    const { current } = list;
    if (current === null) return;
    following.current = current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_PX;
    if (following.current) setSeen(last);
    setAnchor((before) => (following.current ? null : (before ?? drawn[0]?.seq ?? null)));
  };
  const older = (): void => {
    following.current = false;
    setAnchor(shown[Math.max(0, from - DRAWN)]?.seq ?? null);
  };
  const fresh = shown.filter(({ seq }) => seq > seen).length;
  if (shown.length === 0) return <p class="chat-none">{words.none}</p>;
  return (
    <div class="chat-stream">
      <ul ref={list} class="chat-list" onScroll={onScroll} tabIndex={0} aria-label={words.title}>
        {from === 0 ? null : (
          <li key="older">
            <button type="button" class="button more" onClick={older}>
              {words.older}
            </button>
          </li>
        )}
        {drawn.map((comment) => (
          <CommentRow key={comment.id} comment={comment} isMuted={muted.has(comment.user.id)} acts={acts} />
        ))}
      </ul>
      {fresh === 0 ? null : (
        <button type="button" class="button chat-newer" onClick={toEnd}>
          {words.newer(writer.whole(fresh))}
        </button>
      )}
    </div>
  );
}

interface RowProps {
  readonly comment: RoomComment;
  readonly isMuted: boolean;
  readonly acts: Acts;
}

/** Drawn again when the comment or what is known of its author changed, not with every frame of the room. */
const CommentRow = kept(function CommentRow({ comment, isMuted, acts }: RowProps) {
  const { session } = useApp();
  const words = useLiveWords().room;
  const when = useMyWhen();
  const [open, setOpen] = useState(false);
  const close = useCallback(() => setOpen(false), []);
  const held = comment.state === 'held';
  const mine = comment.user.id === session.user.value?.id;
  return (
    <li class="comment" data-held={held} data-pinned={comment.pinned}>
      <Avatar name={comment.user.name} id={comment.user.id} />
      <div class="comment-main">
        <p class="comment-who">
          <strong>{comment.user.name}</strong>
          {comment.user.mentor ? <span class="badge-plain">{words.mentor}</span> : null}
          {comment.at === '' ? null : <time dateTime={comment.at}>{when.time(comment.at)}</time>}
        </p>
        <p class="comment-body">{comment.body}</p>
        {held || open ? <Actions comment={comment} mine={mine} isMuted={isMuted} acts={acts} onDone={close} /> : null}
      </div>
      {held ? null : (
        <button type="button" class="round" aria-expanded={open} aria-label={words.actions(comment.user.name)} title={words.actions(comment.user.name)} onClick={() => setOpen(!open)}>
          <Icon name="more" />
        </button>
      )}
    </li>
  );
});

interface ActionProps extends RowProps {
  readonly mine: boolean;
  readonly onDone: () => void;
}

function Actions({ comment, mine, isMuted, acts: deeds, onDone }: ActionProps) {
  const words = useLiveWords().room;
  const held = comment.state === 'held';
  const { user } = comment;
  const acts: readonly (readonly [label: string, act: () => void])[] = [
    ...(held ? [[words.show, () => deeds.setState(comment, 'shown')] as const] : [[comment.pinned ? words.unpin : words.pin, () => deeds.pin(comment, !comment.pinned)] as const]),
    ...(held || mine ? [] : [[words.hold, () => deeds.setState(comment, 'held')] as const]),
    [words.remove, () => deeds.setState(comment, 'deleted')],
    ...(mine ? [] : [[isMuted ? words.unmute : words.mute, () => (isMuted ? deeds.unmute(user) : deeds.askMute(user))] as const]),
    ...(mine ? [] : [[words.sendOut, () => deeds.askOut(user)] as const]),
  ];
  return (
    <div class="comment-acts" role="group" aria-label={words.actions(user.name)}>
      {acts.map(([label, act]) => (
        <button
          key={label}
          type="button"
          class="chip"
          onClick={() => {
            onDone();
            act();
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function Composer({ room }: { room: RoomConnection }) {
  const words = useLiveWords().room;
  const [body, setBody] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const send = (event: Event): void => {
    event.preventDefault();
    const text = body.trim();
    if (text === '') return;
    room.comment(text, null);
    setBody('');
    input.current?.focus();
  };
  return (
    <form class="composer" onSubmit={send}>
      <input
        ref={input}
        class="input"
        value={body}
        maxLength={BODY_MAX}
        placeholder={words.placeholder}
        aria-label={words.placeholder}
        autocomplete="off"
        enterkeyhint="send"
        onInput={(event) => setBody(event.currentTarget.value)}
      />
      <button type="submit" class="round composer-send" aria-label={words.send} title={words.send} aria-disabled={body.trim() === ''}>
        <Icon name="send" />
      </button>
    </form>
  );
}
