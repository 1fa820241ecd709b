/** Making a new password with the link of a mail, whose secret is in the fragment. */

import { useEffect, useState } from 'preact/hooks';
import { useApp, useShellWords } from '../context.ts';
import { FormError, PasswordField, SubmitButton, useForm } from '../form.tsx';
import { PageHead } from '../frame.tsx';
import { Empty } from '../parts/feedback.tsx';

export function NewPasswordPage() {
  const { session, router, toasts } = useApp();
  const words = useShellWords();
  const [token] = useState(() => router.place.value.hash);
  useEffect(() => router.dropHash(), []);
  const form = useForm({
    initial: { password: '' },
    check: ({ password }) => (password === '' ? { password: words.field.required } : {}),
    send: async ({ password }) => {
      await session.setPassword({ token, password });
      toasts.done(words.newPassword.done);
      router.go('/sign-in', 'replace');
    },
  });
  return (
    <div class="page page-narrow">
      <PageHead title={words.newPassword.title} lead={token === '' ? undefined : words.newPassword.lead} />
      {token === '' ? (
        <Empty icon="link" title={words.newPassword.noToken} text={words.newPassword.noTokenText}>
          <a class="button" href={router.href('/forgotten')}>
            {words.forgotten.act}
          </a>
        </Empty>
      ) : (
        <form class="card form" noValidate onSubmit={form.onSubmit}>
          <PasswordField
            label={words.field.newPassword}
            hint={words.field.passwordHint}
            autocomplete="new-password"
            value={form.values.password}
            error={form.errors.password}
            onValue={(value) => form.set('password', value)}
          />
          <FormError text={form.error} />
          <SubmitButton busy={form.busy}>{words.newPassword.act}</SubmitButton>
        </form>
      )}
    </div>
  );
}
