/**
 * Why a request was not done: the server's own problem document (RFC 9457), or that no answer came.
 *
 * Owns no words of its own for people: `detail` is the server's, and where there is none the page has its own.
 */

/** `offline`: this device says that it has no network; `unreachable`: no answer came; the rest are the server's codes. */
export type ProblemCode = 'offline' | 'unreachable' | 'unknown' | (string & {});

export interface FieldProblem {
  readonly field: string;
  /** A stable word for what is wrong: `required`, `too_long`, `in_the_past` … (docs/spec/api.md). */
  readonly code: string;
  readonly detail: string;
}

interface ProblemParts {
  readonly status: number;
  readonly code: ProblemCode;
  readonly title?: string;
  readonly detail?: string | null;
  readonly fields?: readonly FieldProblem[];
  readonly retryAfterMs?: number | null;
  readonly language?: string | null;
}

export class Problem extends Error {
  public override readonly name = 'Problem';
  /** HTTP status; 0 if no answer came. */
  public readonly status: number;
  public readonly code: ProblemCode;
  /** What to do next, in the server's words. */
  public readonly detail: string | null;
  /** Of `detail`, as the answer says (`Content-Language`); English is assumed where it says nothing. */
  public readonly language: string;
  public readonly fields: readonly FieldProblem[];
  public readonly retryAfterMs: number | null;

  public constructor(parts: ProblemParts) {
    super(parts.title ?? `${parts.status} ${parts.code}`);
    this.status = parts.status;
    this.code = parts.code;
    this.detail = parts.detail ?? null;
    this.language = parts.language?.toLowerCase().split('-')[0] ?? 'en';
    this.fields = parts.fields ?? [];
    this.retryAfterMs = parts.retryAfterMs ?? null;
  }

  /** No answer came: trying again later may help, and what was typed must be kept. */
  public get isNetwork(): boolean {
    return this.status === 0;
  }

  /** Detail for one field of a form; `null` if the server has none. */
  public forField(field: string): string | null {
    return this.fields.find((one) => one.field === field)?.detail ?? null;
  }
}

/** Whether something thrown says that the caller itself gave up. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

const TEXT_MAX = 1_000;
const FIELDS_MAX = 50;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, TEXT_MAX) : null;
}

/** `Retry-After` in milliseconds: seconds or a date, as RFC 9110 (10.2.3) allows. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,6}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isFinite(at) ? Math.max(0, at - nowMs) : null;
}

/** Reads the body of an answer that is no success. A proxy in between may have written it: nothing in it is relied upon. */
export function problemOf(status: number, body: unknown, retryAfter: number | null, language: string | null = null): Problem {
  const fields = isFields(body) ? body : {};
  const type = text(fields['type']);
  const list: unknown[] = Array.isArray(fields['errors']) ? fields['errors'].slice(0, FIELDS_MAX) : [];
  return new Problem({
    status,
    code: /\/problems\/([a-z0-9_-]+)$/.exec(type ?? '')?.[1] ?? 'unknown',
    title: text(fields['title']) ?? `status ${status}`,
    detail: text(fields['detail']),
    fields: list.filter(isFields).flatMap((one) => {
      const field = text(one['field']);
      const detail = text(one['detail']);
      return field === null || detail === null ? [] : [{ field, code: text(one['code']) ?? '', detail }];
    }),
    retryAfterMs: retryAfter,
    language,
  });
}
