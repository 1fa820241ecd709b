/** Addresses of a lesson's media, told apart by what they are, and whether they are worth anything to somebody else. */

/** What a copied address may be of. A recording has no parts. */
export const LIVE_KINDS = { master: /\/[\w-]*master\.m3u8$|\/index\.m3u8$/, playlist: /\/(video|audio)\w*\.m3u8/, init: /\/init\S*\.mp4$/, segment: /\/\d+\.m4s$/, part: /\/\d+\.\d+\.m4s$/ };

function kindOf(path, kinds) {
  return Object.entries(kinds).find(([, pattern]) => pattern.test(path))?.[0] ?? null;
}

/** The newest address of each kind; fails where a kind is missing. */
export function oneOfEach(paths, kinds) {
  const found = new Map();
  for (const path of paths) {
    const kind = kindOf(path.split('?')[0], kinds);
    if (kind !== null) found.set(kind, path);
  }
  const missing = Object.keys(kinds).filter((kind) => !found.has(kind));
  if (missing.length > 0) throw new Error(`no ${missing.join(', ')} among ${[...paths].join(' ')}`);
  return [...found.values()];
}

/** What a playlist lists, as the person with the right to it reads it. */
export function listedIn(person, playlist) {
  return person.page.evaluate(async (path) => {
    const text = await (await fetch(path, { cache: 'no-store' })).text();
    const lines = text.split('\n').filter((line) => !line.startsWith('#EXT-X-PRELOAD-HINT'));
    const named = lines.flatMap((line) => (line.startsWith('#') ? [/URI="([^"]+)"/.exec(line)?.[1]] : [line.trim()]));
    return named.filter((uri) => uri !== undefined && uri !== '').map((uri) => new URL(uri, new URL(path, location.href)).pathname);
  }, playlist);
}

/** Fails unless who has the right (`null`: nobody any more) gets all of it, and nobody else gets any. */
export async function isWorthNothingToOthers(paths, owner, others) {
  const own = owner === null ? [] : await owner.statuses(paths);
  const bad = own.filter(([, status]) => status !== 200 && status !== 206);
  if (bad.length > 0) throw new Error(`${owner.name} does not get ${JSON.stringify(bad)}`);
  for (const other of others) {
    const got = (await other.statuses([...paths])).filter(([, status]) => status !== 404);
    if (got.length > 0) throw new Error(`${other.name} gets ${JSON.stringify(got)}`);
  }
}
