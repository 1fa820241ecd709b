/** My account: profile, appearance, what to hear of, devices, password, passkeys, signing out. */

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Profile } from '@tayang/client';
import {
  Confirm, deviceZone, FormError, Icon, LanguageChoice, PageHead, PasswordField, SelectField, SubmitButton, TextField,
  useApp, useForm, useProblemText, useShellWords, type Theme,
} from '@tayang/shell';
import { Devices } from '../parts/devices.tsx';
import { NoticeSettingsCard } from '../parts/notice-settings.tsx';
import { Passkeys } from '../parts/passkeys.tsx';
import { hasPush, turnPushOff } from '../worker.ts';
import { useWords } from '../words.ts';

const NAME_MAX = 100;
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** `children` is what one app alone has. */
export function SettingsPage({ children }: { children?: ComponentChildren }) {
  const { session } = useApp();
  const words = useWords();
  const user = session.user.value;
  return (
    <div class="page page-reading">
      <PageHead title={words.settings.title} lead={user?.email} />
      <LookCard />
      {user === null ? null : <ProfileCard key={user.id} user={user} />}
      <NoticeSettingsCard />
      {children}
      <PasswordCard />
      <Passkeys />
      <Devices />
      <SignOut />
    </div>
  );
}

function LookCard() {
  const { preferences } = useApp();
  const shell = useShellWords();
  return (
    <section class="card form">
      <div class="setting-row">
        <h2>{shell.language}</h2>
        <LanguageChoice />
      </div>
      <div class="setting-row">
        <h2 id="theme-title">{shell.theme}</h2>
        <div class="choices" role="group" aria-labelledby="theme-title">
          {THEMES.map((theme) => (
            <button key={theme} type="button" class="choice choice-wide" aria-pressed={preferences.theme.value === theme} onClick={() => preferences.setTheme(theme)}>
              {shell.themes[theme]}
            </button>
          ))}
        </div>
      </div>
    </section>
  );
}

/** Zones that the browser knows; the profile's own is among them even if it is not. */
function zones(own: string): readonly (readonly [string, string])[] {
  const known = 'supportedValuesOf' in Intl ? Intl.supportedValuesOf('timeZone') : [];
  const all = [...new Set([own, deviceZone(), ...known])].toSorted((a, b) => a.localeCompare(b));
  return all.map((zone) => [zone, zone.replaceAll('_', ' ')] as const);
}

function ProfileCard({ user }: { user: Profile }) {
  const { api, session, toasts } = useApp();
  const words = useWords();
  const shell = useShellWords();
  const here = deviceZone();
  const form = useForm({
    initial: { name: user.name, locale: user.locale, zone: user.zone },
    check: ({ name }) => (name.trim() === '' ? { name: shell.field.required } : {}),
    send: async ({ name, locale, zone }) => {
      await api.changeMe({ name: name.trim(), locale, zone });
      await session.refresh();
      toasts.done(shell.saved);
    },
  });
  return (
    <form class="card form" noValidate onSubmit={form.onSubmit}>
      <h2>{words.settings.profile}</h2>
      <TextField
        label={shell.field.name}
        hint={shell.create.nameHint}
        autocomplete="name"
        required
        maxLength={NAME_MAX}
        value={form.values.name}
        error={form.errors.name}
        onValue={(value) => form.set('name', value)}
      />
      <SelectField
        label={words.settings.language}
        value={form.values.locale}
        options={[['id', 'Bahasa Indonesia'], ['en', 'English']]}
        error={form.errors.locale}
        onValue={(value) => form.set('locale', value)}
      />
      <SelectField
        label={words.settings.zone}
        hint={here === form.values.zone ? undefined : words.settings.zoneHere(here.replaceAll('_', ' '))}
        value={form.values.zone}
        options={zones(user.zone)}
        error={form.errors.zone}
        onValue={(value) => form.set('zone', value)}
      />
      {here === form.values.zone ? null : (
        <button type="button" class="button" onClick={() => form.set('zone', here)}>
          {words.settings.useZone}
        </button>
      )}
      <FormError text={form.error} />
      {form.changed ? <SubmitButton busy={form.busy}>{shell.save}</SubmitButton> : null}
    </form>
  );
}

function PasswordCard() {
  const { session, toasts } = useApp();
  const words = useWords();
  const shell = useShellWords();
  const [open, setOpen] = useState(false);
  const form = useForm({
    initial: { current_password: '', password: '' },
    check: ({ current_password, password }) => ({
      ...(current_password === '' ? { current_password: shell.field.required } : {}),
      ...(password === '' ? { password: shell.field.required } : {}),
    }),
    send: async (values) => {
      await session.setPassword(values);
      toasts.done(words.settings.passwordChanged);
      form.reset({ current_password: '', password: '' });
      setOpen(false);
    },
  });
  return (
    <form class="card form" noValidate onSubmit={form.onSubmit}>
      <div class="setting-row">
        <h2>{words.settings.password}</h2>
        <button type="button" class="round" aria-expanded={open} aria-label={words.settings.password} onClick={() => setOpen(!open)}>
          <Icon name={open ? 'close' : 'edit'} />
        </button>
      </div>
      {open ? (
        <>
          <PasswordField
            label={words.settings.currentPassword}
            autocomplete="current-password"
            value={form.values.current_password}
            error={form.errors.current_password}
            onValue={(value) => form.set('current_password', value)}
          />
          <PasswordField
            label={shell.field.newPassword}
            hint={shell.field.passwordHint}
            autocomplete="new-password"
            value={form.values.password}
            error={form.errors.password}
            onValue={(value) => form.set('password', value)}
          />
          <FormError text={form.error} />
          <SubmitButton busy={form.busy}>{words.settings.password}</SubmitButton>
        </>
      ) : null}
    </form>
  );
}

function SignOut() {
  const { api, session, toasts } = useApp();
  const words = useWords();
  const shell = useShellWords();
  const textOf = useProblemText();
  const [asking, setAsking] = useState(false);
  const leave = async (everywhere: boolean): Promise<void> => {
    // Whoever takes up this device next must not read one's news.
    if (await hasPush()) await turnPushOff(api).catch(() => undefined);
    await session.signOut(everywhere);
  };
  const out = (everywhere: boolean): void => {
    leave(everywhere).catch((problem: unknown) => toasts.problem(textOf(problem)));
  };
  return (
    <div class="sign-out">
      <button type="button" class="button" onClick={() => out(false)}>
        <Icon name="leave" />
        {shell.signOut}
      </button>
      <button type="button" class="button button-quiet" onClick={() => setAsking(true)}>
        {words.settings.signOutEverywhere}
      </button>
      <Confirm
        open={asking}
        title={`${words.settings.signOutEverywhere}?`}
        text={words.settings.signOutEverywhereText}
        act={shell.signOut}
        onAct={() => out(true)}
        onClose={() => setAsking(false)}
      />
    </div>
  );
}
