/** Who is watching, whose hand is up, who was sent out or muted, and how the room feels. */

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { REACTION_KINDS, REACTIONS, type Person, type RoomState, type Viewers } from '@tayang/client';
import { Avatar, Icon, Loading, useApp, useNow } from '@tayang/shell';
import { useMyWhen, useWriter } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';
import type { Acts, Moderation } from './moderation.ts';
import { mutedAt } from './outcasts.ts';

/** As mentors know them from elsewhere; what is not here is its name in capitals. */
const PROTOCOLS: Readonly<Record<string, string>> = { llhls: 'LL-HLS', hls_ts: 'HLS', ws_flv: 'WebSocket-FLV' };

export function ViewerList({ viewers, moderation }: { viewers: Viewers | null; moderation: Moderation }) {
  const words = useLiveWords().room;
  const when = useMyWhen();
  const writer = useWriter();
  if (viewers === null) return <Loading rows={2} />;
  const { items } = viewers;
  const rest = viewers.count - items.length;
  return (
    <section class="stack">
      <h2>{words.list}</h2>
      {items.length === 0 ? <p class="field-note">{words.listNone}</p> : null}
      <ul class="people">
        {items.map(({ user, protocol, since_at }) => (
          <li key={`${user.id} ${since_at}`}>
            <Avatar name={user.name} id={user.id} />
            <p>
              <strong>{user.name}</strong>
              <span class="field-note">
                {words.since(when.time(since_at))} · {PROTOCOLS[protocol] ?? protocol.toUpperCase()}
              </span>
            </p>
            <button type="button" class="chip" onClick={() => moderation.acts.askOut(user)}>
              {words.sendOut}
              <span class="unseen">: {user.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {rest > 0 ? <p class="field-note">{words.unknownPeople(writer.whole(rest))}</p> : null}
      <Outcasts moderation={moderation} />
    </section>
  );
}

/** A mute that is over is looked for this often. */
const MUTES_MS = 5_000;

function Outcasts({ moderation: { outcasts, acts, reload } }: { moderation: Moderation }) {
  const words = useLiveWords().room;
  const when = useMyWhen();
  const now = useNow(useApp().now, MUTES_MS);
  // Another device of the mentor may have changed them since.
  useEffect(reload, []);
  const muted = mutedAt(outcasts.muted, now);
  return (
    <>
      <Outcast title={words.mutedList} people={muted.map(({ user, muted_until_at }) => [user, words.mutedUntil(when.within(muted_until_at, now))])} act={words.unmute} onAct={acts.unmute} />
      <Outcast title={words.outList} people={outcasts.out.map(({ user, reason }) => [user, reason])} act={words.letIn} onAct={acts.letIn} />
    </>
  );
}

function Outcast({ title, people, act, onAct }: { title: string; people: readonly (readonly [Person, ComponentChildren])[]; act: string; onAct: (person: Person) => void }) {
  if (people.length === 0) return null;
  return (
    <section class="stack">
      <h3>{title}</h3>
      <ul class="people">
        {people.map(([person, note]) => (
          <li key={person.id}>
            <Avatar name={person.name} id={person.id} />
            <p>
              <strong>{person.name}</strong>
              <span class="field-note">{note}</span>
            </p>
            <button type="button" class="chip" onClick={() => onAct(person)}>
              {act}
              <span class="unseen">: {person.name}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Hands in the order in which they went up. One that is being lowered is put away until the room says so. */
export function Hands({ hands, acts }: { hands: readonly Person[]; acts: Acts }) {
  const words = useLiveWords().room;
  const [done, setDone] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const up = new Set(hands.map(({ id }) => id));
    setDone((before) => ([...before].every((id) => up.has(id)) ? before : new Set([...before].filter((id) => up.has(id)))));
  }, [hands]);
  const lower = (person: Person): void => {
    setDone((before) => new Set([...before, person.id]));
    void acts.lowerHand(person).then((isDone) => (isDone ? undefined : setDone((before) => new Set([...before].filter((id) => id !== person.id)))));
  };
  const waiting = hands.filter(({ id }) => !done.has(id));
  return (
    <section class="card stack hands">
      <h2>
        <Icon name="hand" /> {words.hands}
      </h2>
      {waiting.length === 0 ? <p class="field-note">{words.noHands}</p> : null}
      <ul class="people" aria-live="polite">
        {waiting.map((person) => (
          <li key={person.id}>
            <Avatar name={person.name} id={person.id} />
            <p>
              <strong>{person.name}</strong>
            </p>
            <button type="button" class="chip" aria-label={words.lowerOf(person.name)} onClick={() => lower(person)}>
              {words.lower}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Reactions({ totals }: { totals: RoomState['totals'] }) {
  const words = useLiveWords().room;
  const writer = useWriter();
  return (
    <section class="card stack">
      <h2>{words.reactions}</h2>
      <ul class="reactions">
        {REACTION_KINDS.map((kind) => (
          <li key={kind} data-none={(totals[kind] ?? 0) === 0}>
            <span aria-hidden="true">{REACTIONS[kind]}</span>
            <span class="unseen">{words.reactionNames[kind]}: </span>
            <strong>{writer.whole(totals[kind] ?? 0)}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
