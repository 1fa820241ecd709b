/**
 * Keeps one room open: a WebSocket, or where that cannot be had, server-sent events and posts.
 *
 * Owns dialling, waits between dials, gaps and the outbox; owns no timer, socket or request itself, all of which are
 * handed in. What the room says is kept by {@link ./state.ts}; who shows it subscribes.
 */

import { backoffMs, type BackoffShape } from '@tayang/player/backoff';
import type { Comment, CommentKept, ReactionKind } from '../models.ts';
import { isAbort, Problem } from '../problem.ts';
import { parseFrame, type RoomEvent, type RoomMessage } from './events.ts';
import {
  applyEvent,
  applyEvents,
  EMPTY_ROOM,
  gapOf,
  withGapFilled,
  withHeldRead,
  withoutLongGap,
  withoutOutgoing,
  withOutgoing,
  withPin,
  type Gap,
  type OutgoingComment,
  type RoomState,
} from './state.ts';

export type RoomWay = 'socket' | 'events';
/** `closed`: this reader may not (or no longer) be here; dialling has stopped. */
export type RoomPhase = 'connecting' | 'open' | 'lost' | 'closed';

export interface LineListener {
  frame(text: string): void;
  /** Told once; with the code of RFC 6455 (7.4) where this way has one. */
  closed(code?: number): void;
}

/** One open way into the room. */
export interface Line {
  /** `null` if this way only listens. */
  readonly send: ((text: string) => void) | null;
  close(): void;
}

/** The world outside. */
export interface RoomPorts {
  /** `null` if this browser has no such way. */
  readonly dial: (way: RoomWay, listener: LineListener) => Line | null;
  readonly comments: (after: number, limit: number) => Promise<readonly Comment[]>;
  readonly postComment: (comment: { client_id: string; body: string; media_ms: number | null }) => Promise<CommentKept | null>;
  readonly postReaction: (reaction: { kind: ReactionKind; n: number; media_ms: number | null }) => Promise<unknown>;
  readonly postHand: (raised: boolean) => Promise<unknown>;
  /** Runs `task` once after `ms`; the result cancels it. */
  readonly after: (ms: number, task: () => void) => () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly chance: () => number;
  readonly newId: () => string;
  /** Somebody can see the page; always, where nothing is handed in. */
  readonly isVisible?: () => boolean;
}

export interface RoomOptions {
  /** Reads what waited before one came, further back than what is shown: for the mentor, who has to look at all of it. */
  readonly readsHeld?: boolean;
}

export interface RoomView {
  readonly phase: RoomPhase;
  readonly way: RoomWay;
  readonly room: RoomState;
}

const REDIAL: BackoffShape = { firstMs: 700, factor: 1.8, capMs: 20_000 };
/** A room of thousands that was cut at once comes back over this span. */
const REDIAL_SPREAD_MS = 1_500;
/** WebSockets that closed before a word, before the other way is taken: a proxy in between does not let them through. */
const SOCKET_FAILURES_MAX = 2;
/** A line on which nothing was said for so long is suspected when the device wakes. */
const SUSPECT_MS = 20_000;
/** No `hello` within this time is no connection. */
const HELLO_MS = 12_000;
/** The right to be here is gone; the lesson is over. Dialling again would only be refused. */
const FINAL_CODES: readonly number[] = [4001, 4002];
/** The server is started anew, and so is every room: all of them come back over this span. */
const RESTART_CODE = 1012;
const RESTART_SPREAD_MS = 5_000;
/** Reactions tapped within this time go out as one. */
const REACT_GATHER_MS = 250;
/** The server takes no more of one person at once. */
const REACT_MAX = 10;
const GAP_PAGE = 100;
const GAP_RETRY_MS = 2_000;
/** A room that comes back as one reads over this span what it missed. */
const GAP_SPREAD_MS = 1_500;
/** What waits is looked for among so many comments back: a hundred pages. */
const HELD_BACK = 10_000;
/** A comment that was pinned and is not in memory is looked for so many pages back, by all who lack it over this span. */
const PIN_PAGES_MAX = 10;
const PIN_SPREAD_MS = 3_000;
/** Faster than this nobody reads; each telling draws a page anew. */
const TELL_MS = 150;
/** A refusal that names no comment and comes within this time is about the hand. */
const HAND_ANSWER_MS = 5_000;

export class RoomConnection {
  private room: RoomState = EMPTY_ROOM;
  private phase: RoomPhase = 'connecting';
  private way: RoomWay = 'socket';
  private line: Line | null = null;
  /** Counts dials, so that what an old line says is ignored. */
  private dialled = 0;
  private failures = 0;
  private socketFailures = 0;
  private heardAt = 0;
  private filling = false;
  /** Not before this is the gap asked for (again). */
  private fillFrom = 0;
  private readingHeld = false;
  /** Pinned, and not in memory. */
  private readonly pinsSought = new Set<string>();
  private toldAt = Number.NEGATIVE_INFINITY;
  private cancelTell: (() => void) | null = null;
  /** Something was not told because nobody looked. */
  private untold = false;
  /** The hand as it was before it was asked to change. */
  private handAsked: { readonly before: boolean; readonly until: number } | null = null;
  private running = false;
  private cancelRedial: (() => void) | null = null;
  private cancelHello: (() => void) | null = null;
  private readonly taps = new Map<ReactionKind, number>();
  private tapMediaMs: number | null = null;
  private readonly listeners = new Set<(view: RoomView) => void>();

  public constructor(
    private readonly ports: RoomPorts,
    private readonly options: RoomOptions = {},
  ) {}

  public view(): RoomView {
    return { phase: this.phase, way: this.way, room: this.room };
  }

  public subscribe(listener: (view: RoomView) => void): () => void {
    this.listeners.add(listener);
    listener(this.view());
    return () => this.listeners.delete(listener);
  }

  public start(): void {
    if (this.running) return;
    this.running = true;
    this.dial();
  }

  public stop(): void {
    this.running = false;
    this.cancelTell?.();
    this.cancelTell = null;
    this.hangUp();
  }

  /** The network is back, or the page is looked at again: do not wait for a timer, and do not trust an old silence. */
  public wake(): void {
    if (this.untold) this.tell();
    if (!this.running || this.phase === 'closed') return;
    const suspect = this.phase === 'open' && this.ports.now() - this.heardAt > SUSPECT_MS;
    if (this.phase === 'lost' || suspect) {
      this.failures = 0;
      this.dial();
    }
  }

  // --- saying -------------------------------------------------------------------------------------------------------

  public comment(body: string, mediaMs: number | null): void {
    const own = { client_id: this.ports.newId(), body, media_ms: mediaMs };
    this.set(withOutgoing(this.room, own));
    this.sendComment(own);
  }

  /** Sends a refused comment again. */
  public retry(clientId: string): void {
    const own = this.room.outbox.find((one) => one.client_id === clientId);
    if (own === undefined) return;
    // A refusal was the answer to that id: another try is another comment.
    this.set(withoutOutgoing(this.room, clientId));
    this.comment(own.body, own.media_ms);
  }

  public forget(clientId: string): void {
    this.set(withoutOutgoing(this.room, clientId));
  }

  public react(kind: ReactionKind, mediaMs: number | null): void {
    if (this.taps.size === 0) this.ports.after(REACT_GATHER_MS, () => this.sendTaps());
    this.taps.set(kind, Math.min(REACT_MAX, (this.taps.get(kind) ?? 0) + 1));
    this.tapMediaMs = mediaMs;
  }

  public raiseHand(raised: boolean): void {
    const before = this.room.handRaised;
    this.set({ ...this.room, handRaised: raised });
    if (this.say({ t: 'hand', raised })) {
      this.handAsked = { before, until: this.ports.now() + HAND_ANSWER_MS };
      return;
    }
    this.ports.postHand(raised).catch((error: unknown) => {
      this.set({ ...this.room, handRaised: before });
      this.complain(error);
    });
  }

  private sendTaps(): void {
    for (const [kind, n] of this.taps) {
      const reaction = { kind, n, media_ms: this.tapMediaMs };
      if (this.say({ t: 'react', ...reaction })) continue;
      this.ports.postReaction(reaction).catch((error: unknown) => {
        // One that is lost is not worth a word; one that is refused is.
        if (error instanceof Problem && !error.isNetwork) this.complain(error);
      });
    }
    this.taps.clear();
  }

  private sendComment(own: Pick<OutgoingComment, 'client_id' | 'body' | 'media_ms'>): void {
    const { client_id, body, media_ms } = own;
    if (this.phase !== 'open') return;
    if (this.say({ t: 'comment', client_id, body, media_ms })) return;
    this.ports.postComment({ client_id, body, media_ms }).then(
      (kept) => {
        // This answer does not say whether it is shown; where comments are looked at first it is not, and else it comes.
        if (kept !== null) this.set(applyEvent(this.room, { t: 'ack', client_id, seq: kept.seq, held: this.room.reviewOn }));
      },
      (error: unknown) => this.refuse(client_id, error),
    );
  }

  private refuse(client_id: string, error: unknown): void {
    // Without an answer it stays in the outbox and goes out again with the next connection, once: its id is the same.
    if (!(error instanceof Problem) || error.isNetwork) return;
    this.set(applyEvent(this.room, { t: 'refused', client_id, code: error.code, retry_after_ms: error.retryAfterMs }));
  }

  private complain(error: unknown): void {
    const code = error instanceof Problem ? error.code : 'unknown';
    this.set(applyEvent(this.room, { t: 'refused', client_id: null, code, retry_after_ms: null }));
  }

  private say(message: RoomMessage): boolean {
    if (this.phase !== 'open' || this.line === null || this.line.send === null) return false;
    this.line.send(JSON.stringify(message));
    return true;
  }

  // --- line ---------------------------------------------------------------------------------------------------------

  private dial(): void {
    this.hangUp();
    const number = this.dialled;
    const wanted: RoomWay = this.socketFailures >= SOCKET_FAILURES_MAX ? 'events' : 'socket';
    const listener: LineListener = {
      frame: (text) => {
        if (number === this.dialled) this.hear(text);
      },
      closed: (code) => {
        if (number !== this.dialled) return;
        if (code !== undefined && FINAL_CODES.includes(code)) this.shut();
        else this.lose(code);
      },
    };
    if (this.phase !== 'lost') this.phase = 'connecting';
    this.way = wanted;
    this.line = this.ports.dial(wanted, listener);
    if (this.line === null && wanted === 'socket') {
      this.socketFailures = SOCKET_FAILURES_MAX;
      this.way = 'events';
      this.line = this.ports.dial('events', listener);
    }
    this.cancelHello = this.ports.after(HELLO_MS, () => {
      if (number === this.dialled && this.phase !== 'open') this.lose();
    });
    this.tell();
  }

  private hangUp(): void {
    this.dialled += 1;
    this.cancelRedial?.();
    this.cancelHello?.();
    this.cancelRedial = null;
    this.cancelHello = null;
    const { line } = this;
    this.line = null;
    line?.close();
  }

  private lose(code?: number): void {
    const spoke = this.phase === 'open';
    if (this.way === 'socket' && !spoke) this.socketFailures += 1;
    // After the other way broke the better one gets one more chance.
    if (this.way === 'events') this.socketFailures = SOCKET_FAILURES_MAX - 1;
    this.hangUp();
    this.phase = 'lost';
    const { chance } = this.ports;
    const spreadMs = code === RESTART_CODE ? RESTART_SPREAD_MS : REDIAL_SPREAD_MS;
    const inMs = backoffMs(REDIAL, this.failures, chance()) + Math.round(chance() * spreadMs);
    this.failures += 1;
    this.cancelRedial = this.ports.after(inMs, () => this.dial());
    this.tell();
  }

  private hear(text: string): void {
    this.heardAt = this.ports.now();
    const before = this.room;
    const events = parseFrame(text);
    const greeted = events.some(({ t }) => t === 'hello');
    this.room = this.withHandSettled(applyEvents(before, events), events);
    if (greeted) this.greeted(before.ready);
    for (const event of events) if (event.t === 'comment_changed') this.notePin(event.id, event.pinned && event.state === 'shown');
    // What decides about the page is told at once, be it looked at or not.
    if (greeted || this.room.lesson !== before.lesson) this.tell();
    else this.tellSoon();
    void this.fill();
  }

  private greeted(back: boolean): void {
    this.phase = 'open';
    this.failures = 0;
    if (this.way === 'socket') this.socketFailures = 0;
    this.cancelHello?.();
    for (const own of this.room.outbox) if (own.phase === 'sending') this.sendComment(own);
    if (back) this.fillIn(this.ports.chance() * GAP_SPREAD_MS);
    else void this.readHeld();
  }

  /** A hand that the room did not take is down again. */
  private withHandSettled(room: RoomState, events: readonly RoomEvent[]): RoomState {
    const asked = this.handAsked;
    if (asked === null) return room;
    const refused = events.some((event) => event.t === 'refused' && event.client_id === null);
    if (refused || events.some(({ t }) => t === 'me' || t === 'hello')) this.handAsked = null;
    return refused && this.ports.now() < asked.until ? { ...room, handRaised: asked.before } : room;
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  private fillIn(ms: number): void {
    this.fillFrom = this.ports.now() + ms;
    this.ports.after(ms, () => {
      // Timers know whole milliseconds alone, and may be a little early.
      this.fillFrom = 0;
      void this.fill();
    });
  }

  /** Reads what is missing; one reading at a time. */
  private async fill(): Promise<void> {
    if (this.filling || this.phase === 'closed' || this.ports.now() < this.fillFrom) return;
    const room = withoutLongGap(this.room);
    const gap = gapOf(room);
    if (gap === null) return;
    const skipped = room !== this.room || room.doubted.size > 0;
    this.room = room;
    this.filling = true;
    try {
      const found = await this.read(gap);
      this.filling = false;
      this.set(withGapFilled(this.room, gap, found));
      if (skipped) void this.readHeld();
      await this.fill();
    } catch (error) {
      this.filling = false;
      if (error instanceof Problem && [401, 403, 404].includes(error.status)) this.shut();
      else if (!isAbort(error) && this.running) this.fillIn(GAP_RETRY_MS * (1 + this.ports.chance()));
    }
  }

  /** Comments of a stretch, page by page. */
  private async read({ after, upTo }: Gap, keep: (comment: Comment) => boolean = () => true): Promise<readonly Comment[]> {
    const found: Comment[] = [];
    for (let from = after; from < upTo; ) {
      const page = await this.ports.comments(from, GAP_PAGE);
      found.push(...page.filter(keep));
      from = Math.max(from, ...page.map(({ seq }) => seq));
      if (page.length < GAP_PAGE) break;
    }
    return found;
  }

  /** Reads what waits for the mentor behind what is shown. */
  private async readHeld(): Promise<void> {
    const upTo = this.room.completeTo ?? 0;
    const stretch = { after: Math.max(0, this.room.newest - HELD_BACK), upTo };
    if (this.options.readsHeld !== true || this.readingHeld || stretch.after >= upTo) return;
    this.readingHeld = true;
    try {
      const found = await this.read(stretch, ({ state, seq }) => state === 'held' && seq <= upTo);
      this.set(withHeldRead(this.room, stretch, found));
    } catch {
      // The next return reads it again.
    } finally {
      this.readingHeld = false;
    }
  }

  private notePin(id: string, pinned: boolean): void {
    if (!pinned) this.pinsSought.delete(id);
    else if (!this.pinsSought.has(id) && !this.room.pinned.some((one) => one.id === id)) {
      this.pinsSought.add(id);
      this.ports.after(this.ports.chance() * PIN_SPREAD_MS, () => void this.findPin(id));
    }
  }

  /** Looks for a comment behind those in memory; the next greeting has it if this does not find it. */
  private async findPin(id: string): Promise<void> {
    try {
      let upTo = (this.room.comments[0]?.seq ?? this.room.newest + 1) - 1;
      for (let page = 0; page < PIN_PAGES_MAX && upTo > 0 && this.pinsSought.has(id); page += 1) {
        const after = Math.max(0, upTo - GAP_PAGE);
        const comments = await this.ports.comments(after, GAP_PAGE);
        const found = comments.find((one) => one.id === id);
        if (found !== undefined && this.pinsSought.has(id)) this.set(withPin(this.room, found));
        upTo = found === undefined ? after : 0;
      }
    } catch {
      // A pin that could not be read is not worth a word.
    } finally {
      this.pinsSought.delete(id);
    }
  }

  private shut(): void {
    this.hangUp();
    this.phase = 'closed';
    this.tell();
  }

  private set(room: RoomState): void {
    this.room = room;
    this.tell();
  }

  /** Gathers what comes in a busy room, and rests while nobody looks. */
  private tellSoon(): void {
    if (this.ports.isVisible?.() === false) {
      this.untold = true;
      return;
    }
    const inMs = this.toldAt + TELL_MS - this.ports.now();
    if (inMs <= 0) this.tell();
    else this.cancelTell ??= this.ports.after(inMs, () => this.tell());
  }

  private tell(): void {
    this.cancelTell?.();
    this.cancelTell = null;
    this.untold = false;
    this.toldAt = this.ports.now();
    const view = this.view();
    for (const listener of this.listeners) listener(view);
  }
}
