/** People, as operators find them: search, and the way to each of them. */

import { useEffect, useState } from 'preact/hooks';
import type { UserRecord } from '@tayang/client';
import { Avatar, Empty, Loading, More, PageHead, TextField, Trouble, useApp, usePages } from '@tayang/shell';
import { useMyWhen } from '../parts/hooks.ts';
import { OperatorParts } from '../parts/operator-parts.tsx';
import { useOperatorWords } from '../words/operator.ts';

/** Typing has paused. */
const PAUSE_MS = 300;

export function UsersPage() {
  const { api, router } = useApp();
  const words = useOperatorWords();
  const wanted = router.place.value.query.get('query') ?? '';
  const [typed, setTyped] = useState(wanted);
  useEffect(() => {
    const text = typed.trim();
    if (text === wanted) return undefined;
    const timer = setTimeout(() => router.go(text === '' ? '/operator' : `/operator?query=${encodeURIComponent(text)}`, 'replace'), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, wanted]);
  const users = usePages<UserRecord>(`users ${wanted}`, (cursor, signal) => api.users({ query: wanted, cursor, limit: 50, signal }));
  return (
    <div class="page page-form">
      <PageHead title={words.title} lead={words.lead} />
      <OperatorParts here="/operator" />
      <TextField label={words.search} type="search" maxLength={254} value={typed} onValue={setTyped} />
      <p class="unseen" role="status">
        {users.loading || users.items === null ? null : words.shown(users.items.length, users.more !== null)}
      </p>
      <section aria-busy={users.loading} class="stack">
        {users.items === null ? (
          users.problem === null ? <Loading /> : <Trouble problem={users.problem} retry={users.reload} />
        ) : users.items.length === 0 ? (
          <Empty icon="people" title={words.none} text={words.noneText} />
        ) : (
          <ul class="card people">
            {users.items.map((user) => (
              <UserRow key={user.id} user={user} />
            ))}
          </ul>
        )}
        <More list={users} />
      </section>
    </div>
  );
}

function RoleBadges({ user }: { user: UserRecord }) {
  const words = useOperatorWords();
  return (
    <span class="facts-row">
      {user.roles.map((role) => (
        <span key={role} class="badge-plain">
          {words.roleNames[role] ?? role}
        </span>
      ))}
      {user.suspended_at === null ? null : <span class="badge-plain badge-bad">{words.suspended}</span>}
    </span>
  );
}

function UserRow({ user }: { user: UserRecord }) {
  const { router, now } = useApp();
  const words = useOperatorWords();
  const when = useMyWhen();
  return (
    <li class="whole-row">
      <Avatar name={user.name} id={user.id} />
      <p>
        <a class="card-link" href={router.href(`/operator/users/${user.id}`)}>
          {user.name}
        </a>
        <span class="field-note">{user.email}</span>
        <span class="field-note">
          {words.since(when.date(user.created_at, now()))}
          {user.verified_at === null ? ` · ${words.unconfirmed}` : ''}
        </span>
        <RoleBadges user={user} />
      </p>
    </li>
  );
}
