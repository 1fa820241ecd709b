/** One's passkeys: the list, adding one on this device, removing one. Shown where the server takes them. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { hasPasskeys, makePasskey, Problem, type Passkey } from '@tayang/client';
import {
  Confirm, FormError, Icon, Loading, PasswordField, SubmitButton, TextField, Trouble, useApp, useForm, usePages, useProblemText, useShellWords, useWhen,
} from '@tayang/shell';
import { useWords } from '../words.ts';
import { deviceName } from './device-name.ts';

const NAME_MAX = 60;

/** What is asked before one is added: `password` of who has one. */
type Asking = 'nothing' | 'name' | 'password';

export function Passkeys() {
  const { session } = useApp();
  return session.passkeys.value ? <PasskeysCard /> : null;
}

function PasskeysCard() {
  const { api, toasts } = useApp();
  const words = useWords().settings.passkeys;
  const textOf = useProblemText();
  const passkeys = usePages<Passkey>('passkeys', (cursor, signal) => api.passkeys({ cursor, signal }));
  const [asking, setAsking] = useState<Asking>('nothing');
  const [leaving, setLeaving] = useState<Passkey | null>(null);
  const adding = useRef<HTMLButtonElement>(null);
  const open = (): void => {
    // Whether there is a password to ask for, the server knows.
    api.passkeyToMake(undefined).then(
      () => setAsking('name'),
      (problem: unknown) => (wantsPassword(problem) ? setAsking('password') : toasts.problem(textOf(problem))),
    );
  };
  const remove = ({ id }: Passkey): void => {
    api.removePasskey(id).then(
      () => passkeys.change((items) => items.filter((one) => one.id !== id)),
      (problem: unknown) => toasts.problem(textOf(problem)),
    );
  };
  // What had the focus is gone: it goes on with what opens it again.
  const close = (): void => {
    setAsking('nothing');
    requestAnimationFrame(() => adding.current?.focus());
  };
  const added = (passkey: Passkey): void => {
    passkeys.change((items) => [...items, passkey]);
    close();
    toasts.done(words.added);
  };
  return (
    <section class="card form">
      <h2>{words.title}</h2>
      <p class="soft">{words.text}</p>
      {passkeys.items === null ? passkeys.problem === null ? <Loading rows={1} /> : <Trouble problem={passkeys.problem} retry={passkeys.reload} /> : null}
      {(passkeys.items ?? []).length === 0 ? null : (
        <ul class="rows">
          {(passkeys.items ?? []).map((passkey) => (
            <PasskeyRow key={passkey.id} passkey={passkey} onRemove={() => setLeaving(passkey)} />
          ))}
        </ul>
      )}
      {asking === 'nothing' ? null : <NewPasskey asksPassword={asking === 'password'} onAdded={added} onCancel={close} />}
      {asking !== 'nothing' ? null : hasPasskeys() ? (
        <button ref={adding} type="button" class="button" onClick={open}>
          <Icon name="plus" />
          {words.add}
        </button>
      ) : (
        <p class="soft small">{words.unsupported}</p>
      )}
      <Confirm
        open={leaving !== null}
        title={words.removeTitle(leaving?.name ?? '')}
        text={words.removeText}
        act={words.remove}
        onAct={() => (leaving === null ? undefined : remove(leaving))}
        onClose={() => setLeaving(null)}
      />
    </section>
  );
}

function wantsPassword(problem: unknown): boolean {
  return problem instanceof Problem && problem.fields.some(({ field }) => field === 'current_password');
}

function NewPasskey({ asksPassword, onAdded, onCancel }: { asksPassword: boolean; onAdded: (passkey: Passkey) => void; onCancel: () => void }) {
  const { api } = useApp();
  const { settings } = useWords();
  const shell = useShellWords();
  const form = useForm({
    initial: { name: deviceName(navigator.userAgent).slice(0, NAME_MAX), current_password: '' },
    check: ({ name, current_password }) => ({
      ...(name.trim() === '' ? { name: shell.field.required } : {}),
      ...(asksPassword && current_password === '' ? { current_password: shell.field.required } : {}),
    }),
    send: async ({ name, current_password }) => {
      const question = await api.passkeyToMake(asksPassword ? current_password : undefined);
      const credential = await makePasskey(question);
      onAdded(await api.addPasskey({ challenge: question.challenge, credential, name: name.trim() }));
    },
  });
  const element = useRef<HTMLFormElement>(null);
  useEffect(() => element.current?.querySelector('input')?.focus(), []);
  return (
    <form ref={element} class="form" noValidate onSubmit={form.onSubmit}>
      <TextField
        label={settings.passkeys.name}
        hint={settings.passkeys.nameHint}
        required
        maxLength={NAME_MAX}
        value={form.values.name}
        error={form.errors.name}
        onValue={(value) => form.set('name', value)}
      />
      {asksPassword ? (
        <PasswordField
          label={settings.currentPassword}
          autocomplete="current-password"
          value={form.values.current_password}
          error={form.errors.current_password}
          onValue={(value) => form.set('current_password', value)}
        />
      ) : null}
      <FormError text={form.error} />
      <SubmitButton busy={form.busy}>{settings.passkeys.make}</SubmitButton>
      <button type="button" class="button button-quiet" onClick={onCancel}>
        {shell.cancel}
      </button>
    </form>
  );
}

function PasskeyRow({ passkey, onRemove }: { passkey: Passkey; onRemove: () => void }) {
  const { now } = useApp();
  const words = useWords().settings.passkeys;
  const when = useWhen();
  const used = passkey.used_at === null ? words.unused : words.used(when.relative(passkey.used_at, now()));
  return (
    <li class="device">
      <Icon name="key" />
      <div>
        <h3>{passkey.name}</h3>
        <p class="soft small">{`${words.since(when.date(passkey.created_at, now()))}, ${used}`}</p>
      </div>
      <button type="button" class="button" onClick={onRemove}>
        {words.remove}
        <span class="unseen"> {passkey.name}</span>
      </button>
    </li>
  );
}
