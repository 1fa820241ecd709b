/** All mentors, to be searched. */

import { useEffect, useState } from 'preact/hooks';
import type { Mentor } from '@tayang/client';
import { Avatar, Empty, Icon, Loading, More, PageHead, Trouble, useApp, usePages, useWhen } from '@tayang/shell';
import { useWords } from '../words.ts';

/** A pause in typing, after which is searched. */
const TYPING_MS = 300;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

export function MentorsPage() {
  const { api } = useApp();
  const words = useWords();
  const [text, setText] = useState('');
  const query = useSettled(text);
  const mentors = usePages<Mentor>(`mentors ${query}`, (cursor, signal) => api.mentors({ query, cursor, signal }));
  return (
    <div class="page">
      <PageHead title={words.mentors.title} lead={words.mentors.lead} />
      <search>
        <label class="search">
          <Icon name="search" />
          <span class="unseen">{words.mentors.search}</span>
          <input type="search" class="input" placeholder={words.mentors.search} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      </search>
      <MentorList mentors={mentors} />
    </div>
  );
}

function MentorList({ mentors }: { mentors: ReturnType<typeof usePages<Mentor>> }) {
  const words = useWords();
  if (mentors.items === null) return mentors.problem === null ? <Loading /> : <Trouble problem={mentors.problem} retry={mentors.reload} />;
  if (mentors.items.length === 0) return <Empty icon="search" title={words.mentors.none.title} text={words.mentors.none.text} />;
  return (
    <>
      <ul class="grid">
        {mentors.items.map((mentor) => (
          <MentorCard key={mentor.id} mentor={mentor} />
        ))}
      </ul>
      <More list={mentors} />
    </>
  );
}

function MentorCard({ mentor }: { mentor: Mentor }) {
  const { router, now } = useApp();
  const words = useWords();
  const when = useWhen();
  return (
    <li class="card mentor-card">
      <Avatar name={mentor.name} id={mentor.id} />
      <div>
        <h2 class="as-h3">
          <a class="card-link" href={router.href(`/mentors/${mentor.id}`)}>
            {mentor.name}
          </a>
        </h2>
        <p class="soft">{mentor.headline}</p>
        <p class="facts-row">
          <span class="badge-plain">{words.mentors.courses(mentor.courses)}</span>
          {mentor.next_lesson === null ? null : (
            <span class="soft">
              {words.mentors.next}: {when.moment(mentor.next_lesson.starts_at, now())}
            </span>
          )}
        </p>
      </div>
    </li>
  );
}
