/** Asking for a link to make a new password. The answer is the same whether or not there is an account. */

import { useState } from 'preact/hooks';
import { useApp, useShellWords } from '../context.ts';
import { FormError, looksLikeEmail, SubmitButton, TextField, useForm } from '../form.tsx';
import { PageHead } from '../frame.tsx';
import { Sent } from '../parts/sent.tsx';

export function ForgottenPage() {
  const { api, router } = useApp();
  const words = useShellWords();
  const [sentTo, setSentTo] = useState<string | null>(null);
  const form = useForm({
    initial: { email: '' },
    check: ({ email }) => (looksLikeEmail(email) ? {} : { email: words.field.emailInvalid }),
    send: async ({ email }) => {
      await api.forgotPassword(email.trim());
      setSentTo(email.trim());
    },
  });
  return (
    <div class="page page-narrow">
      <PageHead title={words.forgotten.title} lead={sentTo === null ? words.forgotten.lead : undefined} />
      <Sent title={words.forgotten.sent} text={sentTo === null ? null : words.forgotten.sentText(sentTo)} onChange={() => setSentTo(null)} />
      {sentTo === null ? (
        <form class="card form" noValidate onSubmit={form.onSubmit}>
          <TextField
            label={words.field.email}
            type="email"
            autocomplete="username"
            required
            value={form.values.email}
            error={form.errors.email}
            onValue={(value) => form.set('email', value)}
          />
          <FormError text={form.error} />
          <SubmitButton busy={form.busy}>{words.forgotten.act}</SubmitButton>
        </form>
      ) : null}
      <p class="aside">
        <a class="text-link" href={router.href('/sign-in')}>
          {words.forgotten.back}
        </a>
      </p>
    </div>
  );
}
