/** What the contract promises of every list and every POST, for stand-ins: pages by cursor, and keys that make a deed one. */

const LIMIT = 20;
const LIMIT_MAX = 100;

/** A page of a list, as `limit` and `cursor` ask for it. */
export function paged(items, query) {
  const limit = Math.min(LIMIT_MAX, Math.max(1, Number(query.get('limit') ?? LIMIT)));
  const from = Number(query.get('cursor') ?? 0);
  const until = from + limit;
  return { items: items.slice(from, until), next_cursor: until < items.length ? String(until) : null };
}

/** Answers by key. `once` are paths whose answers are not kept: a repetition is told so. */
export class Deeds {
  constructor(once) {
    this.once = once;
    this.kept = new Map();
  }

  /** The answer to what was done already, `null` if it was not. */
  before(key, path, body) {
    const kept = this.kept.get(key);
    if (kept === undefined) return null;
    if (kept.path !== path || kept.body !== body) return [422, { type: '/problems/invalid', title: 'invalid', status: 422, detail: 'the key was sent with another request' }];
    if (this.once.test(path)) return [409, { type: '/problems/answered-once', title: 'conflict', status: 409, detail: 'this was done, and its answer is not kept: ask anew' }];
    return kept.answer;
  }

  keep(key, path, body, answer) {
    this.kept.set(key, { path, body, answer });
  }
}
