/**
 * Signing in by a one-time link, whose secret is in the fragment: it never reaches a server log.
 *
 * The link is used when the button is pressed, not when it is opened: programs that look into mail open links too.
 */

import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
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
  // At a shared computer somebody else may have typed it: only who opens the link knows.
  const [isTyped, setTyped] = useState(false);
  useEffect(() => router.dropHash(), []);
  const use = async (keepPassword?: boolean): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const next = safeNext(router.place.value.query.get('next'));
      const { choosePassword } = await session.signInByLink(token, keepPassword);
      router.go(choosePassword ? `/password?choose=1&next=${encodeURIComponent(next)}` : next, 'replace');
    } catch (error) {
      if (error instanceof Problem && error.code === 'password-typed') setTyped(true);
      else setProblem(error);
      setBusy(false);
    }
  };
  const isReset = problem instanceof Problem && problem.code === 'reset-link';
  const press = (keepPassword?: boolean) => (): void => void (busy ? undefined : use(keepPassword));
  const dead = token === '' || (problem instanceof Problem && !problem.isNetwork && problem.status < 500 && problem.status !== 429);
  const error = problem === null ? null : textOf(problem);
  return (
    <div class="page page-narrow">
      <PageHead title={words.link.title} />
      {dead ? (
        <div key="dead" role="alert">
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
        <TypedQuestion key="typed" busy={busy} error={error} onAnswer={(byMe) => press(byMe)()} />
      ) : (
        <div key="use" class="card form">
          <p>{words.link.lead}</p>
          <p class="form-error" role="alert">
            {error}
          </p>
          <button type="button" class="button button-strong button-wide" aria-disabled={busy} onClick={press()}>
            {busy ? words.link.working : words.link.act}
          </button>
        </div>
      )}
    </div>
  );
}

interface TypedQuestionProps {
  readonly busy: boolean;
  readonly error: string | null;
  readonly onAnswer: (byMe: boolean) => void;
}

/**
 * Whether who opens the link typed the password. The focus goes to the question and neither answer is stronger: a second Enter
 * or tap out of habit must answer nothing.
 */
function TypedQuestion({ busy, error, onAnswer }: TypedQuestionProps) {
  const words = useShellWords().link;
  const id = useId();
  const question = useRef<HTMLParagraphElement>(null);
  useLayoutEffect(() => question.current?.focus(), []);
  return (
    <div class="card form" role="group" aria-labelledby={id}>
      <p id={id} ref={question} tabIndex={-1}>
        {words.typed}
      </p>
      <p class="form-error" role="alert">
        {error}
      </p>
      <button type="button" class="button button-wide" aria-disabled={busy} onClick={() => onAnswer(false)}>
        {words.chooseAnother}
      </button>
      <button type="button" class="button button-wide" aria-disabled={busy} onClick={() => onAnswer(true)}>
        {words.typedByMe}
      </button>
    </div>
  );
}
