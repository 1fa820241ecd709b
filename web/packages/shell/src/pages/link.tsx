/**
 * Signing in by a one-time link, whose secret is in the fragment: it never reaches a server log.
 *
 * The link is used when the button is pressed, not when it is opened: programs that look into mail open links too.
 */

import { useEffect, useState } from 'preact/hooks';
import { Problem } from '@tayang/client';
import { useApp, useShellWords } from '../context.ts';
import { PageHead } from '../frame.tsx';
import { Empty, useProblemText } from '../parts/feedback.tsx';
import { safeNext } from '../router.ts';

export function LinkPage() {
  const { session, router } = useApp();
  const words = useShellWords();
  const textOf = useProblemText();
  const [token] = useState(() => router.place.value.hash);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  useEffect(() => router.dropHash(), []);
  const use = async (keepPassword?: boolean): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const next = safeNext(router.place.value.query.get('next'));
      const { choosePassword } = await session.signInByLink(token, keepPassword);
      router.go(choosePassword ? `/password?choose=1&next=${encodeURIComponent(next)}` : next, 'replace');
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  const isReset = problem instanceof Problem && problem.code === 'reset-link';
  // At a shared computer somebody else may have typed it: only who opens the link knows.
  const isTyped = problem instanceof Problem && problem.code === 'password-typed';
  const press = (keepPassword?: boolean) => (): void => void (busy ? undefined : use(keepPassword));
  const dead = token === '' || (!isTyped && problem instanceof Problem && !problem.isNetwork && problem.status < 500 && problem.status !== 429);
  return (
    <div class="page page-narrow">
      <PageHead title={words.link.title} />
      {dead ? (
        <div role="alert">
          <Empty icon="link" title={isReset ? words.link.isReset : words.link.failed} text={isReset ? words.link.isResetText : words.link.failedText}>
            {!isReset ? null : (
              // It signs nobody in, and is still good for what it is for.
              <button type="button" class="button button-strong" onClick={() => router.go(`/password#${token}`, 'replace')}>
                {words.link.forPassword}
              </button>
            )}
            <a class="button" href={router.href('/sign-in')}>
              {words.forgotten.back}
            </a>
          </Empty>
        </div>
      ) : isTyped ? (
        <div class="card form" role="alert">
          <p>{words.link.typed}</p>
          <button type="button" class="button button-strong button-wide" aria-disabled={busy} onClick={press(true)}>
            {words.link.typedByMe}
          </button>
          <button type="button" class="button button-wide" aria-disabled={busy} onClick={press(false)}>
            {words.link.chooseAnother}
          </button>
        </div>
      ) : (
        <div class="card form">
          <p>{words.link.lead}</p>
          <p class="form-error" role="alert">
            {problem === null ? null : textOf(problem)}
          </p>
          <button type="button" class="button button-strong button-wide" aria-disabled={busy} onClick={press()}>
            {busy ? words.link.working : words.link.act}
          </button>
        </div>
      )}
    </div>
  );
}

