/**
 * What travels in a room, read from text. Foreign text: an event that lacks what it needs is dropped, a kind that is not
 * known is passed over, so that an older page goes on before a newer server. Nothing here keeps anything.
 */

import { REACTION_KINDS, type Comment, type CommentState, type LessonState, type Person, type ReactionKind } from '../models.ts';

export type Counts = Readonly<Partial<Record<ReactionKind, number>>>;

export interface RoomLesson {
  readonly state: LessonState;
  readonly on_air: boolean;
  readonly stalled: boolean;
}

export interface RoomSettings {
  readonly slow_ms?: number;
  readonly comments_on?: boolean;
  readonly review_on?: boolean;
}

/** How the reader stands in the room. */
export interface RoomStanding {
  readonly muted_until_at: string | null;
  readonly hand: boolean;
}

export type RoomEvent =
  | {
      readonly t: 'hello';
      /** Sequence number of the newest comment. */
      readonly seq: number;
      readonly viewers: number;
      readonly pinned: readonly Comment[];
      readonly slow_ms: number;
      readonly comments_on: boolean;
      readonly review_on: boolean;
      readonly lesson: RoomLesson | null;
      readonly totals: Counts | null;
      readonly me: RoomStanding;
      /** Raised hands, oldest first: to the mentor alone. */
      readonly hands: readonly Person[];
    }
  | { readonly t: 'comment'; readonly comment: Comment }
  /** At that number there is nothing for this reader. */
  | { readonly t: 'skip'; readonly seq: number }
  | { readonly t: 'comment_changed'; readonly id: string; readonly state: CommentState; readonly pinned: boolean }
  | { readonly t: 'reactions'; readonly media_ms: number | null; readonly counts: Counts; readonly totals: Counts | null }
  | { readonly t: 'viewers'; readonly n: number }
  | { readonly t: 'hand'; readonly user: Person; readonly raised: boolean }
  | { readonly t: 'settings'; readonly settings: RoomSettings }
  | { readonly t: 'lesson'; readonly lesson: RoomLesson }
  | { readonly t: 'me'; readonly me: RoomStanding }
  /** `held`: it is kept, and waits for the mentor. */
  | { readonly t: 'ack'; readonly client_id: string; readonly seq: number; readonly held: boolean }
  | { readonly t: 'refused'; readonly client_id: string | null; readonly code: string; readonly retry_after_ms: number | null };

export type RoomMessage =
  | { readonly t: 'comment'; readonly client_id: string; readonly body: string; readonly media_ms: number | null }
  | { readonly t: 'react'; readonly kind: ReactionKind; readonly n: number; readonly media_ms: number | null }
  | { readonly t: 'hand'; readonly raised: boolean };

/** A frame gathers some tens of milliseconds; more events than this are no frame of ours. */
const EVENTS_MAX = 2_000;
const PINNED_MAX = 20;
/** More raised hands than a mentor can answer. */
const HANDS_MAX = 500;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);
const flag = (value: unknown): boolean => value === true;

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | null {
  return allowed.find((one) => one === value) ?? null;
}

/** The events of one frame, in their order. */
export function parseFrame(frame: string): readonly RoomEvent[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch {
    return [];
  }
  const entries: unknown[] = Array.isArray(parsed) ? parsed.slice(0, EVENTS_MAX) : [parsed];
  return entries.filter(isFields).map(parseEvent).filter((event): event is RoomEvent => event !== null);
}

/** The code of a `close` event, which is server-sent events' close frame. */
export function closeCode(data: unknown): number | undefined {
  try {
    const parsed: unknown = JSON.parse(text(data) ?? '');
    return isFields(parsed) ? (number(parsed['code']) ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

/** A comment, wherever it comes from. */
export function parseComment(value: unknown): Comment | null {
  if (!isFields(value)) return null;
  const id = text(value['id']);
  const seq = number(value['seq']);
  const body = text(value['body']);
  const user = parsePerson(value['user']);
  if (id === null || seq === null || body === null || user === null) return null;
  const state = oneOf(value['state'], ['shown', 'held', 'deleted'] as const);
  return {
    id,
    seq,
    body,
    user: { ...user, mentor: isFields(value['user']) && flag(value['user']['mentor']) },
    at: text(value['at']) ?? '',
    media_ms: number(value['media_ms']),
    client_id: text(value['client_id']),
    ...(state === null ? {} : { state }),
    ...(typeof value['pinned'] === 'boolean' ? { pinned: value['pinned'] } : {}),
  };
}

function parsePerson(value: unknown): Person | null {
  if (!isFields(value)) return null;
  const id = text(value['id']);
  return id === null ? null : { id, name: text(value['name']) ?? '' };
}

function parseCounts(value: unknown): Counts {
  if (!isFields(value)) return {};
  const counts: Partial<Record<ReactionKind, number>> = {};
  for (const kind of REACTION_KINDS) {
    const count = number(value[kind]);
    if (count !== null && count > 0) counts[kind] = count;
  }
  return counts;
}

function parseEvent(fields: Fields): RoomEvent | null {
  switch (fields['t']) {
    case 'hello':
      return parseHello(fields);
    case 'comment': {
      const comment = parseComment(fields);
      return comment === null ? null : { t: 'comment', comment };
    }
    case 'comment_changed': {
      const id = text(fields['id']);
      const state = oneOf(fields['state'], ['shown', 'held', 'deleted'] as const);
      return id === null || state === null ? null : { t: 'comment_changed', id, state, pinned: flag(fields['pinned']) };
    }
    case 'reactions':
      return {
        t: 'reactions',
        media_ms: number(fields['media_ms']),
        counts: parseCounts(fields['counts']),
        totals: isFields(fields['totals']) ? parseCounts(fields['totals']) : null,
      };
    case 'viewers': {
      const n = number(fields['n']);
      return n === null ? null : { t: 'viewers', n };
    }
    case 'hand': {
      const user = parsePerson(fields['user']);
      return user === null ? null : { t: 'hand', user, raised: flag(fields['raised']) };
    }
    case 'settings':
      return { t: 'settings', settings: parseSettings(fields) };
    case 'lesson': {
      const lesson = parseLesson(fields);
      return lesson === null ? null : { t: 'lesson', lesson };
    }
    case 'skip': {
      const seq = number(fields['seq']);
      return seq === null ? null : { t: 'skip', seq };
    }
    case 'me':
      return { t: 'me', me: parseStanding(fields) };
    default:
      return parseReply(fields);
  }
}

function parseReply(fields: Fields): RoomEvent | null {
  const client_id = text(fields['client_id']);
  if (fields['t'] === 'ack') {
    const seq = number(fields['seq']);
    return client_id === null || seq === null ? null : { t: 'ack', client_id, seq, held: fields['state'] === 'held' };
  }
  if (fields['t'] !== 'refused') return null;
  return { t: 'refused', client_id, code: text(fields['code']) ?? 'unknown', retry_after_ms: number(fields['retry_after_ms']) };
}

function parseHello(fields: Fields): RoomEvent | null {
  const seq = number(fields['seq']);
  if (seq === null) return null;
  const hands: unknown[] = Array.isArray(fields['hands']) ? fields['hands'].slice(0, HANDS_MAX) : [];
  const pinned: unknown[] = Array.isArray(fields['pinned']) ? fields['pinned'].slice(0, PINNED_MAX) : [];
  return {
    t: 'hello',
    seq,
    viewers: number(fields['viewers']) ?? 0,
    pinned: pinned.map(parseComment).filter((one): one is Comment => one !== null),
    slow_ms: number(fields['slow_ms']) ?? 0,
    comments_on: fields['comments_on'] !== false,
    review_on: flag(fields['review_on']),
    lesson: parseLesson(fields['lesson']),
    totals: isFields(fields['totals']) ? parseCounts(fields['totals']) : null,
    me: parseStanding(fields['me']),
    hands: hands.map(parsePerson).filter((one): one is Person => one !== null),
  };
}

function parseStanding(value: unknown): RoomStanding {
  const me = isFields(value) ? value : {};
  return { muted_until_at: text(me['muted_until_at']), hand: flag(me['hand']) };
}

function parseLesson(value: unknown): RoomLesson | null {
  if (!isFields(value)) return null;
  const state = oneOf(value['state'], ['scheduled', 'live', 'ended', 'cancelled'] as const);
  return state === null ? null : { state, on_air: flag(value['on_air']), stalled: flag(value['stalled']) };
}

function parseSettings(fields: Fields): RoomSettings {
  const slow_ms = number(fields['slow_ms']);
  return {
    ...(slow_ms === null ? {} : { slow_ms }),
    ...(typeof fields['comments_on'] === 'boolean' ? { comments_on: fields['comments_on'] } : {}),
    ...(typeof fields['review_on'] === 'boolean' ? { review_on: fields['review_on'] } : {}),
  };
}
