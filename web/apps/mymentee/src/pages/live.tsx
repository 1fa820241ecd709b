/** The dashboard of a lesson that is on: preview, health, chat, people, settings, and its end. */

import { useEffect, useState } from 'preact/hooks';
import type { Lesson } from '@tayang/client';
import { Empty, Icon, Lamp, Loading, Note, PageHead, Trouble, useApp, useNow, useResource, type Params, type Resource } from '@tayang/shell';
import { clockText } from '@tayang/ui';
import { Chat } from '../live/chat.tsx';
import { HealthCard } from '../live/health-card.tsx';
import { useModeration } from '../live/moderation.ts';
import { Hands, Reactions, ViewerList } from '../live/people.tsx';
import { RoomSettings } from '../live/room-settings.tsx';
import { Questions } from '../live/questions.tsx';
import { Stage } from '../live/stage.tsx';
import { useRoom } from '../live/use-room.ts';
import { useQuestion } from '../parts/ask.tsx';
import { useDeed, useMyWhen, usePoll, useWriter } from '../parts/hooks.ts';
import { Tabs, type Tab } from '../parts/tabs.tsx';
import { useLiveWords } from '../words/live-en.ts';

const HEALTH_MS = 3_000;
const VIEWERS_MS = 6_000;
/** The room tells of the lesson at once; this is for what it does not tell. */
const LESSON_MS = 20_000;
const WIDE = '(min-width: 64rem)';

export function LivePage({ params }: { params: Params }) {
  const { api } = useApp();
  const id = params['id'] ?? '';
  const lesson = useResource(`lesson ${id}`, (signal) => api.lesson(id, signal));
  if (lesson.value === null) {
    return <div class="page">{lesson.problem === null ? <Loading /> : <Trouble problem={lesson.problem} retry={lesson.reload} />}</div>;
  }
  return lesson.value.state === 'live' ? <Dashboard resource={lesson} read={lesson.value} /> : <NotLive lesson={lesson.value} />;
}

function NotLive({ lesson }: { lesson: Lesson }) {
  const { router } = useApp();
  const words = useLiveWords();
  const at = `/lessons/${lesson.id}`;
  const over = lesson.state === 'ended';
  return (
    <div class="page">
      <PageHead title={lesson.title}>
        <Lamp lesson={lesson} />
      </PageHead>
      <Empty icon="camera" title={over ? words.dash.goneEnded : lesson.state === 'cancelled' ? words.publish.notToday : words.dash.notLive}>
        {over ? (
          <div class="actions">
            <a class="button button-strong" href={router.href(`${at}/recording`)}>
              {words.dash.toRecording}
            </a>
            <a class="button" href={router.href(`${at}/attendance`)}>
              {words.dash.toAttendance}
            </a>
          </div>
        ) : (
          <a class="button button-strong" href={router.href(lesson.state === 'cancelled' ? at : `${at}/publish`)}>
            {lesson.state === 'cancelled' ? words.publish.lesson : words.publish.title}
          </a>
        )}
      </Empty>
    </div>
  );
}

function useWide(): boolean {
  const [wide, setWide] = useState(() => matchMedia(WIDE).matches);
  useEffect(() => {
    const query = matchMedia(WIDE);
    const onChange = (): void => setWide(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return wide;
}

type Part = 'stage' | 'comments' | 'people' | 'settings';

function Dashboard({ resource, read }: { resource: Resource<Lesson>; read: Lesson }) {
  const { api } = useApp();
  const words = useLiveWords();
  const { room, view } = useRoom(read.id);
  const health = usePoll((signal) => api.health(read.id, signal), HEALTH_MS);
  const polled = usePoll((signal) => api.lesson(read.id, signal), LESSON_MS);
  const moderation = useModeration(read);
  const wide = useWide();
  const [part, setPart] = useState<Part>('stage');
  const told = view.room.lesson;
  const lesson: Lesson = { ...read, ...told };
  useEffect(() => {
    if (polled.value !== null) resource.set(polled.value);
  }, [polled.value]);
  // The room said that it is over, or somebody ended it elsewhere: read what is so.
  useEffect(() => {
    if (told !== null && told.state !== 'live') resource.reload();
  }, [told?.state]);
  const shown: Part = wide && part === 'stage' ? 'comments' : part;
  const viewers = usePoll((signal) => api.viewers(read.id, signal), VIEWERS_MS, shown === 'people');
  const held = view.room.held.length;
  const writer = useWriter();
  const tabs: readonly Tab<Part>[] = [
    ...(wide ? [] : [{ name: 'stage' as const, label: words.dash.tabs.stage, icon: 'screen' as const }]),
    { name: 'comments', label: words.dash.tabs.comments, icon: 'comment', badge: { count: held, meaning: words.room.held(writer.whole(held)) } },
    { name: 'people', label: words.dash.tabs.people, icon: 'people' },
    { name: 'settings', label: words.dash.tabs.settings, icon: 'settings' },
  ];
  const broadcast = (
    <div class="stack dash-broadcast">
      <HealthCard health={health.value} stalled={lesson.stalled} />
      <Hands hands={view.room.hands} acts={moderation.acts} />
      <Reactions totals={view.room.totals} />
    </div>
  );
  return (
    <div class="page page-wide dashboard">
      <PageHead title={lesson.title}>
        <Lamp lesson={lesson} />
      </PageHead>
      <div class="dash">
        <div class="dash-show stack">
          <Stage lesson={lesson} kind="live" />
          <StatusBar lesson={lesson} viewers={view.room.ready ? view.room.viewers : lesson.viewers} />
          {lesson.on_air || lesson.stalled ? null : (
            <Note kind="away" icon="clock">
              <p>{words.dash.waiting}</p>
            </Note>
          )}
          {wide ? broadcast : null}
        </div>
        <div class="dash-side card">
          <Tabs label={words.dash.tabsName} tabs={tabs} chosen={shown} onChoose={setPart}>
            {shown === 'stage' ? broadcast : null}
            {shown === 'comments' ? <Chat room={room} view={view} moderation={moderation} /> : null}
            {shown === 'people' ? <ViewerList viewers={viewers.value} moderation={moderation} /> : null}
            {shown === 'settings' ? <RoomSettings lesson={lesson} onChanged={resource.set} /> : null}
          </Tabs>
        </div>
      </div>
      <Questions moderation={moderation} />
    </div>
  );
}

function StatusBar({ lesson, viewers }: { lesson: Lesson; viewers: number }) {
  const { router, toasts } = useApp();
  const words = useLiveWords().dash;
  const when = useMyWhen();
  const writer = useWriter();
  const now = useNow(useApp().now, 1_000);
  const { busy, run } = useDeed();
  const { ask, dialog } = useQuestion();
  const end = (): void =>
    run(async (api) => {
      await api.endLesson(lesson.id);
      toasts.done(words.ended);
      router.go(`/lessons/${lesson.id}/recording`, 'replace');
    });
  const overdue = now > Date.parse(lesson.ends_at);
  return (
    <section class="status-bar">
      <p class="status-figure">
        <Icon name="people" />
        <strong>{writer.whole(viewers)}</strong>
        <span>{words.viewers}</span>
      </p>
      {lesson.started_at === null ? null : (
        <p class="status-figure">
          <Icon name="clock" />
          <strong>{clockText((now - Date.parse(lesson.started_at)) / 1_000)}</strong>
          <span>{words.elapsed}</span>
        </p>
      )}
      <div class="status-acts">
        <a class="button" href={router.href(`/lessons/${lesson.id}/publish`)}>
          <Icon name="camera" />
          {words.encoder}
        </a>
        <button type="button" class="button button-danger" aria-disabled={busy} onClick={() => ask({ title: words.endTitle, text: words.endText, act: words.end, onAct: end })}>
          <Icon name="close" />
          {words.end}
        </button>
      </div>
      {overdue ? <p class="field-note status-note">{words.overdue(when.within(lesson.ends_at, now))}</p> : null}
      {dialog}
    </section>
  );
}
