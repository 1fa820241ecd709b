/** The mentor's own page as mentees see it, and the way to a mentor's tools. */

import type { Mentor } from '@tayang/client';
import { FormError, Icon, Loading, PageHead, SubmitButton, TextArea, TextField, Trouble, useApp, useForm, useResource, useShellWords } from '@tayang/shell';
import { useCourseWords } from '../words/courses.ts';

const HEADLINE_MAX = 120;
const BIO_MAX = 4_000;

export function MentorPage() {
  const { api, session, router } = useApp();
  const words = useCourseWords().page;
  const id = session.user.value?.id ?? '';
  const mentor = useResource(`mentor ${id}`, (signal) => api.mentor(id, signal));
  return (
    <div class="page page-form">
      <PageHead title={words.title} lead={words.lead}>
        <a class="button" href={`/mymentor/mentors/${id}`}>
          <Icon name="eye" />
          {words.view}
        </a>
      </PageHead>
      {mentor.value === null ? mentor.problem === null ? <Loading /> : <Trouble problem={mentor.problem} retry={mentor.reload} /> : <PageForm mentor={mentor.value} />}
      <section class="stack">
        <h2>{words.tools}</h2>
        <div class="grid">
          <article class="card course-card">
            <h3>
              <a class="card-link" href={router.href('/keys')}>
                {words.keys}
              </a>
            </h3>
            <p class="soft">{words.keysText}</p>
          </article>
          <article class="card course-card">
            <h3>
              <a class="card-link" href={router.href('/webhooks')}>
                {words.hooks}
              </a>
            </h3>
            <p class="soft">{words.hooksText}</p>
          </article>
        </div>
      </section>
    </div>
  );
}

function PageForm({ mentor }: { mentor: Mentor }) {
  const { api, toasts } = useApp();
  const words = useCourseWords().page;
  const shell = useShellWords();
  const form = useForm({
    initial: { headline: mentor.headline, bio: mentor.bio },
    send: async ({ headline, bio }) => {
      await api.setMentorPage({ headline: headline.trim(), bio: bio.trim() });
      toasts.done(words.saved);
    },
  });
  const { values, errors, set } = form;
  return (
    <form class="form card" onSubmit={form.onSubmit} noValidate>
      <TextField label={words.headline} hint={words.headlineHint} maxLength={HEADLINE_MAX} value={values.headline} error={errors.headline} onValue={(value) => set('headline', value)} />
      <TextArea label={words.bio} hint={words.bioHint} rows={8} maxLength={BIO_MAX} value={values.bio} error={errors.bio} onValue={(value) => set('bio', value)} />
      <p class="field-note">{words.name}</p>
      <FormError text={form.error} />
      {form.changed ? <SubmitButton busy={form.busy}>{shell.save}</SubmitButton> : null}
    </form>
  );
}
