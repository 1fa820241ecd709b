/** Asks why somebody is sent out, and does it. */

import type { Person } from '@tayang/client';
import { Dialog, FormError, TextField, useForm, useShellWords } from '@tayang/shell';
import { useLiveWords } from '../words/live-en.ts';
import type { Moderation } from './moderation.ts';

export function SendOutDialog({ moderation }: { moderation: Moderation }) {
  const words = useLiveWords().room;
  const { asked } = moderation;
  return (
    <Dialog open={asked !== null} title={words.sendOutTitle(asked?.name ?? '')} onClose={() => moderation.askOut(null)}>
      {asked === null ? null : <SendOutForm person={asked} moderation={moderation} />}
    </Dialog>
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
      moderation.askOut(null);
    },
  });
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <p>{words.sendOutText}</p>
      <TextField label={words.sendOutReason} required maxLength={300} value={form.values.reason} error={form.errors.reason} onValue={(value) => form.set('reason', value)} />
      <FormError text={form.error} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => moderation.askOut(null)}>
          {shell.cancel}
        </button>
        <button type="submit" class="button button-danger" aria-disabled={form.busy}>
          {words.sendOut}
        </button>
      </div>
    </form>
  );
}
