/**
 * What is known of a room: events in, new state out. Pure.
 *
 * Invariants (each has a test):
 * - a comment is there once, however often and by whichever way it came, in the order of `seq`;
 * - one's own comment is either in `outbox` or among `comments`, never in both;
 * - `gap` tells what is missing until it was asked for, even if what is missing is not shown to this reader.
 */

import type { Comment, CommentState, Person } from '../models.ts';
import type { Counts, RoomEvent, RoomLesson } from './events.ts';

export interface RoomComment extends Comment {
  readonly state: CommentState;
  readonly pinned: boolean;
}

/** A comment of one's own that the room has not shown yet. */
export interface OutgoingComment {
  readonly client_id: string;
  readonly body: string;
  readonly media_ms: number | null;
  /** `taken`: the server keeps it, and it waits for the mentor. */
  readonly phase: 'sending' | 'taken' | 'refused';
  readonly seq: number | null;
  readonly code: string | null;
  readonly retry_after_ms: number | null;
}

export interface RoomState {
  /** `hello` has come at least once. */
  readonly ready: boolean;
  readonly comments: readonly RoomComment[];
  readonly pinned: readonly RoomComment[];
  readonly outbox: readonly OutgoingComment[];
  /** Up to here nothing is missing; `null` before the first `hello`. */
  readonly completeTo: number | null;
  /** The newest sequence number heard of. */
  readonly newest: number;
  readonly viewers: number;
  readonly totals: Counts;
  /** The last burst of reactions, told apart by its number. */
  readonly burst: { readonly number: number; readonly counts: Counts };
  readonly slowMs: number;
  readonly commentsOn: boolean;
  readonly reviewOn: boolean;
  readonly mutedUntilAt: string | null;
  readonly handRaised: boolean;
  /** Raised hands, oldest first; told to the mentor alone. */
  readonly hands: readonly Person[];
  /** What the room last said of the lesson; `null` if nothing yet. */
  readonly lesson: RoomLesson | null;
  /** Code of the last refusal that belongs to no comment, told apart by its number. */
  readonly refusal: { readonly number: number; readonly code: string } | null;
}

export interface Gap {
  readonly after: number;
  readonly upTo: number;
}

/** Who comes late reads so many of the last comments. */
const HISTORY = 60;
/** A page keeps no more: a phone has little memory, and nobody scrolls further during a lesson. */
const COMMENTS_MAX = 600;

export const EMPTY_ROOM: RoomState = {
  ready: false,
  comments: [],
  pinned: [],
  outbox: [],
  completeTo: null,
  newest: 0,
  viewers: 0,
  totals: {},
  burst: { number: 0, counts: {} },
  slowMs: 0,
  commentsOn: true,
  reviewOn: false,
  mutedUntilAt: null,
  handRaised: false,
  hands: [],
  lesson: null,
  refusal: null,
};

const asShown = (comment: Comment): RoomComment => ({ ...comment, state: comment.state ?? 'shown', pinned: comment.pinned ?? false });

/** One event of the room. */
export function applyEvent(before: RoomState, event: RoomEvent): RoomState {
  switch (event.t) {
    case 'hello':
      return {
        ...before,
        ready: true,
        viewers: event.viewers,
        pinned: event.pinned.map((one) => ({ ...asShown(one), pinned: true })),
        slowMs: event.slow_ms,
        commentsOn: event.comments_on,
        reviewOn: event.review_on,
        mutedUntilAt: event.me.muted_until_at,
        handRaised: event.me.hand,
        hands: event.hands,
        totals: event.totals ?? before.totals,
        lesson: event.lesson ?? before.lesson,
        completeTo: before.completeTo ?? Math.max(0, event.seq - HISTORY),
        newest: Math.max(before.newest, event.seq),
      };
    case 'comment':
      return withComments(before, [event.comment]);
    case 'skip':
      return skipped(before, event.seq);
    case 'comment_changed':
      return withChange(before, event.id, event.state, event.pinned);
    case 'reactions':
      return {
        ...before,
        totals: event.totals ?? before.totals,
        burst: { number: before.burst.number + 1, counts: event.counts },
      };
    case 'viewers':
      return { ...before, viewers: event.n };
    case 'hand': {
      const others = before.hands.filter(({ id }) => id !== event.user.id);
      return { ...before, hands: event.raised ? [...others, event.user] : others };
    }
    case 'settings':
      return {
        ...before,
        slowMs: event.settings.slow_ms ?? before.slowMs,
        commentsOn: event.settings.comments_on ?? before.commentsOn,
        reviewOn: event.settings.review_on ?? before.reviewOn,
      };
    case 'lesson':
      return { ...before, lesson: event.lesson };
    case 'me':
      return { ...before, mutedUntilAt: event.me.muted_until_at, handRaised: event.me.hand };
    case 'ack':
      return acknowledged(before, event.client_id, event.seq, event.held);
    case 'refused':
      return refused(before, event.client_id, event.code, event.retry_after_ms);
  }
}

/** Comments from anywhere: merged by id, put in order, and taken out of the outbox. */
export function withComments(before: RoomState, incoming: readonly Comment[]): RoomState {
  if (incoming.length === 0) return before;
  const known = new Map(before.comments.map((one) => [one.id, one]));
  for (const one of incoming) known.set(one.id, asShown(one));
  const comments = [...known.values()].toSorted((a, b) => a.seq - b.seq).slice(-COMMENTS_MAX);
  const arrived = new Set(incoming.map(({ client_id }) => client_id));
  const seqs = new Set(incoming.map(({ seq }) => seq));
  return advance({
    ...before,
    comments,
    outbox: before.outbox.filter((own) => !arrived.has(own.client_id) && !(own.seq !== null && seqs.has(own.seq))),
    newest: Math.max(before.newest, ...incoming.map(({ seq }) => seq)),
  });
}

/** What lies between is complete as far as comments follow one another. */
function advance(state: RoomState): RoomState {
  let { completeTo } = state;
  if (completeTo === null) return state;
  for (const { seq } of state.comments) if (seq === completeTo + 1) completeTo = seq;
  return completeTo === state.completeTo ? state : { ...state, completeTo };
}

/** A number with nothing to show: if it is the next, nothing is missing up to it. */
function skipped(before: RoomState, seq: number): RoomState {
  const isNext = before.completeTo !== null && seq === before.completeTo + 1;
  return advance({ ...before, newest: Math.max(before.newest, seq), completeTo: isNext ? seq : before.completeTo });
}

/** What is missing, if something is. */
export function gapOf({ completeTo, newest }: RoomState): Gap | null {
  return completeTo !== null && newest > completeTo ? { after: completeTo, upTo: newest } : null;
}

/** A gap was asked for: what did not come is not for this reader. */
export function withGapFilled(before: RoomState, gap: Gap, found: readonly Comment[]): RoomState {
  const state = withComments(before, found);
  return advance({ ...state, completeTo: Math.max(state.completeTo ?? 0, gap.upTo) });
}

function withChange(before: RoomState, id: string, state: CommentState, pinned: boolean): RoomState {
  const found = before.comments.find((one) => one.id === id) ?? before.pinned.find((one) => one.id === id);
  const others = before.pinned.filter((one) => one.id !== id);
  const isPinned = pinned && state === 'shown' && found !== undefined;
  return {
    ...before,
    comments: before.comments.map((one) => (one.id === id ? { ...one, state, pinned } : one)),
    pinned: isPinned ? [{ ...found, state, pinned }, ...others] : others,
  };
}

/** One's own comment, before it goes out. */
export function withOutgoing(before: RoomState, own: Pick<OutgoingComment, 'client_id' | 'body' | 'media_ms'>): RoomState {
  const entry: OutgoingComment = { ...own, phase: 'sending', seq: null, code: null, retry_after_ms: null };
  return { ...before, outbox: [...before.outbox.filter(({ client_id }) => client_id !== own.client_id), entry] };
}

/** Taken back by its author, who may have read why it was refused. */
export function withoutOutgoing(before: RoomState, clientId: string): RoomState {
  return { ...before, outbox: before.outbox.filter(({ client_id }) => client_id !== clientId) };
}

function acknowledged(before: RoomState, clientId: string, seq: number, held: boolean): RoomState {
  const shown = before.comments.some((one) => one.seq === seq);
  const outbox = before.outbox.flatMap((own) => {
    if (own.client_id !== clientId) return [own];
    // What is not held is on its way to everybody, and so to us.
    return shown ? [] : [{ ...own, phase: held ? ('taken' as const) : own.phase, seq }];
  });
  return { ...before, outbox };
}

function refused(before: RoomState, clientId: string | null, code: string, retryAfterMs: number | null): RoomState {
  if (clientId === null || !before.outbox.some((own) => own.client_id === clientId)) {
    return { ...before, refusal: { number: (before.refusal?.number ?? 0) + 1, code } };
  }
  const outbox = before.outbox.map((own) =>
    own.client_id === clientId ? { ...own, phase: 'refused' as const, code, retry_after_ms: retryAfterMs } : own,
  );
  return { ...before, outbox };
}
