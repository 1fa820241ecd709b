/**
 * What is known of a room: events in, new state out. Pure.
 *
 * Invariants (each has a test):
 * - a comment is there once, however often and by whichever way it came, in the order of `seq`;
 * - one's own comment is either in `outbox` or among `comments`, never in both;
 * - `gap` tells what is missing until it was asked for, even if what is missing is not shown to this reader;
 * - what was known before a return is doubted until it was read again: what was taken away meanwhile goes, and what was let
 *   through comes;
 * - a comment that waits for the mentor stays in `held` however many came after it.
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
  /** The last of them, in the order of `seq`. */
  readonly comments: readonly RoomComment[];
  /** What waits for the mentor, to whom alone it is told, in the order of `seq`; kept apart from what is said meanwhile. */
  readonly held: readonly RoomComment[];
  /** In the order of `seq`. */
  readonly pinned: readonly RoomComment[];
  readonly outbox: readonly OutgoingComment[];
  /** Up to here nothing is missing; `null` before the first `hello`. */
  readonly completeTo: number | null;
  /** Comments of which it is not known what became of them while this reader was away. */
  readonly doubted: ReadonlySet<string>;
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
/** Who comes back to more than this reads the last of it, as who comes late does: the newest are what is talked about. */
const GAP_MAX = 200;
/** Who comes back reads at least so many again, one page: they may have been moderated meanwhile. Older ones are let go. */
const DOUBTED_MAX = 100;
/** A page keeps no more: a phone has little memory, and nobody scrolls further during a lesson. */
const COMMENTS_MAX = 600;
/** More than a mentor can look at. */
const HELD_MAX = 1_000;
const NONE: ReadonlySet<string> = new Set();

export const EMPTY_ROOM: RoomState = {
  ready: false,
  comments: [],
  held: [],
  pinned: [],
  outbox: [],
  completeTo: null,
  doubted: NONE,
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

const bySeq = (a: RoomComment, b: RoomComment): number => a.seq - b.seq;

/** The events of one frame: comments that follow one another are put in at once, or a busy room would cost all of a phone. */
export function applyEvents(before: RoomState, events: readonly RoomEvent[]): RoomState {
  let state = before;
  let run: Comment[] = [];
  for (const event of events) {
    if (event.t === 'comment') {
      run.push(event.comment);
      continue;
    }
    state = applyEvent(withComments(state, run), event);
    run = [];
  }
  return withComments(state, run);
}

/** One event of the room. */
export function applyEvent(before: RoomState, event: RoomEvent): RoomState {
  switch (event.t) {
    case 'hello':
      return {
        ...before,
        ready: true,
        viewers: event.viewers,
        pinned: event.pinned.map((one) => ({ ...asShown(one), pinned: true })).toSorted(bySeq),
        slowMs: event.slow_ms,
        commentsOn: event.comments_on,
        reviewOn: event.review_on,
        mutedUntilAt: event.me.muted_until_at,
        handRaised: event.me.hand,
        hands: event.hands,
        totals: event.totals ?? before.totals,
        lesson: event.lesson ?? before.lesson,
        ...known(before, event.seq),
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

/** What of that which was known stands when the room greets, and up to where. */
function known(before: RoomState, seq: number): Pick<RoomState, 'comments' | 'completeTo' | 'doubted' | 'newest'> {
  const newest = Math.max(before.newest, seq);
  const { completeTo } = before;
  if (completeTo === null) return { comments: before.comments, completeTo: Math.max(0, seq - HISTORY), doubted: NONE, newest };
  const oldest = Math.min(completeTo, (before.comments[0]?.seq ?? completeTo + 1) - 1);
  const from = newest - completeTo > GAP_MAX ? newest - HISTORY : Math.max(oldest, Math.min(completeTo, newest - DOUBTED_MAX));
  const comments = before.comments.filter((one) => one.seq > from);
  return { comments, completeTo: from, doubted: new Set(comments.map(({ id }) => id)), newest };
}

/** Comments that the room tells: merged by id, put in order, and taken out of the outbox. */
export function withComments(before: RoomState, incoming: readonly Comment[]): RoomState {
  if (incoming.length === 0) return before;
  const news = incoming.map(asShown);
  return advance({
    ...before,
    comments: merged(before.comments, news),
    held: heldWith(before.held, news),
    outbox: outboxWithout(before.outbox, incoming),
    // What the room says now is newer than what is still to be read.
    doubted: before.doubted.size === 0 ? before.doubted : without(before.doubted, incoming.map(({ id }) => id)),
    newest: Math.max(before.newest, ...incoming.map(({ seq }) => seq)),
  });
}

function merged(kept: readonly RoomComment[], news: readonly RoomComment[]): readonly RoomComment[] {
  let seq = kept.at(-1)?.seq ?? -1;
  const follows = news.every((one) => {
    const next = one.seq > seq;
    seq = one.seq;
    return next;
  });
  // The usual: what is new comes behind the rest, and nothing has to be sorted.
  if (follows) return [...kept, ...news].slice(-COMMENTS_MAX);
  const all = new Map(kept.map((one) => [one.id, one]));
  for (const one of news) all.set(one.id, one);
  return [...all.values()].toSorted(bySeq).slice(-COMMENTS_MAX);
}

function heldWith(held: readonly RoomComment[], news: readonly RoomComment[]): readonly RoomComment[] {
  if (held.length === 0 && !news.some(({ state }) => state === 'held')) return held;
  const told = new Set(news.map(({ id }) => id));
  const waiting = news.filter(({ state }) => state === 'held');
  return [...held.filter(({ id }) => !told.has(id)), ...waiting].toSorted(bySeq).slice(-HELD_MAX);
}

function outboxWithout(outbox: readonly OutgoingComment[], incoming: readonly Comment[]): readonly OutgoingComment[] {
  if (outbox.length === 0) return outbox;
  const arrived = new Set(incoming.map(({ client_id }) => client_id));
  const seqs = new Set(incoming.map(({ seq }) => seq));
  return outbox.filter((own) => !arrived.has(own.client_id) && !(own.seq !== null && seqs.has(own.seq)));
}

function without(ids: ReadonlySet<string>, gone: readonly string[]): ReadonlySet<string> {
  const left = new Set(ids);
  for (const id of gone) left.delete(id);
  return left;
}

/** What lies between is complete as far as comments follow one another that are beyond doubt. */
function advance(state: RoomState): RoomState {
  let { completeTo } = state;
  if (completeTo === null) return state;
  for (const { seq, id } of state.comments) if (seq === completeTo + 1 && !state.doubted.has(id)) completeTo = seq;
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

/** A gap that is too long to be read is given up but for its end. */
export function withoutLongGap(before: RoomState): RoomState {
  const gap = gapOf(before);
  if (gap === null || gap.upTo - gap.after <= GAP_MAX) return before;
  const completeTo = gap.upTo - HISTORY;
  return advance({ ...before, comments: before.comments.filter(({ seq }) => seq > completeTo), completeTo });
}

/** A gap was asked for: what did not come is not for this reader, or not any more. */
export function withGapFilled(before: RoomState, gap: Gap, found: readonly Comment[]): RoomState {
  const came = new Set(found.map(({ id }) => id));
  const asked = before.comments.filter(({ id, seq }) => before.doubted.has(id) && seq > gap.after && seq <= gap.upTo);
  const gone = new Set(asked.filter(({ id }) => !came.has(id)).map(({ id }) => id));
  const comments = before.comments.filter(({ id }) => !gone.has(id));
  // What the room said while this was read is the newer word.
  const sure = new Set(comments.filter(({ id }) => !before.doubted.has(id)).map(({ id }) => id));
  const state = withComments({ ...before, comments, held: before.held.filter(({ id }) => !gone.has(id)) }, found.filter(({ id }) => !sure.has(id)));
  const doubted = without(state.doubted, [...gone]);
  return advance({ ...state, doubted, completeTo: Math.max(state.completeTo ?? 0, gap.upTo) });
}

/** What waits for the mentor in a stretch was read: it is this, and no other. */
export function withHeldRead(before: RoomState, stretch: Gap, found: readonly Comment[]): RoomState {
  const outside = before.held.filter(({ seq }) => seq <= stretch.after || seq > stretch.upTo);
  // What was decided while this was read waits no more.
  const decided = new Set(before.comments.filter(({ state }) => state !== 'held').map(({ id }) => id));
  return { ...before, held: heldWith(outside, found.filter(({ id }) => !decided.has(id)).map(asShown)) };
}

function withChange(before: RoomState, id: string, state: CommentState, pinned: boolean): RoomState {
  const is = (one: RoomComment): boolean => one.id === id;
  const found = before.comments.find(is) ?? before.held.find(is) ?? before.pinned.find(is);
  const others = before.pinned.filter((one) => !is(one));
  if (found === undefined) return { ...before, pinned: others };
  const changed = { ...found, state, pinned };
  const isKept = before.comments.some(is);
  return {
    ...before,
    // One that was let through comes back from among those that waited.
    comments: isKept ? before.comments.map((one) => (is(one) ? changed : one)) : state === 'shown' ? merged(before.comments, [changed]) : before.comments,
    held: heldWith(before.held, [changed]),
    doubted: before.doubted.has(id) ? without(before.doubted, [id]) : before.doubted,
    pinned: pinned && state === 'shown' ? [...others, changed].toSorted(bySeq) : others,
  };
}

/** A pinned comment that was looked up. */
export function withPin(before: RoomState, comment: Comment): RoomState {
  const others = before.pinned.filter(({ id }) => id !== comment.id);
  return { ...before, pinned: [...others, { ...asShown(comment), pinned: true }].toSorted(bySeq) };
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
