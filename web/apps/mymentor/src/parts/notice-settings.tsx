/** What to hear of, by which way, and when not. Each switch is saved at once; one that was not saved goes back. */

import { useEffect, useState } from 'preact/hooks';
import { NOTICE_KINDS, type NoticeSettings } from '@tayang/client';
import { Loading, Switch, TextField, Trouble, useApp, useProblemText, useResource } from '@tayang/shell';
import { hasPush, pushAbility, turnPushOff, turnPushOn } from '../worker.ts';
import { useWords } from '../words.ts';

/** What quiet hours are when they are first turned on. */
const QUIET = { quiet_from: '22:00', quiet_until: '06:00' };

export function NoticeSettingsCard() {
  const { api, toasts } = useApp();
  const words = useWords();
  const textOf = useProblemText();
  const settings = useResource<NoticeSettings>('notice-settings', (signal) => api.noticeSettings(signal));
  const { value } = settings;
  const change = (part: Partial<NoticeSettings>): void => {
    if (value === null) return;
    settings.set({ ...value, ...part });
    api.changeNoticeSettings(part).catch((problem: unknown) => {
      settings.set(value);
      toasts.problem(textOf(problem));
    });
  };
  return (
    <section class="card form" id="notices">
      <h2>{words.settings.notices}</h2>
      <DevicePush />
      {value === null ? settings.problem === null ? <Loading rows={2} /> : <Trouble problem={settings.problem} retry={settings.reload} /> : <Choices value={value} change={change} />}
    </section>
  );
}

function Choices({ value, change }: { value: NoticeSettings; change: (part: Partial<NoticeSettings>) => void }) {
  const words = useWords();
  const quiet = value.quiet_from !== null && value.quiet_until !== null;
  const mute = (kind: string, on: boolean): void => {
    const others = value.muted_kinds.filter((one) => one !== kind);
    change({ muted_kinds: on ? others : [...others, kind] });
  };
  return (
    <>
      <Switch label={words.settings.pushAll} hint={words.settings.pushAllHint} on={value.push_on} onChange={(on) => change({ push_on: on })} />
      <Switch label={words.settings.email} hint={words.settings.emailHint} on={value.email_on} onChange={(on) => change({ email_on: on })} />
      <Switch
        label={words.settings.quiet}
        hint={words.settings.quietHint}
        on={quiet}
        onChange={(on) => change(on ? QUIET : { quiet_from: null, quiet_until: null })}
      />
      {quiet ? (
        <div class="two">
          <TextField label={words.settings.quietFrom} type="time" value={value.quiet_from ?? ''} onValue={(from) => (from === '' ? undefined : change({ quiet_from: from, quiet_until: value.quiet_until }))} />
          <TextField label={words.settings.quietUntil} type="time" value={value.quiet_until ?? ''} onValue={(until) => (until === '' ? undefined : change({ quiet_from: value.quiet_from, quiet_until: until }))} />
        </div>
      ) : null}
      <fieldset class="kinds">
        <legend>{words.settings.kinds}</legend>
        {NOTICE_KINDS.map((kind) => (
          <Switch key={kind} label={words.notices.kinds[kind]} on={!value.muted_kinds.includes(kind)} onChange={(on) => mute(kind, on)} />
        ))}
      </fieldset>
    </>
  );
}

/** Push belongs to the device: its switch is about this browser alone. */
function DevicePush() {
  const { api, toasts } = useApp();
  const words = useWords();
  const textOf = useProblemText();
  const [on, setOn] = useState(false);
  const [busy, setBusy] = useState(false);
  const [ability, setAbility] = useState(pushAbility);
  useEffect(() => {
    void hasPush().then(setOn);
  }, []);
  const turn = async (wanted: boolean): Promise<void> => {
    setBusy(true);
    try {
      if (wanted) setOn(await turnPushOn(api));
      else {
        await turnPushOff(api);
        setOn(false);
      }
    } catch (problem) {
      setOn(await hasPush());
      toasts.problem(textOf(problem));
    }
    setAbility(pushAbility());
    setBusy(false);
  };
  const hint = ability === 'unsupported' ? words.settings.pushUnsupported : ability === 'denied' ? words.settings.pushDenied : words.settings.pushHint;
  return <Switch label={words.settings.push} hint={hint} on={on} disabled={busy || ability === 'unsupported'} onChange={(wanted) => void turn(wanted)} />;
}
