/** Signing in: with a password, by passkey, or through a provider that this server trusts. */

import { useEffect, useState } from 'preact/hooks';
import { fillsPasskeys, hasPasskeys, showPasskey, type PasskeyToShow } from '@tayang/client';
import { useApp, useShellWords } from '../context.ts';
import { FormError, looksLikeEmail, PasswordField, SubmitButton, TextField, useForm } from '../form.tsx';
import { PageHead } from '../frame.tsx';
import { useProblemText } from '../parts/feedback.tsx';
import { Icon } from '../parts/icon.tsx';
import { safeNext } from '../router.ts';

export function SignInPage() {
  const { session, router, name } = useApp();
  const words = useShellWords();
  const next = safeNext(router.place.value.query.get('next'));
  const form = useForm({
    initial: { email: '', password: '' },
    check: ({ email, password }) => ({
      ...(email.trim() === '' ? { email: words.field.required } : looksLikeEmail(email) ? {} : { email: words.field.emailInvalid }),
      ...(password === '' ? { password: words.field.required } : {}),
    }),
    send: ({ email, password }) => session.signIn(email.trim(), password),
    explain: (problem) => (problem.status === 401 ? words.signIn.wrong : null),
  });
  const arrived = useArrivedProblem();
  const user = session.user.value;
  useEffect(() => {
    if (user !== null) router.go(next, 'replace');
  }, [user]);
  return (
    <div class="page page-narrow">
      <PageHead title={words.signIn.title(name)} lead={words.signIn.lead} />
      <form class="card form" noValidate onSubmit={form.onSubmit}>
        <TextField
          label={words.field.email}
          type="email"
          autocomplete="username webauthn"
          required
          value={form.values.email}
          error={form.errors.email}
          onValue={(value) => form.set('email', value)}
        />
        <PasswordField
          label={words.field.password}
          autocomplete="current-password"
          value={form.values.password}
          error={form.errors.password}
          onValue={(value) => form.set('password', value)}
        />
        <FormError text={form.error ?? (form.busy ? null : arrived)} />
        <SubmitButton busy={form.busy}>{words.signIn.act}</SubmitButton>
        <a class="text-link" href={router.href('/forgotten')}>
          {words.signIn.forgotten}
        </a>
      </form>
      <OtherWays next={next} />
      <p class="aside">
        {words.signIn.createLead}{' '}
        <a class="text-link" href={router.href('/create-account')}>
          {words.signIn.create}
        </a>
      </p>
    </div>
  );
}

/** Codes that a sign-in through a provider may come back with; of all others it is enough that it did not work. */
const PROVIDER_CODES = new Set(['provider-refused', 'provider-failed', 'not-begun', 'address-not-confirmed', 'suspended', 'too-fast', 'sign-up-closed']);

/** What a sign-in through a provider came back with (`?problem=`): said once, and taken out of the address. */
function useArrivedProblem(): string | null {
  const { router } = useApp();
  const words = useShellWords();
  const [code, setCode] = useState<string | null>(null);
  const asked = router.place.value.query.get('problem');
  useEffect(() => {
    if (asked === null) return;
    setCode(asked);
    const rest = new URLSearchParams(router.place.value.query);
    rest.delete('problem');
    const query = rest.toString();
    router.go(query === '' ? '/sign-in' : `/sign-in?${query}`, 'replace');
  }, [asked]);
  if (code === null) return null;
  return (PROVIDER_CODES.has(code) ? words.problem.codes[code] : undefined) ?? words.signIn.providerFailed;
}

/**
 * A passkey, where browser and server take them, and buttons of the providers, where the server has some. These leave the app and come
 * back to where one wanted to go.
 */
function OtherWays({ next }: { next: string }) {
  const { session, router } = useApp();
  const words = useShellWords();
  const providers = session.oidc.value;
  const byPasskey = session.passkeys.value && hasPasskeys();
  if (providers.length === 0 && !byPasskey) return null;
  return (
    <div class="providers">
      <p class="or">{words.signIn.or}</p>
      {byPasskey ? <PasskeyButton /> : null}
      {providers.map(({ name, start_url }) => (
        <a key={name} class="button button-wide" href={withReturn(start_url, router.href(next))}>
          {words.signIn.with(name)}
        </a>
      ))}
    </div>
  );
}

function PasskeyButton() {
  const { session } = useApp();
  const words = useShellWords();
  const textOf = useProblemText();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const fail = (problem: unknown): void => setError(textOf(problem));
  useFilledPasskey(!busy, fail);
  const signIn = (): void => {
    setBusy(true);
    setError(null);
    session
      .signInByPasskey()
      .catch(fail)
      .finally(() => setBusy(false));
  };
  return (
    <>
      <button type="button" class="button button-wide" disabled={busy} onClick={signIn}>
        <Icon name="key" />
        {words.signIn.passkey}
      </button>
      <FormError text={error} />
    </>
  );
}

/** A challenge holds for five minutes: a minute before, another one takes its place. */
const FILL_ANEW_MS = 4 * 60_000;

/** Passkeys are offered where the address is typed, while `wanted`. What goes wrong before one was chosen is nobody's business. */
function useFilledPasskey(wanted: boolean, fail: (problem: unknown) => void): void {
  const { session } = useApp();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!wanted) return undefined;
    const stop = new AbortController();
    const fill = async (): Promise<void> => {
      if (!(await fillsPasskeys().catch(() => false)) || stop.signal.aborted) return;
      let chosen = false;
      const show = async (question: PasskeyToShow): Promise<unknown> => {
        const answer = await showPasskey(question, stop.signal);
        chosen = true;
        return answer;
      };
      await session.signInByPasskey(show).catch((problem: unknown) => (chosen && !stop.signal.aborted ? fail(problem) : undefined));
    };
    void fill();
    const timer = setTimeout(() => setTurn(turn + 1), FILL_ANEW_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [wanted, turn]);
}

function withReturn(startUrl: string, returnTo: string): string {
  const url = new URL(startUrl, location.origin);
  url.searchParams.set('return_to', returnTo);
  return url.toString();
}
