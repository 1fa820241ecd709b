/** Reactions and the raised hand, and the reactions of all floating over the picture. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { REACTION_KINDS, REACTIONS, type ReactionKind } from '@tayang/client';
import { Icon, useApp } from '@tayang/shell';
import { h, Writer } from '@tayang/ui';
import { useWords } from '../words.ts';
import type { Room } from './hooks.ts';

/** More at once would hide the lesson. */
const FLOATING_MAX = 14;
const LANES = 6;
/** Of one kind in one burst; the number beside the button tells the rest. */
const BURST_MAX = 4;
const REFUSAL_SHOWN_MS = 6_000;

export function TakingPart({ room, mediaMs }: { room: Room; mediaMs: () => number | null }) {
  const words = useWords();
  const writer = new Writer(useApp().preferences.language.value);
  const { totals, handRaised } = room.view.room;
  const closed = room.view.phase !== 'open';
  const refusal = useRefusal(room);
  return (
    <div class="taking-part">
      <div class="reactions" role="group" aria-label={words.room.react}>
        {REACTION_KINDS.map((kind) => (
          <button key={kind} type="button" class="reaction" aria-disabled={closed} onClick={() => (closed ? undefined : room.connection.react(kind, mediaMs()))}>
            <span aria-hidden="true">{REACTIONS[kind]}</span>
            <span class="unseen">{words.room.reactions[kind]} </span>
            {(totals[kind] ?? 0) > 0 ? <span class="reaction-count">{short(totals[kind] ?? 0, writer)}</span> : null}
          </button>
        ))}
      </div>
      <button type="button" class="button hand" aria-pressed={handRaised} aria-disabled={closed} onClick={() => (closed ? undefined : room.connection.raiseHand(!handRaised))}>
        <Icon name="hand" />
        <span class="hand-label">{handRaised ? words.room.lower : words.room.raise}</span>
      </button>
      <p class="unseen" role="status">
        {handRaised ? words.room.raised : null}
      </p>
      <p class="soft small taking-part-refused" role="status">
        {refusal === null ? null : (words.room.notTaken[refusal] ?? words.room.notTaken.other)}
      </p>
    </div>
  );
}

/** Why the last reaction or hand was not taken, for as long as it takes to read. */
function useRefusal(room: Room): string | null {
  const { refusal } = room.view.room;
  const seen = useRef(refusal?.number ?? 0);
  const [code, setCode] = useState<string | null>(null);
  useEffect(() => {
    if (refusal === null || refusal.number === seen.current) return undefined;
    seen.current = refusal.number;
    setCode(refusal.code);
    const timer = setTimeout(() => setCode(null), REFUSAL_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [refusal?.number]);
  return code;
}

function short(count: number, writer: Writer): string {
  return count < 1_000 ? writer.whole(count) : `${writer.decimal(count / 1_000, count < 10_000 ? 1 : 0)}k`;
}

/** Each burst rises once and is gone. Nothing of it is said aloud: it would drown the lesson. */
export function FloatingReactions({ room }: { room: Room }) {
  const ground = useRef<HTMLDivElement>(null);
  const { burst } = room.view.room;
  useEffect(() => {
    const element = ground.current;
    if (element === null || burst.number === 0 || document.visibilityState !== 'visible') return;
    for (const [kind, count] of Object.entries(burst.counts)) float(element, kind as ReactionKind, Math.min(BURST_MAX, count));
  }, [burst.number]);
  return <div class="floating" ref={ground} aria-hidden="true" />;
}

function float(ground: HTMLElement, kind: ReactionKind, count: number): void {
  for (let n = 0; n < count && ground.childElementCount < FLOATING_MAX; n += 1) {
    const one = h('span', { class: 'float', 'data-lane': Math.floor(Math.random() * LANES), 'data-late': n }, REACTIONS[kind]);
    one.addEventListener('animationend', () => one.remove());
    ground.append(one);
  }
}
