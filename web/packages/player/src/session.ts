/**
 * The life of one viewing, as a state machine: events in, new state and effects out.
 *
 * Pure. No timer, element or request: the {@link ./player.ts player} carries the effects out. What the *channel* is
 * doing comes from its state alone; what the *player* is doing never changes it, so that a broken network is not shown
 * as the end of a lesson.
 */

import type { Via } from './address.ts';
import { type BackoffShape, backoffMs } from './backoff.ts';
import type { Channel } from './channel.ts';

/** What the viewer is told. `loading` until the first answer; `missing` and `forbidden` are answers too. */
export type Phase =
  | 'loading'
  | 'waiting'
  | 'live'
  | 'stalled'
  | 'ended'
  | 'recording'
  | 'missing'
  | 'forbidden';

/** What media an attachment plays. */
export type Source =
  | { readonly kind: 'live'; readonly via: Via; readonly stream: string | null }
  | { readonly kind: 'recording'; readonly stream: string };

/** Why an engine gave up: `codec` is not cured by trying again, and the viewer must be told. */
export type EngineFailure = 'network' | 'media' | 'codec' | 'missing';

export interface Session {
  readonly phase: Phase;
  /** The last answer; kept while the server cannot be reached. */
  readonly channel: Channel | null;
  /** The last question was answered. */
  readonly reachable: boolean;
  readonly via: Via;
  /** Ways to go on to by itself; emptied when somebody chooses. */
  readonly ladder: readonly Via[];
  /** Ways gone on to since pictures last moved. */
  readonly climbs: number;
  /** Recording to play in place of what is live. */
  readonly recording: string | null;
  readonly attached: Source | null;
  /** Fresh attachments in a row without a picture. */
  readonly failures: number;
  readonly failure: EngineFailure | null;
  /** Questions in a row that brought nothing new. */
  readonly idlePolls: number;
}

export type SessionEvent =
  | { readonly type: 'answered'; readonly channel: Channel }
  | { readonly type: 'unanswered'; readonly why: 'network' | 'missing' | 'forbidden' }
  | { readonly type: 'engine-failed'; readonly failure: EngineFailure }
  | { readonly type: 'engine-moved' }
  | { readonly type: 'played-out' }
  | { readonly type: 'reattach-due' }
  | { readonly type: 'trouble' }
  | { readonly type: 'choose-via'; readonly via: Via };

export type Effect =
  | { readonly type: 'attach'; readonly source: Source }
  | { readonly type: 'detach' }
  /** Ask for the channel's state after this long, in place of any question planned before. */
  | { readonly type: 'poll'; readonly inMs: number }
  | { readonly type: 'reattach'; readonly inMs: number };

export interface Step {
  readonly session: Session;
  readonly effects: readonly Effect[];
}

/** While pictures move nothing is asked often: trouble asks by itself. */
const HEARTBEAT_MS = 10_000;
/** Trouble is looked into at once, but not by everybody in the same instant. */
const TROUBLE_POLL_MS = 150;
const POLL: Readonly<Record<Exclude<Phase, 'live'>, BackoffShape>> = {
  loading: { firstMs: 1_000, factor: 1.5, capMs: 8_000 },
  waiting: { firstMs: 2_000, factor: 1.1, capMs: 4_000 },
  stalled: { firstMs: 2_000, factor: 1.1, capMs: 4_000 },
  ended: { firstMs: 2_000, factor: 1.3, capMs: 10_000 },
  recording: { firstMs: 10_000, factor: 1.5, capMs: 60_000 },
  missing: { firstMs: 5_000, factor: 1.5, capMs: 20_000 },
  forbidden: { firstMs: 10_000, factor: 2, capMs: 60_000 },
};
const UNREACHABLE: BackoffShape = { firstMs: 1_000, factor: 1.5, capMs: 8_000 };
const REATTACH: BackoffShape = { firstMs: 300, factor: 2, capMs: 5_000 };

/** Fresh attachments by one way without a picture, before the next way is tried. */
const CLIMB_FAILURES = 3;

/** A viewing that has not asked anything yet. */
export function begin(via: Via, recording: string | null, ladder: readonly Via[] = []): Session {
  return {
    phase: recording === null ? 'loading' : 'recording',
    channel: null,
    reachable: true,
    via,
    ladder,
    climbs: 0,
    recording,
    attached: recording === null ? null : { kind: 'recording', stream: recording },
    failures: 0,
    failure: null,
    idlePolls: 0,
  };
}

/** What to do first: a recording plays without waiting for the channel's state. */
export function beginEffects(session: Session): readonly Effect[] {
  const poll: Effect = { type: 'poll', inMs: 0 };
  return session.attached === null ? [poll] : [{ type: 'attach', source: session.attached }, poll];
}

/** One event. `chance` in [0, 1) spreads waits. */
export function step(before: Session, event: SessionEvent, chance: number): Step {
  switch (event.type) {
    case 'answered':
      return answered(before, event.channel, chance);
    case 'unanswered':
      return unanswered(before, event.why, chance);
    case 'engine-failed':
      return engineFailed(before, event.failure, chance);
    case 'engine-moved':
      return engineMoved(before);
    case 'played-out':
      return playedOut(before);
    case 'reattach-due':
      return reattach(before);
    case 'trouble':
      return { session: before, effects: [{ type: 'poll', inMs: Math.round(TROUBLE_POLL_MS * (1 + chance)) }] };
    case 'choose-via':
      return chooseVia(before, event.via);
  }
}

function answered(before: Session, answer: Channel, chance: number): Step {
  const channel = stillEnded(before, answer);
  const phase: Phase = before.recording === null ? channel.phase : 'recording';
  const changed = phase !== before.phase || channel.stream !== before.channel?.stream;
  const idlePolls = changed || !before.reachable ? 0 : before.idlePolls + 1;
  const session: Session = { ...before, phase, channel, reachable: true, idlePolls };
  const inMs = phase === 'live' ? spread(HEARTBEAT_MS, chance) : backoffMs(POLL[phase], idlePolls, chance);
  const effects: Effect[] = [{ type: 'poll', inMs }];
  if (phase === 'waiting' && before.attached !== null) {
    // A server that forgot the stream (it was started anew) will not go on with it.
    return { session: { ...session, attached: null, failure: null, failures: 0 }, effects: [{ type: 'detach' }, ...effects] };
  }
  return attachIfWanted(session, effects);
}

/**
 * A server forgets a stream a while after its end, and its channel waits again. Who saw the end is not told that nothing
 * has begun yet: for them it has ended until another stream comes.
 */
function stillEnded(before: Session, answer: Channel): Channel {
  if (before.phase !== 'ended' || answer.phase !== 'waiting' || before.channel === null) return answer;
  const { stream, tracks } = before.channel;
  return { ...answer, phase: 'ended', stream, tracks };
}

function reattach(before: Session): Step {
  const next = attachIfWanted({ ...before, attached: null }, []);
  const dropped = before.attached !== null && next.session.attached === null;
  return dropped ? { session: next.session, effects: [{ type: 'detach' }] } : next;
}

function spread(ms: number, chance: number): number {
  return Math.round(ms * (0.85 + 0.3 * chance));
}

/** Attaches when the channel is on air and what is attached is not its current stream. */
function attachIfWanted(session: Session, effects: readonly Effect[]): Step {
  const wanted = wantedSource(session);
  if (wanted === null || isSame(wanted, session.attached)) return { session, effects };
  const another = session.attached !== null;
  const failures = another ? 0 : session.failures;
  return {
    session: { ...session, attached: wanted, failures, failure: another ? null : session.failure },
    effects: [...effects, { type: 'attach', source: wanted }],
  };
}

function wantedSource(session: Session): Source | null {
  if (session.recording !== null) return { kind: 'recording', stream: session.recording };
  if (session.phase !== 'live' && session.phase !== 'stalled') return null;
  return { kind: 'live', via: session.via, stream: session.channel?.stream ?? null };
}

function isSame(a: Source, b: Source | null): boolean {
  if (b === null || a.stream !== b.stream) return false;
  if (a.kind === 'live' && b.kind === 'live') return a.via === b.via;
  return a.kind === b.kind;
}

function unanswered(before: Session, why: 'network' | 'missing' | 'forbidden', chance: number): Step {
  const idlePolls = before.idlePolls + 1;
  if (why === 'network') {
    // The channel may well be on air: what plays goes on, and what was said last stays.
    const session: Session = { ...before, reachable: false, idlePolls };
    return { session, effects: [{ type: 'poll', inMs: backoffMs(UNREACHABLE, before.reachable ? 0 : idlePolls, chance) }] };
  }
  const poll: Effect = { type: 'poll', inMs: backoffMs(POLL[why], idlePolls, chance) };
  // A recording has an address and a right of its own; its playlist says whether it can be had.
  if (before.recording !== null) return { session: { ...before, reachable: true, idlePolls }, effects: [poll] };
  const session: Session = { ...before, phase: why, reachable: true, attached: null, channel: null, idlePolls };
  return { session, effects: before.attached === null ? [poll] : [{ type: 'detach' }, poll] };
}

function engineFailed(before: Session, failure: EngineFailure, chance: number): Step {
  if (before.attached === null) return { session: before, effects: [] };
  const session: Session = { ...before, failures: before.failures + 1, failure };
  const trouble: Effect = { type: 'poll', inMs: Math.round(TROUBLE_POLL_MS * (1 + chance)) };
  if (before.phase === 'ended') return { session: { ...session, attached: null, failure: null }, effects: [{ type: 'detach' }] };
  const next = nextWay(session);
  if (next !== null) {
    const climbed: Session = { ...session, via: next, climbs: session.climbs + 1 };
    const attached = attachIfWanted(climbed, []);
    return { session: attached.session, effects: [trouble, ...attached.effects] };
  }
  // A codec will not be learned by trying; a recording that is not there may be there later, but not often asked for.
  const slow = failure === 'codec' || (failure === 'missing' && before.recording !== null);
  const inMs = slow ? spread(HEARTBEAT_MS, chance) : backoffMs(REATTACH, before.failures, chance);
  return { session, effects: [trouble, { type: 'reattach', inMs }] };
}

/**
 * The way to go on to by itself, if it is time: this browser cannot play the format by this one, or it brought no picture
 * several times although the channel is on air and the server answers. Each way is tried once before pictures move again.
 */
function nextWay({ ladder, climbs, via, failure, failures, phase, reachable, recording }: Session): Via | null {
  const due = failure === 'codec' || failures >= CLIMB_FAILURES;
  if (!due || phase !== 'live' || !reachable || recording !== null || climbs + 1 >= ladder.length) return null;
  return ladder[(ladder.indexOf(via) + 1) % ladder.length] ?? null;
}

function engineMoved(before: Session): Step {
  const calm = before.failures === 0 && before.failure === null && before.climbs === 0;
  const cured = calm ? before : { ...before, failures: 0, failure: null, climbs: 0 };
  // Pictures move although the channel was said to be away: it is back, ask now.
  const surprising = before.phase === 'stalled';
  return { session: cured, effects: surprising ? [{ type: 'poll', inMs: 0 }] : [] };
}

function playedOut(before: Session): Step {
  if (before.recording !== null) return { session: before, effects: [] };
  if (before.phase === 'ended') return { session: { ...before, attached: null }, effects: [{ type: 'detach' }] };
  // The media says it is over before the channel does: ask.
  return { session: before, effects: [{ type: 'poll', inMs: 0 }] };
}

function chooseVia(before: Session, via: Via): Step {
  if (via === before.via) return { session: before, effects: [] };
  return attachIfWanted({ ...before, via, ladder: [], climbs: 0, failures: 0, failure: null }, []);
}
