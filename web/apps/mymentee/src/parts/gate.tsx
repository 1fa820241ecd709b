/** Lets mentors and operators in where each belongs, and tells everybody else kindly where they do. A courtesy: the server decides. */

import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { Empty, Loading, PageHead, useApp, type Params } from '@tayang/shell';
import { useScheduleWords } from '../words/schedule.ts';

export type PageType = ComponentType<{ params: Params }>;

export function useIsMentor(): boolean {
  const user = useApp().session.user.value;
  return user !== null && (user.is_mentor || user.roles.includes('mentor'));
}

export function useIsOperator(): boolean {
  return useApp().session.user.value?.roles.includes('operator') ?? false;
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

/** The home of mentors; an operator who teaches nothing has a home of their own. */
export function homeOf(Page: PageType): PageType {
  const Mentors = forMentors(Page);
  return function Home({ params }) {
    const isElsewhere = !useIsMentor() && useIsOperator();
    const { router } = useApp();
    useEffect(() => {
      if (isElsewhere) router.go('/operator', 'replace');
    }, [isElsewhere]);
    return isElsewhere ? <Loading /> : <Mentors params={params} />;
  };
}

function NotOperator() {
  const words = useScheduleWords().notOperator;
  return (
    <div class="page">
      <PageHead title={words.title} />
      <Empty icon="key" title={words.title} text={words.text}>
        <a class="button button-strong" href={useApp().router.href('/')}>
          {words.act}
        </a>
      </Empty>
    </div>
  );
}

/** The same page, for operators. */
export function forOperators(Page: PageType): PageType {
  return function OperatorPage({ params }) {
    return useIsOperator() ? <Page params={params} /> : <NotOperator />;
  };
}

/** The same page, for both. */
export function forBoth(Page: PageType): PageType {
  const Mentors = forMentors(Page);
  return function SharedPage({ params }) {
    return useIsOperator() ? <Page params={params} /> : <Mentors params={params} />;
  };
}
