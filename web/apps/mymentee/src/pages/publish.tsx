/** How to bring a broadcast to the server: address and key, phone, command line, own keys; and whether it has arrived. */

import { useState } from 'preact/hooks';
import type { Health, Lesson, Publishing, StreamKey } from '@tayang/client';
import { Empty, Icon, Lamp, Loading, Note, PageHead, remaining, Trouble, useApp, useNow, useResource, type Params, type Resource } from '@tayang/shell';
import { adviceOf, CHECKS, checksOf, isReady } from '../logic/health.ts';
import { AdviceList } from '../live/advice.tsx';
import { useQuestion } from '../parts/ask.tsx';
import { CopyRow } from '../parts/copy.tsx';
import { useDeed, useMyWhen, usePoll } from '../parts/hooks.ts';
import { ServerQr } from '../parts/qr.tsx';
import { Tabs, type Tab } from '../parts/tabs.tsx';
import { useLiveWords } from '../words/live-en.ts';

const HEALTH_MS = 2_000;
const LESSON_MS = 6_000;

export function PublishPage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const lesson = useResource(`lesson ${id}`, (signal) => api.lesson(id, signal));
  // It may begin elsewhere, be it on another device.
  const polled = usePoll((signal) => api.lesson(id, signal), LESSON_MS, lesson.value !== null);
  if (lesson.value === null) {
    return <div class="page">{lesson.problem === null ? <Loading /> : <Trouble problem={lesson.problem} retry={lesson.reload} />}</div>;
  }
  return <Publish lesson={polled.value ?? lesson.value} />;
}

function Publish({ lesson }: { lesson: Lesson }) {
  const { api, router } = useApp();
  const words = useLiveWords().publish;
  const when = useMyWhen();
  const now = useApp().now();
  const open = lesson.state === 'scheduled' || lesson.state === 'live';
  const publishing = useResource(open ? `publishing ${lesson.id}` : null, (signal) => api.publishing(lesson.id, signal));
  const health = usePoll((signal) => api.health(lesson.id, signal), HEALTH_MS, open);
  return (
    <div class="page">
      <PageHead title={words.title} lead={`${lesson.title} · ${when.moment(lesson.starts_at, now)}`}>
        <Lamp lesson={lesson} />
      </PageHead>
      {open ? (
        <div class="split split-wide">
          <div class="stack">
            {publishing.value === null ? (
              publishing.problem === null ? <Loading rows={2} /> : <Trouble problem={publishing.problem} retry={publishing.reload} />
            ) : (
              <>
                <Armed publishing={publishing.value} />
                <Ways publishing={publishing.value} lesson={lesson} resource={publishing} />
              </>
            )}
          </div>
          <div class="stack">
            <CheckList health={health.value} />
            <Begin lesson={lesson} health={health.value} />
          </div>
        </div>
      ) : (
        <Empty icon="camera" title={words.notToday}>
          <a class="button" href={router.href(`/lessons/${lesson.id}`)}>
            {words.lesson}
          </a>
        </Empty>
      )}
    </div>
  );
}

/** When the key opens the door, and for how long yet. */
function Armed({ publishing }: { publishing: Publishing }) {
  const now = useNow(useApp().now, 1_000);
  const when = useMyWhen();
  const words = useLiveWords().publish;
  const { armed_from: from, armed_until: until } = publishing;
  if (from === null && until === null) return null;
  const before = from !== null && now < Date.parse(from);
  const over = until !== null && now >= Date.parse(until);
  const edge = before ? from : over ? null : until;
  const left = edge === null ? null : remaining(edge, now);
  const text = before ? words.armedFrom(when.within(from, now)) : over ? words.armedOver(when.within(until, now)) : until === null ? words.armed : words.armedUntil(when.within(until, now));
  const title = before || over ? text : words.armed;
  return (
    <section class="armed" data-armed={!before && !over}>
      <Icon name="key" />
      <div>
        <p class="armed-title">{title}</p>
        {text === title ? null : <p class="field-note">{text}</p>}
      </div>
      {left === null ? null : (
        <p class="armed-clock" role="timer">
          <span>{before ? words.armedIn : words.armedLeft}</span>
          <strong>{left.days > 0 ? `${left.days * 24 + left.hours}:${left.clock.slice(3)}` : left.clock}</strong>
        </p>
      )}
    </section>
  );
}

type Way = 'obs' | 'phone' | 'ffmpeg' | 'own';

interface WayProps {
  readonly publishing: Publishing;
  readonly lesson: Lesson;
  readonly resource: Resource<Publishing>;
}

/** Each way has its tab; another way to broadcast is another entry here. */
function Ways(props: WayProps) {
  const words = useLiveWords().publish;
  const [way, setWay] = useState<Way>('obs');
  const tabs: readonly Tab<Way>[] = [
    { name: 'obs', label: words.obs, icon: 'screen' },
    { name: 'phone', label: words.phone, icon: 'device' },
    ...(props.publishing.ffmpeg === null ? [] : [{ name: 'ffmpeg' as const, label: words.ffmpeg, icon: 'menu' as const }]),
    { name: 'own', label: words.own, icon: 'key' },
  ];
  return (
    <section class="card">
      <h2 class="unseen">{words.ways}</h2>
      <Tabs label={words.ways} tabs={tabs} chosen={way} onChoose={setWay}>
        {way === 'obs' ? <ObsWay {...props} /> : way === 'phone' ? <PhoneWay {...props} /> : way === 'ffmpeg' ? <FfmpegWay {...props} /> : <OwnWay />}
      </Tabs>
    </section>
  );
}

function ObsWay(props: WayProps) {
  const { publishing } = props;
  const words = useLiveWords().publish;
  const server = publishing.obs?.server ?? publishing.rtmp_url;
  return (
    <div class="stack">
      <p>{words.obsLead}</p>
      {server === null ? null : <CopyRow label={words.server} value={server} />}
      <KeyPart {...props} />
    </div>
  );
}

function KeyPart({ publishing, lesson, resource }: WayProps) {
  const words = useLiveWords().publish;
  const { busy, run } = useDeed();
  const { ask, dialog } = useQuestion();
  const key = publishing.obs?.key ?? null;
  const make = (): void => run(async (api) => resource.set({ ...publishing, ...(await api.makePublishingKey(lesson.id)) }));
  const hint = publishing.key_hint;
  const onMake = (): void => (hint === null ? make() : ask({ title: words.makeKeyTitle, text: words.makeKeyText, act: words.makeKeyAgain, onAct: make }));
  return (
    <div class="key-part">
      {key === null ? (
        <>
          <p class="copy-label">{words.key}</p>
          <p class="field-note">{hint === null ? words.keyNone : words.keyHidden(hint)}</p>
        </>
      ) : (
        <>
          <CopyRow label={words.key} value={key} />
          <Note kind="away" icon="warning">
            <p>{words.keyOnce}</p>
          </Note>
        </>
      )}
      <button type="button" class={hint === null ? 'button button-strong' : 'button'} onClick={onMake} aria-disabled={busy}>
        <Icon name="key" />
        {hint === null ? words.makeKey : words.makeKeyAgain}
      </button>
      {dialog}
    </div>
  );
}

function PhoneWay(props: WayProps) {
  const words = useLiveWords().publish;
  const { qr_svg: svg, rtmps_url, rtmp_url } = props.publishing;
  // With its key, right after that was made: what goes unencrypted can be read on the way.
  const address = rtmps_url ?? rtmp_url;
  return (
    <div class="stack">
      <p>{words.phoneLead}</p>
      {svg === null ? (
        <>
          <Note icon="key">
            <p>{words.phoneNeedsKey}</p>
          </Note>
          <KeyPart {...props} />
        </>
      ) : (
        <>
          <ServerQr svg={svg} label={words.qr} />
          {address === null ? null : <CopyRow label={words.address} value={address} />}
        </>
      )}
    </div>
  );
}

function FfmpegWay(props: WayProps) {
  const words = useLiveWords().publish;
  return (
    <div class="stack">
      <p>{words.ffmpegLead}</p>
      <CopyRow label={words.ffmpegLine} value={props.publishing.ffmpeg ?? ''} long />
      {props.publishing.obs?.key === null ? <KeyPart {...props} /> : null}
    </div>
  );
}

function OwnWay() {
  const { api, router } = useApp();
  const words = useLiveWords().publish;
  const keys = useResource('keys', async () => (await api.keys()).items);
  return (
    <div class="stack">
      <p>{words.ownLead}</p>
      {keys.value === null ? keys.problem === null ? <Loading rows={1} /> : <Trouble problem={keys.problem} retry={keys.reload} /> : <OwnKeys keys={keys.value} />}
      <a class="button" href={router.href('/keys')}>
        <Icon name="key" />
        {words.ownManage}
      </a>
    </div>
  );
}

function OwnKeys({ keys }: { keys: readonly StreamKey[] }) {
  const words = useLiveWords().publish;
  if (keys.length === 0) return <p class="field-note">{words.ownNone}</p>;
  return (
    <ul class="plain-list">
      {keys.map(({ id, hint }) => (
        <li key={id}>
          <code>{hint}</code>
        </li>
      ))}
    </ul>
  );
}

/** Green as it arrives; read out once for each change. */
function CheckList({ health }: { health: Health | null }) {
  const words = useLiveWords().publish;
  const checks = checksOf(health);
  return (
    <section class="card stack">
      <div>
        <h2>{words.checks}</h2>
        <p class="field-note">{words.checksLead}</p>
      </div>
      <div role="status">
        <ul class="checks">
          {CHECKS.map((name) => (
            <li key={name} data-check={name} data-state={checks[name]}>
              <span class="check-mark">
                <Icon name={checks[name] === 'good' ? 'check' : checks[name] === 'amiss' ? 'warning' : 'clock'} />
              </span>
              <span class="check-name">{words.check[name]}</span>
              <span class="check-state">{words.checkState[checks[name]]}</span>
            </li>
          ))}
        </ul>
      </div>
      <AdviceList advice={adviceOf(health)} />
    </section>
  );
}

function Begin({ lesson, health }: { lesson: Lesson; health: Health | null }) {
  const { router, toasts } = useApp();
  const words = useLiveWords().publish;
  const { busy, run } = useDeed();
  if (lesson.state === 'live') {
    return (
      <a class="button button-strong button-wide" href={router.href(`/lessons/${lesson.id}/live`)}>
        <Icon name="screen" />
        {words.dashboard}
      </a>
    );
  }
  const start = (): void =>
    run(async (api) => {
      await api.startLesson(lesson.id);
      toasts.done(words.started);
      router.go(`/lessons/${lesson.id}/live`, 'replace');
    });
  return (
    <section class="begin">
      <button type="button" class="button button-strong button-wide" onClick={start} aria-disabled={busy} data-busy={busy}>
        <Icon name="play" />
        {words.start}
      </button>
      <p class="field-note">{isReady(checksOf(health)) ? words.startReady : words.startEarly}</p>
    </section>
  );
}
