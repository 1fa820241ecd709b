/** Making an account; it begins when the link in the mail is opened. */

import { useState } from 'preact/hooks';
import { useApp, useShellWords } from '../context.ts';
import { FormError, looksLikeEmail, PasswordField, SubmitButton, TextField, useForm } from '../form.tsx';
import { PageHead } from '../frame.tsx';
import { Sent } from '../parts/sent.tsx';
import { deviceZone } from '../preferences.ts';

/** Longer than any name that is meant to be read beside a comment. */
const NAME_MAX = 100;

export function CreateAccountPage() {
  const { router } = useApp();
  const words = useShellWords();
  const [sentTo, setSentTo] = useState<string | null>(null);
  return (
    <div class="page page-narrow">
      <PageHead title={words.create.title} lead={sentTo === null ? words.create.lead : undefined} />
      <Sent title={words.create.sent} text={sentTo === null ? null : words.create.sentText(sentTo)} onChange={() => setSentTo(null)} />
      <AccountForm hidden={sentTo !== null} onSent={setSentTo} />
      <p class="aside">
        <a class="text-link" href={router.href('/sign-in')}>
          {words.create.have}
        </a>
      </p>
    </div>
  );
}

/**
 * Name and address stay for who has to correct the address. The password goes, and its field with it, looked at or not: at a
 * shared computer the next person could bring it back.
 */
function AccountForm({ hidden, onSent }: { hidden: boolean; onSent: (email: string) => void }) {
  const { api, preferences } = useApp();
  const words = useShellWords();
  const form = useForm({
    initial: { name: '', email: '', password: '' },
    check: ({ name, email, password }) => ({
      ...(name.trim() === '' ? { name: words.field.required } : {}),
      ...(looksLikeEmail(email) ? {} : { email: words.field.emailInvalid }),
      ...(password === '' ? { password: words.field.required } : {}),
    }),
    send: async ({ name, email, password }) => {
      const account = { name: name.trim(), email: email.trim(), password, locale: preferences.language.value, zone: deviceZone() };
      await api.createAccount(account);
      form.set('password', '');
      onSent(account.email);
    },
  });
  return (
    <form class="card form" hidden={hidden} noValidate onSubmit={form.onSubmit}>
      <TextField
        label={words.field.name}
        hint={words.create.nameHint}
        autocomplete="name"
        required
        maxLength={NAME_MAX}
        value={form.values.name}
        error={form.errors.name}
        onValue={(value) => form.set('name', value)}
      />
      <TextField
        label={words.field.email}
        type="email"
        autocomplete="email"
        required
        value={form.values.email}
        error={form.errors.email}
        onValue={(value) => form.set('email', value)}
      />
      <PasswordField
        key={String(hidden)}
        label={words.field.password}
        hint={words.field.passwordHint}
        autocomplete="new-password"
        value={form.values.password}
        error={form.errors.password}
        onValue={(value) => form.set('password', value)}
      />
      <FormError text={form.error} />
      <SubmitButton busy={form.busy}>{words.create.act}</SubmitButton>
    </form>
  );
}
