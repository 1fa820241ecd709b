/**
 * Forms: values, checks, sending, and what the server says of each field.
 *
 * One sending at a time. The idempotency key stays the same until a value is changed, so that a form which is sent again
 * after a lost answer does its deed once. The first field with a problem gets the focus.
 */

import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { Problem, randomKey } from '@tayang/client';
import { useShellWords } from './context.ts';
import { placeProblems, type Errors, type FieldNames } from './fields.ts';
import { useFieldText, useProblemText } from './parts/feedback.tsx';
import { Icon } from './parts/icon.tsx';

export type { Errors, FieldNames } from './fields.ts';

export interface Form<T> {
  readonly values: T;
  readonly errors: Errors<T>;
  /** What belongs to no field. */
  readonly error: string | null;
  readonly busy: boolean;
  readonly changed: boolean;
  readonly set: <K extends keyof T & string>(field: K, value: T[K]) => void;
  readonly reset: (values: T) => void;
  readonly onSubmit: (event: Event) => void;
}

interface FormOptions<T> {
  readonly initial: T;
  /** Problems that can be seen here already. */
  readonly check?: (values: T) => Errors<T>;
  /** The key stays until a value is changed: what is sent with it must then be the same as well. */
  readonly send: (values: T, idempotencyKey: string) => Promise<void>;
  /** Fields that the server calls by another name. */
  readonly names?: FieldNames<T>;
  /** Words of the page's own for a problem; `null` leaves it to the shell. */
  readonly explain?: (problem: Problem) => string | null;
}

/** Done, or not to be known: the same key would only be told so again. */
const SPENT = new Set(['answered-once', 'outcome-unknown']);

function isSpent({ code, fields }: Problem): boolean {
  return SPENT.has(code) || fields.some(({ field }) => field === 'Idempotency-Key');
}

export function useForm<T extends object>({ initial, check, send, explain, names = {} }: FormOptions<T>): Form<T> {
  const words = useShellWords();
  const textOf = useProblemText();
  const textOfField = useFieldText();
  const [values, setValues] = useState(initial);
  const [errors, setErrors] = useState<Errors<T>>({});
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [changed, setChanged] = useState(false);
  const key = useRef(randomKey());

  const fail = (form: HTMLFormElement, found: Errors<T>, general: string | null): void => {
    setErrors(found);
    setError(general);
    // After the next drawing, when the fields say what is wrong with them.
    requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
  };
  const failWith = (form: HTMLFormElement, problem: unknown): void => {
    const problems = problem instanceof Problem ? problem.fields : [];
    const { errors: found, elsewhere } = placeProblems(problems, values, names, textOfField);
    if (problem instanceof Problem && isSpent(problem)) key.current = randomKey();
    const own = problem instanceof Problem ? (explain?.(problem) ?? null) : null;
    const marked = Object.keys(found).length > 0 ? [words.problem.fields] : [];
    const general = [...marked, ...elsewhere].join(' ');
    fail(form, found, own ?? (general === '' ? textOf(problem) : general));
  };
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const found = check?.(values) ?? {};
    if (Object.keys(found).length > 0) return fail(form, found, null);
    setBusy(true);
    setErrors({});
    setError(null);
    try {
      await send(values, key.current);
      key.current = randomKey();
      setChanged(false);
    } catch (problem) {
      failWith(form, problem);
    } finally {
      setBusy(false);
    }
    return undefined;
  };

  return {
    values,
    errors,
    error,
    busy,
    changed,
    set: (field, value) => {
      key.current = randomKey();
      setValues((before) => ({ ...before, [field]: value }));
      setErrors((before) => ({ ...before, [field]: undefined }));
      setChanged(true);
    },
    reset: (next) => {
      setValues(next);
      setErrors({});
      setError(null);
      setChanged(false);
    },
    onSubmit: (event) => {
      event.preventDefault();
      if (!busy && event.currentTarget instanceof HTMLFormElement) void submit(event.currentTarget);
    },
  };
}

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly optional?: boolean;
}

interface Described {
  readonly id: string;
  readonly describedBy: string | undefined;
  readonly frame: (control: ComponentChildren) => ComponentChildren;
}

/** Label above, hint below, and the problem in its place when there is one. */
function useDescribed({ label, hint, error, optional = false }: FieldProps): Described {
  const id = useId();
  const words = useShellWords();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return {
    id,
    describedBy: note === undefined ? undefined : noteId,
    frame: (control) => (
      <div class="field" data-invalid={error !== undefined}>
        <label for={id}>
          {label}
          {optional ? <span class="field-optional"> ({words.optional})</span> : null}
        </label>
        {control}
        {note === undefined ? null : (
          <p class="field-note" id={noteId}>
            {note}
          </p>
        )}
      </div>
    ),
  };
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: 'text' | 'email' | 'search' | 'url' | 'time' | 'date' | 'datetime-local' | 'number';
  readonly autocomplete?: string;
  readonly maxLength?: number;
  readonly required?: boolean;
  readonly min?: string;
  readonly max?: string;
}

export function TextField({ value, onValue, type = 'text', autocomplete, maxLength, required = false, min, max, ...field }: TextFieldProps) {
  const { id, describedBy, frame } = useDescribed(field);
  return frame(
    <input
      id={id}
      type={type}
      class="input"
      value={value}
      autocomplete={autocomplete}
      maxLength={maxLength}
      min={min}
      max={max}
      aria-required={required}
      aria-invalid={field.error !== undefined}
      aria-describedby={describedBy}
      onInput={(event) => onValue(event.currentTarget.value)}
    />,
  );
}

interface TextAreaProps extends FieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly rows?: number;
  readonly maxLength?: number;
}

export function TextArea({ value, onValue, rows = 4, maxLength, ...field }: TextAreaProps) {
  const { id, describedBy, frame } = useDescribed(field);
  return frame(
    <textarea
      id={id}
      class="input"
      rows={rows}
      maxLength={maxLength}
      value={value}
      aria-invalid={field.error !== undefined}
      aria-describedby={describedBy}
      onInput={(event) => onValue(event.currentTarget.value)}
    />,
  );
}

interface PasswordProps extends FieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly autocomplete: 'current-password' | 'new-password';
}

/** A password that can be looked at: on a phone most typing errors are made blind. */
export function PasswordField({ value, onValue, autocomplete, ...field }: PasswordProps) {
  const { id, describedBy, frame } = useDescribed(field);
  const words = useShellWords();
  const [shown, setShown] = useState(false);
  const label = shown ? words.field.hidePassword : words.field.showPassword;
  return frame(
    <div class="input-row">
      <input
        id={id}
        type={shown ? 'text' : 'password'}
        class="input"
        value={value}
        autocomplete={autocomplete}
        autocapitalize="off"
        spellcheck={false}
        aria-required
        aria-invalid={field.error !== undefined}
        aria-describedby={describedBy}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      <button type="button" class="round" aria-label={label} title={label} aria-pressed={shown} onClick={() => setShown(!shown)}>
        <Icon name={shown ? 'eye-off' : 'eye'} />
      </button>
    </div>,
  );
}

interface SelectProps extends FieldProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly (readonly [value: string, label: string])[];
}

export function SelectField({ value, onValue, options, ...field }: SelectProps) {
  const { id, describedBy, frame } = useDescribed(field);
  return frame(
    <select
      id={id}
      class="input"
      value={value}
      aria-invalid={field.error !== undefined}
      aria-describedby={describedBy}
      onChange={(event) => onValue(event.currentTarget.value)}
    >
      {options.map(([option, label]) => (
        <option key={option} value={option}>
          {label}
        </option>
      ))}
    </select>,
  );
}

/** On or off, at once. */
export function Switch({ label, hint, on, disabled = false, onChange }: { label: string; hint?: string | undefined; on: boolean; disabled?: boolean; onChange: (on: boolean) => void }) {
  const id = useId();
  return (
    <div class="switch-row">
      <div>
        <label for={id}>{label}</label>
        {hint === undefined ? null : (
          <p class="field-note" id={`${id}-note`}>
            {hint}
          </p>
        )}
      </div>
      <input
        id={id}
        type="checkbox"
        role="switch"
        class="switch"
        checked={on}
        disabled={disabled}
        aria-describedby={hint === undefined ? undefined : `${id}-note`}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </div>
  );
}

/** What went wrong with the whole form; there from the start, so that it is read out when it comes. */
export function FormError({ text }: { text: string | null }) {
  return (
    <p class="form-error" role="alert">
      {text}
    </p>
  );
}

export function SubmitButton({ busy, children }: { busy: boolean; children: ComponentChildren }) {
  return (
    <button type="submit" class="button button-strong button-wide" aria-disabled={busy} data-busy={busy}>
      {busy ? <span class="dots" aria-hidden="true" /> : null}
      {children}
    </button>
  );
}

/** Whether a text may be an address of mail; the server and the mail itself say the rest. */
export function looksLikeEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text.trim());
}
