/** Lets mentors in, and tells everybody else kindly where they belong. A courtesy: the server decides. */

import type { ComponentType } from 'preact';
import { Empty, PageHead, useApp, type Params } from '@tayang/shell';
import { useScheduleWords } from '../words/schedule.ts';

export type PageType = ComponentType<{ params: Params }>;

export function useIsMentor(): boolean {
  const user = useApp().session.user.value;
  return user !== null && (user.is_mentor || user.roles.includes('mentor'));
}

function NotMentor() {
  const words = useScheduleWords().notMentor;
  return (
    <div class="page">
      <PageHead title={words.title} />
      <Empty icon="person" title={words.title} text={words.text}>
        <a class="button button-strong" href="/mymentor/">
          {words.act}
        </a>
      </Empty>
    </div>
  );
}

/** The same page, for mentors. */
export function forMentors(Page: PageType): PageType {
  return function MentorPage({ params }) {
    return useIsMentor() ? <Page params={params} /> : <NotMentor />;
  };
}
