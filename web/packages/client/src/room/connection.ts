/**
 * Keeps one room open: a WebSocket, or where that cannot be had, server-sent events and posts.
 *
 * Owns dialling, waits between dials, gaps and the outbox; owns no timer, socket or request itself, all of which are
 * handed in. What the room says is kept by {@link ./state.ts}; who shows it subscribes.
 */

import { backoffMs, type BackoffShape } from '@tayang/player/backoff';
import type { Comment, CommentKept, ReactionKind } from '../models.ts';
import { isAbort, Problem } from '../problem.ts';
import { parseFrame, type RoomMessage } from './events.ts';
import {
  applyEvent,
  EMPTY_ROOM,
  gapOf,
  withGapFilled,
  withoutOutgoing,
  withOutgoing,
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
const GAP_PAGES_MAX = 10;
const GAP_RETRY_MS = 2_000;

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
  private running = false;
  private cancelRedial: (() => void) | null = null;
  private cancelHello: (() => void) | null = null;
  private readonly taps = new Map<ReactionKind, number>();
  private tapMediaMs: number | null = null;
  private readonly listeners = new Set<(view: RoomView) => void>();

  public constructor(private readonly ports: RoomPorts) {}

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
    this.hangUp();
  }

  /** The network is back, or the page is looked at again: do not wait for a timer, and do not trust an old silence. */
  public wake(): void {
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
    this.set({ ...this.room, handRaised: raised });
    if (this.say({ t: 'hand', raised })) return;
    this.ports.postHand(raised).catch((error: unknown) => {
      this.set({ ...this.room, handRaised: !raised });
      this.complain(error);
    });
  }

  private sendTaps(): void {
    for (const [kind, n] of this.taps) {
      const reaction = { kind, n, media_ms: this.tapMediaMs };
      // A reaction that is lost is not worth a word.
      if (!this.say({ t: 'react', ...reaction })) this.ports.postReaction(reaction).catch(() => undefined);
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
    let { room } = this;
    let greeted = false;
    for (const event of parseFrame(text)) {
      room = applyEvent(room, event);
      greeted ||= event.t === 'hello';
    }
    if (greeted) {
      this.phase = 'open';
      this.failures = 0;
      if (this.way === 'socket') this.socketFailures = 0;
      this.cancelHello?.();
    }
    this.set(room);
    if (greeted) for (const own of room.outbox) if (own.phase === 'sending') this.sendComment(own);
    void this.fill();
  }

  /** Reads what is missing, page by page; one reading at a time. */
  private async fill(): Promise<void> {
    const gap = gapOf(this.room);
    if (gap === null || this.filling || this.phase === 'closed') return;
    this.filling = true;
    try {
      const found: Comment[] = [];
      let { after } = gap;
      for (let page = 0; page < GAP_PAGES_MAX && after < gap.upTo; page += 1) {
        const comments = await this.ports.comments(after, GAP_PAGE);
        found.push(...comments);
        after = Math.max(after, ...comments.map(({ seq }) => seq));
        if (comments.length < GAP_PAGE) break;
      }
      this.filling = false;
      this.set(withGapFilled(this.room, gap, found));
      await this.fill();
    } catch (error) {
      this.filling = false;
      if (error instanceof Problem && [401, 403, 404].includes(error.status)) this.shut();
      else if (!isAbort(error) && this.running) this.ports.after(GAP_RETRY_MS, () => void this.fill());
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

  private tell(): void {
    const view = this.view();
    for (const listener of this.listeners) listener(view);
  }
}
