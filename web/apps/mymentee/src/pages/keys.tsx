/** The mentor's own lasting stream keys: made, shown once, listed by their last letters, revoked. */

import { useRef, useState } from 'preact/hooks';
import { Problem, randomKey, type StreamKey } from '@tayang/client';
import { Icon, Loading, Note, PageHead, Trouble, useApp, useResource } from '@tayang/shell';
import { useQuestion } from '../parts/ask.tsx';
import { CopyRow } from '../parts/copy.tsx';
import { useDeed, useMyWhen } from '../parts/hooks.ts';
import { useCourseWords } from '../words/courses.ts';

export function KeysPage() {
  const { api } = useApp();
  const words = useCourseWords().keys;
  const { busy, run } = useDeed();
  const [made, setMade] = useState<StreamKey | null>(null);
  const keys = useResource('keys', async () => (await api.keys()).items);
  const deedKey = useRef(randomKey());
  const make = (): void =>
    run(async () => {
      try {
        setMade(await api.makeKey(deedKey.current));
        deedKey.current = randomKey();
      } catch (problem) {
        // Without an answer it is asked for again by the same name; one that was answered needs another.
        if (problem instanceof Problem && !problem.isNetwork) deedKey.current = randomKey();
        throw problem;
      } finally {
        keys.reload();
      }
    });
  return (
    <div class="page page-form">
      <PageHead title={words.title} lead={words.lead} />
      <section class="card stack">
        {made?.key === undefined ? null : (
          <div class="stack" role="status">
            <h2>{words.made}</h2>
            <CopyRow label={words.key} value={made.key} />
            <Note kind="away" icon="warning">
              <p>{words.madeText}</p>
            </Note>
          </div>
        )}
        <p class="field-note">{words.safe}</p>
        <button type="button" class="button button-strong" onClick={make} aria-disabled={busy}>
          <Icon name="key" />
          {words.make}
        </button>
      </section>
      {keys.value === null ? (
        keys.problem === null ? <Loading rows={2} /> : <Trouble problem={keys.problem} retry={keys.reload} />
      ) : keys.value.length === 0 ? (
        <p class="field-note">{words.none}</p>
      ) : (
        <ul class="card people">
          {keys.value.map((key) => (
            <KeyRow
              key={key.id}
              stored={key}
              onRevoked={() => {
                if (made?.id === key.id) setMade(null);
                keys.reload();
              }}
            />
          ))}
        </ul>
      )}
    </div>
  );
}

function KeyRow({ stored, onRevoked }: { stored: StreamKey; onRevoked: () => void }) {
  const { now, toasts } = useApp();
  const words = useCourseWords().keys;
  const when = useMyWhen();
  const { run } = useDeed();
  const { ask, dialog } = useQuestion();
  const revoke = (): void =>
    run(async (api) => {
      await api.deleteKey(stored.id);
      toasts.done(words.revoked);
      onRevoked();
    });
  return (
    <li>
      <span class="row-icon">
        <Icon name="key" />
      </span>
      <p>
        <strong>{words.hint(stored.hint)}</strong>
        <span class="field-note">{words.since(when.within(stored.created_at, now()))}</span>
      </p>
      <button type="button" class="chip" aria-label={words.revokeOf(stored.hint)} onClick={() => ask({ title: words.revokeTitle, text: words.revokeText, act: words.revoke, onAct: revoke })}>
        {words.revoke}
      </button>
      {dialog}
    </li>
  );
}
