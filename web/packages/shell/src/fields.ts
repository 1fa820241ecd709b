/** Which field of a form each field problem of the server belongs to, and what is said there. Pure. */

import type { FieldProblem } from '@tayang/client';

export type Errors<T> = Partial<Record<keyof T & string, string>>;
/** The server's name of a field → the form's, where they differ: `{starts_at: 'date'}`. */
export type FieldNames<T> = Readonly<Record<string, keyof T & string>>;

export interface Placed<T> {
  readonly errors: Errors<T>;
  /** What belongs to no field of this form. */
  readonly elsewhere: readonly string[];
}

/** `word_filter.3` belongs to `word_filter`: the longest name that the form has. */
function placeOf<T extends object>(field: string, values: T, names: FieldNames<T>): (keyof T & string) | null {
  for (let name = field; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const mapped = Object.hasOwn(names, name) ? names[name] : undefined;
    if (mapped !== undefined) return mapped;
    if (Object.hasOwn(values, name)) return name as keyof T & string;
  }
  return null;
}

/** What a code means for a field; `null` for one that this page does not know. */
export function fieldText({ field, code }: FieldProblem, codes: Readonly<Record<string, string>>): string | null {
  const plain = field.replace(/\.\d+$/, '');
  return codes[`${plain}.${code}`] ?? codes[code] ?? null;
}

/** The first problem of each field is the one that is said. */
export function placeProblems<T extends object>(problems: readonly FieldProblem[], values: T, names: FieldNames<T>, say: (problem: FieldProblem) => string): Placed<T> {
  const errors: Errors<T> = {};
  const elsewhere: string[] = [];
  for (const problem of problems) {
    const place = placeOf(problem.field, values, names);
    if (place === null) elsewhere.push(say(problem));
    else errors[place] ??= say(problem);
  }
  return { errors, elsewhere };
}
