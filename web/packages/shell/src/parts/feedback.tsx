/** What a page shows while it waits, when it has nothing, and when something was not done. */

import type { ComponentChildren } from 'preact';
import { Problem, type FieldProblem } from '@tayang/client';
import type { IconName } from '@tayang/ui';
import { useApp, useShellWords } from '../context.ts';
import { fieldText } from '../fields.ts';
import type { PagedResource } from '../resource.ts';
import type { ShellWords } from '../words/words.ts';
import { Flower, Icon } from './icon.tsx';

/**
 * What to do next, in the reader's language: our own words for a code that we know; else the server's, where they are in that
 * language or say more than the status does.
 */
export function problemText(problem: unknown, words: ShellWords, language: string): string {
  if (!(problem instanceof Problem)) return words.problem.unknown;
  if (problem.code === 'offline') return words.problem.offline;
  if (problem.status === 0) return words.problem.unreachable;
  if (problem.status === 429 && problem.retryAfterMs !== null) return words.problem.tooFast(Math.max(1, Math.ceil(problem.retryAfterMs / 1_000)));
  const known = words.problem.codes[problem.code];
  if (known !== undefined) return known;
  const plain = plainText(problem.status, words);
  const detail = problem.detail === null ? null : sentence(problem.detail);
  return detail !== null && (problem.language === language || plain === null) ? detail : (plain ?? words.problem.unknown);
}

function plainText(status: number, { problem }: ShellWords): string | null {
  if (status === 401) return problem.unauthorised;
  if (status === 403) return problem.forbidden;
  if (status === 404) return problem.missing;
  if (status === 412) return problem.conflict;
  return status >= 500 ? problem.server : null;
}

/** The server writes without capital and full stop, as texts that are put into others. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** The same as a hook's result, for whoever shows problems as they come. */
export function useProblemText(): (problem: unknown) => string {
  const words = useShellWords();
  const language = useApp().preferences.language.value;
  return (problem) => problemText(problem, words, language);
}

/** What is wrong with a field, by its code; the server's own words where we do not know that. */
export function useFieldText(): (problem: FieldProblem) => string {
  const words = useShellWords();
  return (problem) => fieldText(problem, words.problem.fieldCodes) ?? sentence(problem.detail);
}

/** Grey shapes in place of what is coming; told to screen readers in one word. */
export function Loading({ rows = 3 }: { rows?: number }) {
  const words = useShellWords();
  return (
    <div class="loading">
      <p class="unseen" role="status">
        {words.loading}
      </p>
      {Array.from({ length: rows }, (_, at) => (
        <div key={at} class="loading-row" aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ icon, title, text, children }: { icon?: IconName; title: string; text?: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Flower />
      {icon === undefined ? null : <Icon name={icon} />}
      <p class="empty-title">{title}</p>
      {text === undefined ? null : <p class="empty-text">{text}</p>}
      {children}
    </div>
  );
}

/** Something could not be read; `retry` reads it again. */
export function Trouble({ problem, retry }: { problem: unknown; retry?: () => void }) {
  const words = useShellWords();
  const text = useProblemText()(problem);
  const missing = problem instanceof Problem && problem.status === 404;
  return (
    <div class="empty" role="alert">
      <Icon name={problem instanceof Problem && problem.isNetwork ? 'no-network' : 'warning'} />
      <p class="empty-title">{words.problem.title}</p>
      <p class="empty-text">{text}</p>
      {retry === undefined || missing ? (
        <a class="button" href={useApp().router.href('/')}>
          {words.notFound.home}
        </a>
      ) : (
        <button type="button" class="button" onClick={retry}>
          {words.retry}
        </button>
      )}
    </div>
  );
}

/** The way to the next page of a list, and what went wrong with it while the list itself is there. */
export function More({ list: { items, problem, loading, more } }: { list: Omit<PagedResource<unknown>, 'change'> }) {
  const words = useShellWords();
  const textOf = useProblemText();
  if (items === null) return null;
  return (
    <>
      <p class="form-error center" role="alert">
        {problem === null ? null : textOf(problem)}
      </p>
      {more === null ? null : (
        <button type="button" class="button center" aria-disabled={loading} onClick={more}>
          {words.more}
        </button>
      )}
    </>
  );
}

/** A sentence that stays beside what it is about. */
export function Note({ kind = 'plain', icon, children }: { kind?: 'plain' | 'good' | 'away'; icon?: IconName; children: ComponentChildren }) {
  return (
    <div class="note" data-kind={kind}>
      {icon === undefined ? null : <Icon name={icon} />}
      <div class="note-words">{children}</div>
    </div>
  );
}
