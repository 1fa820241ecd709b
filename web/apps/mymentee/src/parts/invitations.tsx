/** Links that let people into a course: making one, taking it along while it can be seen, revoking. */

import { useRef, useState } from 'preact/hooks';
import type { Course, Invitation } from '@tayang/client';
import { FormError, Icon, Loading, Note, SelectField, SubmitButton, TextField, Trouble, useApp, useForm, useResource } from '@tayang/shell';
import { wholeOf } from '../logic/lesson-form.ts';
import { useCourseWords } from '../words/courses.ts';
import { useScheduleWords } from '../words/schedule.ts';
import { useQuestion } from './ask.tsx';
import { CopyRow, ShareButton } from './copy.tsx';
import { readAll, useDeed, useMyWhen, useWriter } from './hooks.ts';
import { Qr } from './qr.tsx';

const DAYS = ['1', '7', '30', '365'] as const;
/** A class, unless the mentor says otherwise. */
const USES = 40;
/** What the server takes. */
const USES_MAX = 10_000;
/** Clocks differ: a year from ours may be more than a year from the server's. */
const CLOCKS_MS = 60_000;

export function Invitations({ course }: { course: Course }) {
  const { api } = useApp();
  const words = useCourseWords().invite;
  const [made, setMade] = useState<string | null>(null);
  const list = useResource(`invitations ${course.id}`, () => readAll((cursor) => api.invitations(course.id, { cursor, limit: 100 })));
  return (
    <div class="split">
      <div class="stack">
        <section class="card stack">
          <h2>{words.title}</h2>
          <p>{words.lead}</p>
          <InviteForm
            course={course}
            onLost={list.reload}
            onMade={(invitation) => {
              setMade(invitation.url ?? null);
              list.reload();
            }}
          />
        </section>
        {made === null ? null : <Made course={course} url={made} />}
      </div>
      <section class="card stack">
        <h2>{words.existing}</h2>
        {list.value === null ? (
          list.problem === null ? <Loading rows={2} /> : <Trouble problem={list.problem} retry={list.reload} />
        ) : list.value.length === 0 ? (
          <p class="field-note">{words.none}</p>
        ) : (
          <ul class="people">
            {list.value.map((one) => (
              <InvitationRow key={one.id} course={course} invitation={one} onRevoked={list.reload} />
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}

function InviteForm({ course, onMade, onLost }: { course: Course; onMade: (invitation: Invitation) => void; onLost: () => void }) {
  const { api, now } = useApp();
  const words = useCourseWords().invite;
  const end = useRef({ key: '', at: '' });
  const form = useForm({
    initial: { uses: String(USES), days: '7' },
    names: { expires_at: 'days' },
    check: ({ uses }) => (isUses(wholeOf(uses)) ? {} : { uses: words.notWhole }),
    send: async ({ uses, days }, key) => {
      // The end stays with the key: with the same key the server takes the same request alone.
      if (end.current.key !== key) end.current = { key, at: new Date(now() + Number(days) * 86_400_000 - CLOCKS_MS).toISOString() };
      onMade(await api.invite(course.id, { uses: wholeOf(uses), expires_at: end.current.at }, key));
    },
    explain: ({ code }) => {
      if (code === 'answered-once') onLost();
      return null;
    },
  });
  const { values, errors, set } = form;
  return (
    <form class="form" onSubmit={form.onSubmit} noValidate>
      <div class="two">
        <TextField label={words.uses} hint={words.usesHint} type="number" min="1" max={String(USES_MAX)} value={values.uses} error={errors.uses} onValue={(value) => set('uses', value)} />
        <SelectField label={words.days} value={values.days} error={errors.days} onValue={(value) => set('days', value)} options={DAYS.map((days) => [days, words.dayChoices[days]] as const)} />
      </div>
      <FormError text={form.error} />
      <SubmitButton busy={form.busy}>{words.make}</SubmitButton>
    </form>
  );
}

function isUses(uses: number | null): boolean {
  return uses !== null && uses >= 1 && uses <= USES_MAX;
}

function Made({ course, url }: { course: Course; url: string }) {
  const words = useCourseWords().invite;
  const share = useScheduleWords().copy.share;
  // The server may answer with a path of its own.
  const full = new URL(url, location.origin).href;
  return (
    <section class="card stack invitation" role="status">
      <h2>{words.ready}</h2>
      <Note kind="away" icon="warning">
        <p>{words.readyText}</p>
      </Note>
      <CopyRow label={words.link} value={full} />
      <ShareButton url={full} text={words.shareText(course.title)} label={share} />
      <Qr text={full} label={words.qr} />
    </section>
  );
}

function InvitationRow({ course, invitation, onRevoked }: { course: Course; invitation: Invitation; onRevoked: () => void }) {
  const { now, toasts } = useApp();
  const words = useCourseWords().invite;
  const when = useMyWhen();
  const writer = useWriter();
  const { run } = useDeed();
  const { ask, dialog } = useQuestion();
  const revoke = (): void =>
    run(async (api) => {
      await api.deleteInvitation(course.id, invitation.id);
      toasts.done(words.revoked);
      onRevoked();
    });
  const uses = words.usesLeft(writer.whole(invitation.uses_left));
  const until = words.until(when.within(invitation.expires_at, now()));
  return (
    <li>
      <span class="row-icon">
        <Icon name="link" />
      </span>
      <p>
        <strong>{uses}</strong>
        <span class="field-note">{until}</span>
      </p>
      <button type="button" class="chip" onClick={() => ask({ title: words.revokeTitle, text: words.revokeText, act: words.revoke, onAct: revoke })}>
        {words.revoke}
        <span class="unseen">
          : {uses}, {until}
        </span>
      </button>
      {dialog}
    </li>
  );
}
