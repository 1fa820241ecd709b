/** Webhooks: the addresses that are told of lessons, their secret once, and what was sent. */

import { useState } from 'preact/hooks';
import { WEBHOOK_KINDS, WEBHOOK_KINDS_USUAL, type Delivery, type Webhook } from '@tayang/client';
import {
  Empty, FormError, Icon, Loading, More, Note, PageHead, SelectField, SubmitButton, Switch, TextField, Trouble, useApp, useForm, usePages, useResource, useShellWords,
  type Form, type Params, type Resource,
} from '@tayang/shell';
import { useQuestion } from '../parts/ask.tsx';
import { CopyRow } from '../parts/copy.tsx';
import { useIsOperator } from '../parts/gate.tsx';
import { readAll, useDeed, useMyWhen } from '../parts/hooks.ts';
import { OperatorParts } from '../parts/operator-parts.tsx';
import { useCourseWords } from '../words/courses.ts';

interface HookValues {
  readonly url: string;
  readonly kinds: readonly string[];
}

/** None named are all. */
const kindsOf = (kinds: readonly string[]): readonly string[] => (kinds.length === 0 ? WEBHOOK_KINDS_USUAL : kinds);

const STATES = ['', 'waiting', 'sent', 'dead'] as const;

export function isHookUrl(text: string): boolean {
  try {
    return new URL(text.trim()).protocol === 'https:';
  } catch {
    return false;
  }
}

export function WebhooksPage() {
  const { api, router } = useApp();
  const words = useCourseWords().hooks;
  const operator = useIsOperator();
  const hooks = useResource('webhooks', () => readAll((cursor) => api.webhooks({ cursor, limit: 100 })));
  return (
    <div class="page page-form">
      <PageHead title={words.title} lead={operator ? words.leadOperator : words.lead}>
        <a class="button button-strong" href={router.href('/webhooks/new')}>
          <Icon name="plus" />
          {words.add}
        </a>
      </PageHead>
      {operator ? <OperatorParts here="/webhooks" /> : null}
      {hooks.value === null ? (
        hooks.problem === null ? <Loading /> : <Trouble problem={hooks.problem} retry={hooks.reload} />
      ) : hooks.value.length === 0 ? (
        <Empty icon="link" title={words.none} text={words.noneText} />
      ) : (
        <div class="stack">
          <h2 class="unseen">{words.title}</h2>
          {hooks.value.map(({ id, url, kinds, disabled_at }) => (
            <article key={id} class="card course-card">
              <h3>
                <a class="card-link break" href={router.href(`/webhooks/${id}`)}>
                  {url}
                </a>
              </h3>
              <p class="facts-row">
                {disabled_at === null ? null : <span class="badge-plain">{words.paused}</span>}
                <span class="soft">{words.kindsCount(kindsOf(kinds).length)}</span>
              </p>
            </article>
          ))}
        </div>
      )}
    </div>
  );
}

function useHookForm(initial: HookValues, send: (values: HookValues, key: string) => Promise<void>): Form<HookValues> {
  const words = useCourseWords().hooks;
  return useForm<HookValues>({
    initial,
    check: ({ url, kinds }) => ({
      ...(isHookUrl(url) ? {} : { url: words.urlInvalid }),
      ...(kinds.length === 0 ? { kinds: words.kindsNone } : {}),
    }),
    send: ({ url, kinds }, key) => send({ url: url.trim(), kinds }, key),
  });
}

function HookFields({ form: { values, errors, set } }: { form: Form<HookValues> }) {
  const words = useCourseWords().hooks;
  const toggle = (kind: string, on: boolean): void => set('kinds', on ? [...values.kinds, kind] : values.kinds.filter((one) => one !== kind));
  return (
    <>
      <TextField label={words.url} hint={words.urlHint} type="url" required value={values.url} error={errors.url} onValue={(value) => set('url', value)} />
      <fieldset class="fields">
        <legend>{words.kinds}</legend>
        {WEBHOOK_KINDS.map((kind) => (
          <Switch key={kind} label={words.kindNames[kind] ?? kind} on={values.kinds.includes(kind)} onChange={(on) => toggle(kind, on)} />
        ))}
      </fieldset>
      <FormError text={errors.kinds ?? null} />
    </>
  );
}

export function NewWebhookPage() {
  const { api, router } = useApp();
  const words = useCourseWords().hooks;
  const operator = useIsOperator();
  const [made, setMade] = useState<Webhook | null>(null);
  const form = useHookForm({ url: '', kinds: [...WEBHOOK_KINDS_USUAL] }, async (values, key) => setMade(await api.createWebhook(values, key)));
  return (
    <div class="page page-form">
      <PageHead title={words.add} lead={made !== null ? <span class="break">{made.url}</span> : operator ? words.leadOperator : words.lead} />
      {made === null ? (
        <form class="form card" onSubmit={form.onSubmit} noValidate>
          <HookFields form={form} />
          <FormError text={form.error} />
          <SubmitButton busy={form.busy}>{words.add}</SubmitButton>
        </form>
      ) : (
        <section class="card stack" role="status">
          <h2>{words.secretTitle}</h2>
          {made.secret === undefined ? null : <CopyRow label={words.secret} value={made.secret} />}
          <Note kind="away" icon="warning">
            <p>{words.secretText}</p>
          </Note>
          <a class="button" href={router.href(`/webhooks/${made.id}`)}>
            {words.deliveries}
          </a>
        </section>
      )}
    </div>
  );
}

export function WebhookPage({ params }: { params: Params }) {
  const { api } = useApp();
  const words = useCourseWords().hooks;
  const id = params['id'] ?? '';
  const hook = useResource(`webhook ${id}`, (signal) => api.webhook(id, signal));
  if (hook.value === null) {
    return (
      <div class="page page-form">
        <PageHead title={words.title} />
        {hook.problem === null ? <Loading /> : <Trouble problem={hook.problem} retry={hook.reload} />}
      </div>
    );
  }
  return (
    <div class="page page-form">
      <PageHead title={words.title} lead={<span class="break">{hook.value.url}</span>} />
      <Deliveries hook={hook.value} />
      <ChangeHook hook={hook.value} resource={hook} />
    </div>
  );
}

function ChangeHook({ hook, resource }: { hook: Webhook; resource: Resource<Webhook> }) {
  const { api, router, toasts } = useApp();
  const words = useCourseWords().hooks;
  const shell = useShellWords();
  const { busy, run } = useDeed();
  const { ask, dialog } = useQuestion();
  const form = useHookForm({ url: hook.url, kinds: kindsOf(hook.kinds) }, async (values) => {
    resource.set({ ...hook, ...(await api.changeWebhook(hook.id, values)) });
    toasts.done(words.saved);
  });
  const remove = (): void =>
    run(async () => {
      await api.deleteWebhook(hook.id);
      toasts.done(words.removed);
      router.go('/webhooks', 'replace');
    });
  const pause = (disabled: boolean): void =>
    run(async () => {
      resource.set({ ...hook, ...(await api.changeWebhook(hook.id, { disabled })) });
      toasts.done(disabled ? words.pauseDone : words.resumeDone);
    });
  return (
    <>
      <section class="card" aria-busy={busy}>
        <Switch label={words.pause} hint={words.pauseHint} on={hook.disabled_at !== null} onChange={pause} />
      </section>
      <form class="form card" onSubmit={form.onSubmit} noValidate>
        <HookFields form={form} />
        <FormError text={form.error} />
        {form.changed ? <SubmitButton busy={form.busy}>{shell.save}</SubmitButton> : null}
      </form>
      <div class="actions">
        <button type="button" class="button button-danger" onClick={() => ask({ title: words.removeTitle, text: words.removeText, act: words.remove, onAct: remove })}>
          <Icon name="trash" />
          {words.remove}
        </button>
      </div>
      {dialog}
    </>
  );
}

function Deliveries({ hook }: { hook: Webhook }) {
  const { api } = useApp();
  const words = useCourseWords().hooks;
  const [state, setState] = useState('');
  const list = usePages<Delivery>(`deliveries ${hook.id} ${state}`, (cursor) => api.deliveries(hook.id, { cursor, ...(state === '' ? {} : { state }) }));
  return (
    <section class="card stack">
      <div class="section-head">
        <h2>{words.deliveries}</h2>
        <button type="button" class="button" onClick={list.reload}>
          {words.refresh}
        </button>
      </div>
      <SelectField label={words.filter} value={state} onValue={setState} options={STATES.map((one) => [one, one === '' ? words.all : (words.states[one] ?? one)] as const)} />
      {list.items === null ? (
        list.problem === null ? <Loading rows={2} /> : <Trouble problem={list.problem} retry={list.reload} />
      ) : list.items.length === 0 ? (
        <p class="field-note">{state === '' ? words.noDeliveries : words.noSuchDeliveries}</p>
      ) : (
        <ul class="people">
          {list.items.map((one) => (
            <DeliveryRow key={one.id} hook={hook} delivery={one} onReplayed={list.reload} />
          ))}
        </ul>
      )}
      <More list={list} />
    </section>
  );
}

function DeliveryRow({ hook, delivery, onReplayed }: { hook: Webhook; delivery: Delivery; onReplayed: () => void }) {
  const { now, toasts } = useApp();
  const words = useCourseWords().hooks;
  const when = useMyWhen();
  const { busy, run } = useDeed();
  const replay = (): void =>
    run(async (api) => {
      await api.replayDelivery(hook.id, delivery.id);
      toasts.done(words.replayed);
      onReplayed();
    });
  // Of one that arrived there is nothing more to say; of one that did not, what was answered last, if anything was.
  const untroubled = delivery.state === 'sent' || delivery.attempts === 0;
  const status = untroubled ? '' : ` · ${delivery.last_status === null ? words.noAnswer : words.status(delivery.last_status)}`;
  const state = delivery.state === 'waiting' && delivery.attempts > 0 ? 'retrying' : delivery.state;
  const kind = words.kindNames[delivery.kind] ?? delivery.kind;
  return (
    <li>
      <span class="delivery-state" data-state={state}>
        {words.states[state] ?? state}
      </span>
      <p>
        <strong>{kind}</strong>
        <span class="field-note">
          {when.exact(delivery.created_at, now())} · {words.tries(delivery.attempts)}
          {status}
        </span>
      </p>
      <button type="button" class="chip" onClick={replay} aria-disabled={busy}>
        {words.replay}
        <span class="unseen">: {kind}</span>
      </button>
    </li>
  );
}
