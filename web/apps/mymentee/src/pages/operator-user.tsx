/** One person, to operators: roles, a link to sign in by once, suspending and restoring. */

import { useRef, useState } from 'preact/hooks';
import type { UserRecord } from '@tayang/client';
import { FormError, Icon, Loading, Note, PageHead, SubmitButton, Switch, Trouble, useApp, useForm, useResource, useShellWords, type Params, type Resource } from '@tayang/shell';
import { useQuestion } from '../parts/ask.tsx';
import { CopyRow } from '../parts/copy.tsx';
import { useDeed, useMyWhen } from '../parts/hooks.ts';
import { OperatorParts } from '../parts/operator-parts.tsx';
import { useOperatorWords } from '../words/operator.ts';

const ROLES = ['mentee', 'mentor', 'operator'] as const;

export function UserPage({ params }: { params: Params }) {
  const { api, router } = useApp();
  const words = useOperatorWords();
  const id = params['id'] ?? '';
  const read = useResource(`user ${id}`, (signal) => api.user(id, signal));
  const user = read.value;
  if (user === null) {
    return (
      <div class="page page-form">
        <PageHead title={words.title} />
        <OperatorParts here="/operator" />
        {read.problem === null ? <Loading /> : <Trouble problem={read.problem} retry={read.reload} />}
      </div>
    );
  }
  return (
    <div class="page page-form">
      <PageHead title={user.name} lead={<Facts user={user} />} />
      <OperatorParts here="/operator" />
      <Roles user={user} resource={read} />
      <SignInLink user={user} />
      <State user={user} resource={read} />
      <a class="button" href={router.href(`/operator/audit?subject=${encodeURIComponent(`user:${user.id}`)}`)}>
        <Icon name="clock" />
        {words.user.journal}
      </a>
    </div>
  );
}

/** What an operator is asked about first: the address, since when, and whether it is confirmed. */
function Facts({ user }: { user: UserRecord }) {
  const { now } = useApp();
  const words = useOperatorWords();
  const when = useMyWhen();
  return (
    <>
      <p class="break">{user.email}</p>
      <p class="field-note">
        {words.since(when.date(user.created_at, now()))}
        {` · ${user.verified_at === null ? words.unconfirmed : words.confirmed} · ${user.zone}`}
      </p>
    </>
  );
}

interface PartProps {
  readonly user: UserRecord;
  readonly resource: Resource<UserRecord>;
}

function Roles({ user, resource }: PartProps) {
  const { api, session, toasts } = useApp();
  const words = useOperatorWords();
  const shell = useShellWords();
  const isMe = session.user.value?.id === user.id;
  const form = useForm<{ roles: readonly string[] }>({
    initial: { roles: user.roles },
    check: ({ roles }) => (roles.length === 0 ? { roles: words.user.rolesNone } : {}),
    send: async ({ roles }) => {
      resource.set(await api.changeUser(user.id, { roles }));
      toasts.done(words.user.rolesSaved(user.name));
      if (isMe) await session.refresh();
    },
  });
  const { roles } = form.values;
  const { ask, dialog } = useQuestion();
  const element = useRef<HTMLFormElement>(null);
  const asked = useRef(false);
  const onSubmit = (event: Event): void => {
    const asks = isMe && roles.length > 0 && !roles.includes('operator') && !asked.current;
    asked.current = false;
    if (!asks) return form.onSubmit(event);
    event.preventDefault();
    const onAct = (): void => {
      asked.current = true;
      element.current?.requestSubmit();
    };
    ask({ title: words.user.leaveTitle, text: words.user.leaveText, act: words.user.leave, onAct });
    return undefined;
  };
  const toggle = (role: string, on: boolean): void => form.set('roles', ROLES.filter((one) => (one === role ? on : roles.includes(one))));
  return (
    <form ref={element} class="form card" onSubmit={onSubmit} noValidate>
      <fieldset class="fields">
        <legend>{words.user.roles}</legend>
        {ROLES.map((role) => (
          <Switch key={role} label={words.roleNames[role] ?? role} hint={words.user.roleHints[role]} on={roles.includes(role)} onChange={(on) => toggle(role, on)} />
        ))}
      </fieldset>
      {isMe ? <p class="field-note">{words.user.yours}</p> : null}
      <FormError text={form.errors.roles ?? form.error} />
      {form.changed ? <SubmitButton busy={form.busy}>{shell.save}</SubmitButton> : null}
      {dialog}
    </form>
  );
}

function SignInLink({ user }: { user: UserRecord }) {
  const { now } = useApp();
  const words = useOperatorWords().user;
  const when = useMyWhen();
  const { busy, run } = useDeed();
  const [made, setMade] = useState<{ readonly url: string; readonly expires_at: string } | null>(null);
  const suspended = user.suspended_at !== null;
  return (
    <section class="card stack">
      <h2>{words.link}</h2>
      <div role="status" class="stack">
        {made === null ? null : (
          <>
            <p>
              <strong>{words.linkReady}</strong>
            </p>
            <CopyRow label={words.link} value={new URL(made.url, location.origin).href} />
            <Note kind="away" icon="warning">
              <p>{words.linkOnce(when.within(made.expires_at, now(), when.exact(made.expires_at, now())))}</p>
            </Note>
          </>
        )}
      </div>
      <p class="field-note">{suspended ? words.linkSuspended : words.linkText}</p>
      <button type="button" class="button" disabled={suspended} aria-disabled={busy} onClick={() => run(async (api) => setMade(await api.signInLink(user.id)))}>
        <Icon name="link" />
        {words.linkMake}
      </button>
    </section>
  );
}

function State({ user, resource }: PartProps) {
  const { now, session, toasts } = useApp();
  const words = useOperatorWords().user;
  const when = useMyWhen();
  const { busy, run } = useDeed();
  const { ask, dialog } = useQuestion();
  const change = (suspended: boolean): void =>
    run(async (api) => {
      resource.set(await api.changeUser(user.id, { suspended }));
      toasts.done(suspended ? words.suspendDone(user.name) : words.restoreDone(user.name));
    });
  const isMe = session.user.value?.id === user.id;
  return (
    <section class="card stack" aria-busy={busy}>
      <h2>{words.state}</h2>
      <p>{user.suspended_at === null ? words.active : words.suspendedSince(when.within(user.suspended_at, now(), when.exact(user.suspended_at, now())))}</p>
      {isMe && user.suspended_at === null ? <p class="field-note">{words.suspendNotMe}</p> : null}
      {user.suspended_at === null ? (
        <button type="button" class="button button-danger" disabled={isMe} onClick={() => ask({ title: words.suspendTitle(user.name), text: words.suspendText, act: words.suspend, onAct: () => change(true) })}>
          <Icon name="close" />
          {words.suspend}
        </button>
      ) : (
        <button type="button" class="button button-strong" onClick={() => change(false)}>
          <Icon name="check" />
          {words.restore}
        </button>
      )}
      {dialog}
    </section>
  );
}
