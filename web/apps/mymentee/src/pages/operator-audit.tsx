/** The journal of what people did, for operators: the newest first, of all or about one thing. */

import { useState } from 'preact/hooks';
import type { AuditEntry } from '@tayang/client';
import { Empty, Loading, More, PageHead, TextField, Trouble, useApp, usePages } from '@tayang/shell';
import { useMyWhen } from '../parts/hooks.ts';
import { OperatorParts } from '../parts/operator-parts.tsx';
import { useOperatorWords } from '../words/operator.ts';

export function AuditPage() {
  const { api, router } = useApp();
  const words = useOperatorWords().journal;
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
          <Empty icon="clock" title={subject === '' ? words.none : words.noneSuch} text={subject === '' ? words.noneText : words.noneSuchText} />
        ) : (
          <ul class="card people">
            {lines.items.map((line) => (
              <Line key={line.id} line={line} />
            ))}
          </ul>
        )}
        <More list={lines} />
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

/** The end of an id tells two apart, and is what a line has room for; the whole of it is in what it leads to. */
const brief = (id: string): string => (id.length > 12 ? `…${id.slice(-8)}` : id);

/** `user:{id}` leads to that person, what else was done something about to all that is noted about it. */
function Subject({ subject }: { subject: string }) {
  const { router } = useApp();
  const words = useOperatorWords().journal;
  const [, kind, id] = /^(\w+):(.+)$/.exec(subject) ?? [];
  if (subject === '') return null;
  if (kind === undefined || id === undefined) return <span class="field-note break">{subject}</span>;
  const to = kind === 'user' ? `/operator/users/${id}` : `/operator/audit?subject=${encodeURIComponent(subject)}`;
  return (
    <a class="text-link journal-link" href={router.href(to)} title={subject}>
      {words.kinds[kind] ?? kind} {brief(id)}
    </a>
  );
}

function Line({ line }: { line: AuditEntry }) {
  const { router, session, now } = useApp();
  const words = useOperatorWords().journal;
  const when = useMyWhen();
  const { actor_id, action, subject, detail, at } = line;
  const isMe = actor_id === session.user.value?.id;
  return (
    <li>
      <p>
        <strong>{words.actions[action] ?? action}</strong>
        <span class="field-note">
          <time dateTime={at}>{when.exact(at, now())}</time>
          {actor_id === null ? ` · ${words.byNobody}` : isMe ? ` · ${words.byMe}` : null}
        </span>
        <span class="journal-links">
          {actor_id === null || isMe ? null : (
            <a class="text-link journal-link" href={router.href(`/operator/users/${actor_id}`)} title={`user:${actor_id}`}>
              {words.by(brief(actor_id))}
            </a>
          )}
          <Subject subject={subject} />
        </span>
        {detail === '' ? null : <span class="field-note">{detail}</span>}
      </p>
    </li>
  );
}
