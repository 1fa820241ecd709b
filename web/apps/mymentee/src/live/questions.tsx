/** What is asked before somebody is muted (for how long) or sent out (why). */

import type { Person } from '@tayang/client';
import { Dialog, FormError, TextField, useForm, useShellWords } from '@tayang/shell';
import { useLiveWords } from '../words/live-en.ts';
import { MUTE_MINUTES, type Moderation } from './moderation.ts';

export function Questions({ moderation }: { moderation: Moderation }) {
  const words = useLiveWords().room;
  const { asked, close } = moderation;
  const name = asked?.person.name ?? '';
  return (
    <Dialog open={asked !== null} title={asked?.what === 'mute' ? words.muteTitle(name) : words.sendOutTitle(name)} onClose={close}>
      {asked === null ? null : asked.what === 'mute' ? <MuteChoice person={asked.person} moderation={moderation} /> : <SendOutForm person={asked.person} moderation={moderation} />}
    </Dialog>
  );
}

function MuteChoice({ person, moderation }: { person: Person; moderation: Moderation }) {
  const words = useLiveWords().room;
  return (
    <div class="stack">
      <p>{words.muteText}</p>
      <div class="stack" role="group" aria-label={words.muteTitle(person.name)}>
        {MUTE_MINUTES.map((minutes) => (
          <button
            key={minutes}
            type="button"
            class="button button-wide"
            onClick={() => {
              moderation.mute(person, minutes);
              moderation.close();
            }}
          >
            {words.muteLengths[minutes]}
          </button>
        ))}
      </div>
    </div>
  );
}

function SendOutForm({ person, moderation }: { person: Person; moderation: Moderation }) {
  const words = useLiveWords().room;
  const shell = useShellWords();
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => (reason.trim() === '' ? { reason: shell.field.required } : {}),
    send: async ({ reason }) => {
      await moderation.sendOut(person, reason.trim());
      moderation.close();
    },
  });
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <p>{words.sendOutText}</p>
      <TextField label={words.sendOutReason} required maxLength={300} value={form.values.reason} error={form.errors.reason} onValue={(value) => form.set('reason', value)} />
      <FormError text={form.error} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={moderation.close}>
          {shell.cancel}
        </button>
        <button type="submit" class="button button-danger" aria-disabled={form.busy}>
          {words.sendOut}
        </button>
      </div>
    </form>
  );
}
