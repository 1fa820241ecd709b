/** The journal of what people did, for operators: the newest first, of all or about one thing. */

import { useState } from 'preact/hooks';
import type { AuditEntry } from '@tayang/client';
import { Empty, Loading, PageHead, TextField, Trouble, useApp, usePages, useShellWords } from '@tayang/shell';
import { useMyWhen } from '../parts/hooks.ts';
import { OperatorParts } from '../parts/operator-parts.tsx';
import { useOperatorWords } from '../words/operator.ts';

export function AuditPage() {
  const { api, router } = useApp();
  const words = useOperatorWords().journal;
  const more = useShellWords().more;
  const subject = router.place.value.query.get('subject') ?? '';
  const lines = usePages<AuditEntry>(`audit ${subject}`, (cursor, signal) => api.audit({ subject, cursor, limit: 50, signal }));
  return (
    <div class="page page-form">
      <PageHead title={words.title} lead={words.lead} />
      <OperatorParts here="/operator/audit" />
      <Filter key={subject} subject={subject} />
      <section aria-busy={lines.loading} class="stack">
        {lines.items === null ? (
          lines.problem === null ? <Loading /> : <Trouble problem={lines.problem} retry={lines.reload} />
        ) : lines.items.length === 0 ? (
          <Empty icon="clock" title={words.none} text={words.noneText} />
        ) : (
          <ul class="card people">
            {lines.items.map((line) => (
              <Line key={line.id} line={line} />
            ))}
          </ul>
        )}
        {lines.more === null ? null : (
          <button type="button" class="button more" onClick={lines.more}>
            {more}
          </button>
        )}
      </section>
    </div>
  );
}

function Filter({ subject }: { subject: string }) {
  const { router } = useApp();
  const words = useOperatorWords().journal;
  const [typed, setTyped] = useState(subject);
  const submit = (event: Event): void => {
    event.preventDefault();
    const text = typed.trim();
    router.go(text === '' ? '/operator/audit' : `/operator/audit?subject=${encodeURIComponent(text)}`);
  };
  return (
    <form class="form card" role="search" onSubmit={submit} noValidate>
      <TextField label={words.about} hint={words.aboutHint} type="search" maxLength={200} value={typed} onValue={setTyped} />
      <div class="actions">
        <button type="submit" class="button">
          {words.filter}
        </button>
        {subject === '' ? null : (
          <a class="button button-quiet" href={router.href('/operator/audit')}>
            {words.all}
          </a>
        )}
      </div>
    </form>
  );
}

/** `user:{id}` leads to that person. */
function Subject({ subject }: { subject: string }) {
  const { router } = useApp();
  const id = /^user:(.+)$/.exec(subject)?.[1];
  if (subject === '') return null;
  return id === undefined ? (
    <span class="field-note break">{subject}</span>
  ) : (
    <a class="text-link break" href={router.href(`/operator/users/${id}`)}>
      {subject}
    </a>
  );
}

function Line({ line }: { line: AuditEntry }) {
  const { router, session, now } = useApp();
  const words = useOperatorWords().journal;
  const when = useMyWhen();
  const { actor_id, action, subject, detail, at } = line;
  const by = actor_id === null ? words.byNobody : actor_id === session.user.value?.id ? words.byMe : words.by(actor_id);
  return (
    <li>
      <p>
        <strong>{words.actions[action] ?? action}</strong>
        <span class="field-note">
          <time dateTime={at}>{when.moment(at, now())}</time>
          {' · '}
          {actor_id === null || actor_id === session.user.value?.id ? by : (
            <a class="text-link" href={router.href(`/operator/users/${actor_id}`)}>
              {by}
            </a>
          )}
        </span>
        <Subject subject={subject} />
        {detail === '' ? null : <span class="field-note">{detail}</span>}
      </p>
    </li>
  );
}
