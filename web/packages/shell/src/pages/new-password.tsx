/**
 * Making a new password with the link of a mail, whose secret is in the fragment; or the first one, by who has confirmed an
 * address in another browser than that in which they signed up.
 */

import { useEffect, useState } from 'preact/hooks';
import { useApp, useShellWords } from '../context.ts';
import { FormError, PasswordField, SubmitButton, useForm } from '../form.tsx';
import { PageHead } from '../frame.tsx';
import { Empty } from '../parts/feedback.tsx';
import { safeNext } from '../router.ts';

export function NewPasswordPage() {
  const { session, router, toasts } = useApp();
  const words = useShellWords();
  const [token] = useState(() => router.place.value.hash);
  const [query] = useState(() => router.place.value.query);
  useEffect(() => router.dropHash(), []);
  const first = token === '' && query.get('choose') !== null && session.user.value !== null;
  const form = useForm({
    initial: { password: '' },
    check: ({ password }) => (password === '' ? { password: words.field.required } : {}),
    send: async ({ password }) => {
      await session.setPassword(first ? { password } : { token, password });
      toasts.done(first ? words.newPassword.firstDone : words.newPassword.done);
      router.go(first ? safeNext(query.get('next')) : '/sign-in', 'replace');
    },
  });
  return (
    <div class="page page-narrow">
      <PageHead title={words.newPassword.title} lead={first ? words.newPassword.firstLead : token === '' ? undefined : words.newPassword.lead} />
      {token === '' && !first ? (
        <Empty icon="link" title={words.newPassword.noToken} text={words.newPassword.noTokenText}>
          <a class="button" href={router.href('/forgotten')}>
            {words.newPassword.again}
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
