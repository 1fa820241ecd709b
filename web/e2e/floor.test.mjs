import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const WEB = fileURLToPath(new URL('../', import.meta.url));
/** Younger than the browsers of `scripts/browsers.mjs`, although the types know them. The language itself is held by `lib`. */
const TOO_YOUNG = /AbortSignal\.any\(|URL\.(parse|canParse)\(|\.checkVisibility\(|\.moveBefore\(|\bResponse\.json\(|\.showPopover\(|document\.startViewTransition\(/;

function sources() {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(WEB, parent)).flatMap((name) =>
      readdirSync(join(WEB, parent, name, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.tsx?$/.test(file))
        .map((file) => join(parent, name, 'src', file)),
    ),
  );
}

test('nothing is asked of a browser that the oldest ones do not have', () => {
  const found = sources();
  expect(found.length).toBeGreaterThan(100);
  expect(found.filter((file) => TOO_YOUNG.test(readFileSync(join(WEB, file), 'utf8')))).toEqual([]);
});
