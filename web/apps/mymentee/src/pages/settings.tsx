/** My account in MyMentee: what both apps share, the offer to install this one, and the calendar to subscribe to. */

import { useState } from 'preact/hooks';
import { installable } from '@tayang/mymentor/account';
import { SettingsPage } from '@tayang/mymentor/settings';
import { Icon, useApp } from '@tayang/shell';
import { useQuestion } from '../parts/ask.tsx';
import { CopyRow } from '../parts/copy.tsx';
import { useDeed } from '../parts/hooks.ts';
import { useScheduleWords } from '../words/schedule.ts';

export function AccountPage() {
  return (
    <SettingsPage>
      <InstallCard />
      <CalendarCard />
    </SettingsPage>
  );
}

/** Shown only where the browser has offered it. */
function InstallCard() {
  const words = useScheduleWords().install;
  const offer = installable.value;
  if (offer === null) return null;
  return (
    <section class="card stack">
      <h2>{words.title}</h2>
      <p class="soft">{words.text}</p>
      <button
        type="button"
        class="button"
        onClick={() => {
          installable.value = null;
          void offer.prompt();
        }}
      >
        <Icon name="device" />
        {words.act}
      </button>
    </section>
  );
}

/** The address is a secret: it is fetched when it is asked for, and can be withdrawn when it went astray. */
function CalendarCard() {
  const { toasts } = useApp();
  const words = useScheduleWords().calendar;
  const { busy, run } = useDeed();
  const { ask, dialog } = useQuestion();
  const [url, setUrl] = useState<string | null>(null);
  const show = (): void => run(async (api) => setUrl(new URL((await api.calendar()).url, location.origin).href));
  const withdraw = (): void =>
    run(async (api) => {
      await api.withdrawCalendar();
      setUrl(null);
      toasts.done(words.withdrawn);
    });
  return (
    <section class="card stack" aria-busy={busy}>
      <h2>{words.title}</h2>
      <p class="soft">{words.text}</p>
      {url === null ? null : <CopyRow label={words.address} value={url} />}
      <div class="actions">
        {url === null ? (
          <button type="button" class="button" onClick={show}>
            <Icon name="lessons" />
            {words.show}
          </button>
        ) : null}
        <button type="button" class="button button-quiet" onClick={() => ask({ title: words.withdrawTitle, text: words.withdrawText, act: words.withdraw, onAct: withdraw })}>
          {words.withdraw}
        </button>
      </div>
      {dialog}
    </section>
  );
}
