/** News about one's lessons. What is shown here counts as read when the page is left or the button is pressed. */

import { useEffect } from 'preact/hooks';
import type { Notice } from '@tayang/client';
import { Empty, Icon, Loading, More, PageHead, Trouble, useApp, usePages, useWhen, type IconName } from '@tayang/shell';
import { inbox } from '../inbox.ts';
import { useWords } from '../words.ts';

const ICONS: Readonly<Record<string, IconName>> = {
  lesson_scheduled: 'lessons',
  lesson_changed: 'clock',
  lesson_cancelled: 'close',
  lesson_tomorrow: 'clock',
  lesson_soon: 'clock',
  lesson_started: 'play',
  recording_ready: 'play',
};

export function NoticesPage() {
  const { api, router, now } = useApp();
  const words = useWords();
  const notices = usePages<Notice>('notices', (cursor, signal) => api.notices({ cursor, signal }));
  const newest = notices.items?.[0];
  const unread = notices.items?.some(({ read_at }) => read_at === null) ?? false;
  const markRead = (): void => {
    if (newest === undefined) return;
    void api.readNotices(newest.id).catch(() => undefined);
    inbox.clear();
    const at = new Date(now()).toISOString();
    notices.change((items) => items.map((one) => ({ ...one, read_at: one.read_at ?? at })));
  };
  useEffect(() => {
    if (newest === undefined || !unread) return undefined;
    return () => {
      void api.readNotices(newest.id).catch(() => undefined);
      inbox.clear();
    };
  }, [newest?.id, unread]);
  return (
    <div class="page page-reading">
      <PageHead title={words.notices.title}>
        {unread ? (
          <button type="button" class="button" onClick={markRead}>
            <Icon name="check" />
            {words.notices.readAll}
          </button>
        ) : (
          <a class="button" href={router.href('/settings')}>
            <Icon name="settings" />
            {words.notices.settings}
          </a>
        )}
      </PageHead>
      {notices.items === null ? (
        notices.problem === null ? (
          <Loading />
        ) : (
          <Trouble problem={notices.problem} retry={notices.reload} />
        )
      ) : notices.items.length === 0 ? (
        <Empty icon="bell" title={words.notices.none.title} text={words.notices.none.text} />
      ) : (
        <ul class="card notices">
          {notices.items.map((notice) => (
            <NoticeRow key={notice.id} notice={notice} />
          ))}
        </ul>
      )}
      <More list={notices} />
    </div>
  );
}

function NoticeRow({ notice }: { notice: Notice }) {
  const { router, now } = useApp();
  const words = useWords();
  const when = useWhen();
  const title = notice.lesson === null ? notice.title : <a class="card-link" href={router.href(`/lessons/${notice.lesson.id}`)}>{notice.title}</a>;
  return (
    <li class="notice-row" data-unread={notice.read_at === null}>
      <span class="notice-icon">
        <Icon name={ICONS[notice.kind] ?? 'bell'} />
      </span>
      <div>
        <h2 class="as-h3">
          {notice.read_at === null ? <span class="unread-mark">{words.notices.unread}</span> : null} {title}
        </h2>
        <p class="soft">{notice.body}</p>
        <p class="soft small">{when.relative(notice.created_at, now())}</p>
      </div>
    </li>
  );
}
